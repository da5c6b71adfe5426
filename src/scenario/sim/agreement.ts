/** What consensus is for: no two honest banks ever have different blocks at a height. */
import { AssertionError } from '../../errors.ts';
import type { BlockHash, ParticipantId } from '../../types/index.ts';

export class Agreement {
  /** The block of each height, and the first bank that had it. */
  readonly #blocks = new Map<number, { readonly hash: BlockHash; readonly bank: ParticipantId }>();

  /** Takes a bank's block in. @returns what is wrong with it, or null. */
  problemOf(bank: ParticipantId, height: number, hash: BlockHash): AssertionError | null {
    const known = this.#blocks.get(height);
    if (known === undefined) this.#blocks.set(height, { hash, bank });
    if (known === undefined || known.hash === hash) return null;
    return new AssertionError(`${bank} has block ${hash} at height ${height}, and ${known.bank} has ${known.hash}`);
  }
}
