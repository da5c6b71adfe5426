/** The genesis of a story's network, and the timings of its nodes. */
import { DEFAULT_TIMINGS, type Timings } from '../../node/context.ts';
import type { Keyring } from '../../simulator/world/keyring.ts';
import type { Genesis } from '../../types/index.ts';
import type { NetworkSpec } from '../story.ts';
import { beginningOf, termsOf } from '../terms.ts';

export function genesisOf(spec: NetworkSpec, { signer }: Keyring): Genesis {
  const key = (name: string) => signer(name).publicKey;
  const { officers, ...terms } = termsOf(spec);
  return {
    ...terms,
    version: 1,
    timeMs: beginningOf(spec),
    participants: spec.members.map(({ id, name, kind }) => ({
      id,
      name,
      kind,
      operatorKey: key(`operator/${id}`),
      validatorKey: key(`validator/${id}`),
      networkKey: key(`network/${id}`),
    })),
    officers: { keys: officers.keys.map(key).sort(), quorum: officers.quorum },
  };
}

/** Longest time that a payment waits for company: it costs nothing where blocks keep their distance. */
const MAX_BATCH_DELAY_MS = 1_000;

export function timingsOf({ blockIntervalMs }: NetworkSpec): Timings {
  const batchDelayMs = Math.min(MAX_BATCH_DELAY_MS, Math.max(DEFAULT_TIMINGS.batchDelayMs, blockIntervalMs / 2));
  const batchHoldMs = Math.max(DEFAULT_TIMINGS.batchHoldMs, batchDelayMs);
  return { ...DEFAULT_TIMINGS, blockIntervalMs, batchDelayMs, batchHoldMs };
}
