/** Whom the story asks: the bank of an account, or another one that runs. */
import { participantOf } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import type { AccountId, ParticipantId } from '../../types/index.ts';
import type { AccountView, Bank, Engine } from '../engine.ts';

/** All banks that run, `first` before the others. */
export function runningBanks(engine: Engine, first: ParticipantId | null = null): readonly ParticipantId[] {
  const running = engine.genesis.participants.map(({ id }) => id).filter((id) => engine.faults.isRunning(id));
  return first !== null && running.includes(first) ? [first, ...running.filter((id) => id !== first)] : running;
}

/** The first answer of a bank that runs. @throws CodedError `UNREACHABLE` where none does. */
export async function askAny<T>(
  engine: Engine,
  first: ParticipantId | null,
  question: (bank: Bank, id: ParticipantId) => Promise<T>,
): Promise<T> {
  for (const id of runningBanks(engine, first)) {
    try {
      return await question(engine.bank(id), id);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
  }
  throw new CodedError('UNREACHABLE', 'no bank answers');
}

/** By the books of its own bank, where that one runs. Null where there is no such account. */
export async function accountOf(engine: Engine, account: AccountId): Promise<AccountView | null> {
  return await askAny(engine, participantOf(account), (bank) => bank.account(account));
}

export function isUnreachable(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === 'UNREACHABLE';
}
