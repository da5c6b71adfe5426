/** What a node tells, as a line of the story's journal. */
import type { NodeEvent } from '../../node/events.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { JournalEntry } from '../engine.ts';

/** @returns null for what no story follows. */
export function entryOf(atMs: number, bank: ParticipantId, event: NodeEvent): JournalEntry | null {
  switch (event.type) {
    case 'batched': {
      const { type, digest, transactions } = event;
      return { atMs, bank, type, digest, transactions: transactions.map(({ id }) => id) };
    }
    case 'batchHeld':
    case 'proposal':
    case 'voted':
    case 'round':
    case 'peerRefused':
      return { atMs, bank, ...event };
    case 'blockRefused':
      return { atMs, bank, type: event.type, height: event.height, reason: event.reason };
    case 'committed': {
      const { type, committed, blockHash, signers, accused, via } = event;
      const { height, timeMs, proposer } = committed.block.header;
      const { round } = committed.certificate;
      const transactions = event.transactions.map(({ receipt: { transactionId: id, status } }) => ({ id, status }));
      const block = { height, blockHash, timeMs, round, proposer, signers, transactions, evidence: accused };
      return { atMs, bank, type, via, ...block };
    }
    default:
      return null;
  }
}
