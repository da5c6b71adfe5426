/**
 * What a network without faults, liars and absent members shows: every block is decided in round 0 by everybody's own counting of votes. Much
 * can be lost, forgotten or done too late and be made good again by a timeout, an exchange or a sync, at the price of time; here
 * it cannot hide behind them.
 */
import type { NodeEvent } from '../../node/events.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { Plan } from '../faults/plan.ts';
import type { Fail } from './violation.ts';

/** Hears the events of honest nodes. @returns what does nothing where the plan is not calm. */
export function calmCheck({ faults, liars, absent }: Plan, fail: Fail): (id: ParticipantId, event: NodeEvent) => void {
  if (faults.length > 0 || liars.length > 0 || absent.length > 0) return () => undefined;
  return (id, event) => {
    if (event.type === 'round' && event.round > 0)
      fail('calm', `${id} needs round ${event.round} of height ${event.height}`);
    if (event.type !== 'committed' || event.via === 'consensus') return;
    fail('calm', `${id} missed the end of height ${event.committed.block.header.height}`);
  };
}
