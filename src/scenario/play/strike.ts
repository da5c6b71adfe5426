/** Faults of a story: what is done to the banks, and how long it lasts in the report. */
import type { ParticipantId } from '../../types/index.ts';
import type { Faults } from '../engine.ts';
import type { Action } from '../story.ts';
import type { Recorder } from './recorder.ts';

export type FaultAction = Extract<
  Action,
  { type: 'crash' | 'restart' | 'pause' | 'resume' | 'wipe' | 'partition' | 'slow' | 'heal' | 'byzantine' }
>;

/** @param title of the step: it names the fault in the report. */
export async function strike(action: FaultAction, title: string, faults: Faults, recorder: Recorder): Promise<void> {
  switch (action.type) {
    case 'partition':
      recorder.mended(['partition'], null);
      recorder.fault('partition', title, action.groups.flat());
      return await faults.partition(action.groups);
    case 'slow':
      recorder.fault('slow', title, action.banks);
      return await faults.slow(action.banks, action.byMs);
    case 'heal':
      await faults.heal();
      return recorder.mended(['partition', 'slow'], null);
    case 'byzantine':
      recorder.fault('byzantine', title, [action.bank]);
      return await faults.byzantine(action.bank, action.actor);
    case 'crash':
    case 'pause':
    case 'wipe':
      recorder.fault(action.type, title, action.banks);
      return await each(action.banks, (bank) => faults[action.type](bank));
    case 'restart':
      await each(action.banks, (bank) => faults.restart(bank));
      return recorder.mended(['crash', 'wipe'], action.banks);
    default:
      await each(action.banks, (bank) => faults.resume(bank));
      return recorder.mended(['pause'], action.banks);
  }
}

async function each(banks: readonly ParticipantId[], act: (bank: ParticipantId) => Promise<void>): Promise<void> {
  await Promise.all(banks.map(act));
}
