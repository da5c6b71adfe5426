/** The genesis of a story's network, and the timings of its nodes. */
import { DEFAULT_TIMINGS, type Timings } from '../../node/context.ts';
import type { Keyring } from '../../simulator/world/keyring.ts';
import type { Genesis } from '../../types/index.ts';
import type { NetworkSpec } from '../story.ts';

/** Story time before the first step, for accounts to be opened and money to be paid in; what is left of it is leapt over. */
const OPENING_MS = 3_600_000;

/** Of the genesis, and of the nodes' start, in ms since 1970. */
export function beginningOf({ startsAtMs }: NetworkSpec): number {
  return startsAtMs - OPENING_MS;
}

/** What holds in every story. */
const RULES = {
  /** A day: people in stories sign in the morning what is handed in at night. Longer is a step's own mistake. */
  maxValidityMs: 86_400_000,
  maxClockSkewMs: 5_000,
  /** Each reads the whole state on every node; with this, a day of busy blocks has some hundred. */
  checkpointInterval: 1_000,
  /** A week: whoever claims a number in a story does not have to hurry. */
  aliasClaimWindowMs: 604_800_000,
  /** Phnom Penh is seven hours ahead of UTC. */
  dayStartOffsetMinutes: 420,
} as const;

const OFFICERS = ['officer/1', 'officer/2', 'officer/3'];
const OFFICER_QUORUM = 2;

export function genesisOf(spec: NetworkSpec, { signer }: Keyring): Genesis {
  const key = (name: string) => signer(name).publicKey;
  return {
    version: 1,
    network: 'tonle-story',
    timeMs: beginningOf(spec),
    currencies: [...spec.currencies].sort((a, b) => (a.code < b.code ? -1 : 1)),
    participants: spec.members.map(({ id, name, kind }) => ({
      id,
      name,
      kind,
      operatorKey: key(`operator/${id}`),
      validatorKey: key(`validator/${id}`),
      networkKey: key(`network/${id}`),
    })),
    officers: { keys: OFFICERS.map(key).sort(), quorum: OFFICER_QUORUM },
    tiers: byName(spec.tiers),
    rules: { ...RULES, aliasClaimDelayMs: spec.aliasClaimDelayMs },
  };
}

/** As a genesis lists them: ascending. */
function byName(tiers: NetworkSpec['tiers']): NetworkSpec['tiers'] {
  return tiers
    .map(({ name, limits }) => ({ name, limits: limits.toSorted((a, b) => (a.currency < b.currency ? -1 : 1)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Longest time that a payment waits for company: it costs nothing where blocks keep their distance. */
const MAX_BATCH_DELAY_MS = 1_000;

export function timingsOf({ blockIntervalMs }: NetworkSpec): Timings {
  const batchDelayMs = Math.min(MAX_BATCH_DELAY_MS, Math.max(DEFAULT_TIMINGS.batchDelayMs, blockIntervalMs / 2));
  return { ...DEFAULT_TIMINGS, blockIntervalMs, batchDelayMs };
}
