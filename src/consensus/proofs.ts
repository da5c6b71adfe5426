/** What a validator can show to someone who was not there: that a block is final, or that a validator lied. */
import { assert } from '../errors.ts';
import type { BlockHash, CommitCertificate, Evidence, SignedStatement, Vote } from '../types/index.ts';

/** The certificate that precommits for one block in one round make. */
export function certificateOf(
  height: number,
  round: number,
  blockHash: BlockHash,
  precommits: readonly Vote[],
): CommitCertificate {
  const signatures = inOrder(precommits).map(({ validator, signature }) => ({ validator, signature }));
  return { height, round, blockHash, signatures };
}

/** Two contradicting statements of one validator, the smaller value first; null is smaller than every hash. */
export function evidenceOf(a: SignedStatement, b: SignedStatement): Evidence {
  assert(a.blockHash !== b.blockHash, 'evidence holds two different values');
  return (a.blockHash ?? '') < (b.blockHash ?? '') ? { first: a, second: b } : { first: b, second: a };
}

/** Votes in ascending order of the validator. */
export function inOrder(votes: readonly Vote[]): readonly Vote[] {
  return [...votes].sort((a, b) => a.validator - b.validator);
}
