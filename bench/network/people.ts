/** The accounts of a benchmark and their keys, out of its seed: who has the seed has all of them. Never for money. */
import { createHash } from 'node:crypto';
import type { AccountId, ParticipantId } from '../../src/types/index.ts';

export interface People {
  readonly seed: number;
  readonly accounts: number;
  /** Account `i` is at bank `i % banks.length`. */
  readonly banks: readonly ParticipantId[];
}

export function accountAt({ banks }: People, index: number): AccountId {
  return `u${index}@${banks[bankOf(banks.length, index)]}` as AccountId;
}

/** Index of the bank that account `index` is at. */
export function bankOf(banks: number, index: number): number {
  return index % banks;
}

/** 32 bytes for each secret by its name: `account/7`, `operator/aclb`. */
export function secretOf(seed: number, name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`tonle bench ${seed} ${name}`).digest());
}

export const accountSecret = (seed: number, index: number) => secretOf(seed, `account/${index}`);
