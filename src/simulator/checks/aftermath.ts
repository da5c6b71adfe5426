/**
 * What must hold when a healed network has come to rest: every record is as it should be, nothing that is final is still waiting
 * anywhere, whatever was taken ends, and a network with nothing to do makes a block now and then, so that what cannot take
 * effect any more expires and every clock moves on.
 */
import type { ParticipantId, TransactionId } from '../../types/index.ts';
import type { Machine } from '../world/machine.ts';
import type { Checkers } from './checkers.ts';

export interface Rest {
  /** Of honest participants. */
  readonly machines: readonly Machine[];
  readonly checkers: Checkers;
  /** What each bank was asked for since the start of the run. */
  readonly asked: ReadonlyMap<ParticipantId, ReadonlySet<TransactionId>>;
  /** Lets time pass until the condition holds. @returns false where it never did, within a bounded time. */
  readonly until: (condition: () => boolean) => Promise<boolean>;
  /** A damaged state is not as it should be. */
  readonly unlike: () => void;
}

export async function checkRest({ machines, checkers, asked, until, unlike }: Rest): Promise<void> {
  for (const machine of machines) {
    if (!checkers.money.whole(machine)) unlike();
    const left = await leftInPool(machine, asked.get(machine.id) ?? new Set());
    if (left > 0) checkers.fail('pools', `${machine.id} still holds ${left} transactions that are final`);
  }
  const isEmpty = () => machines.every((machine) => held(machine) === 0);
  if (!(await until(isEmpty))) {
    const where = machines.map((machine) => `${machine.id} ${held(machine)}`).join(', ');
    checkers.fail('pools', `transactions and batches that never end: ${where}`);
  }
  const { height } = checkers;
  if (!(await until(() => machines.every(({ chain }) => (chain?.tip.height ?? 0) > height))))
    checkers.fail('heartbeat', `an idle network stays at ${height}`);
}

/** More than the transactions that may rightly wait there. */
async function leftInPool({ node }: Machine, asked: ReadonlySet<TransactionId>): Promise<number> {
  const count = node?.status().pool.transactions ?? 0;
  if (node === null || count === 0) return 0;
  let pending = 0;
  for (const id of asked) if ((await node.standing(id)).state === 'pending') pending += 1;
  return count - pending;
}

function held({ node }: Machine): number {
  const pool = node?.status().pool;
  return pool === undefined ? 0 : pool.transactions + pool.batches;
}
