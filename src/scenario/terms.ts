/** What holds in every story's network, whichever engine it is on: the rules of its genesis, and when its day begins. */
import { PHNOM_PENH_OFFSET_MINUTES } from '../types/defaults.ts';
import type { Genesis } from '../types/index.ts';
import type { NetworkSpec } from './story.ts';

/** What a story says of its genesis. */
export interface StoryTerms extends Pick<Genesis, 'network' | 'currencies' | 'tiers' | 'rules'> {
  /** Names of the officers' keys, and how many of them issue money. */
  readonly officers: { readonly keys: readonly string[]; readonly quorum: number };
}

const DAY_MS = 86_400_000;

export function termsOf({ currencies, tiers, aliasClaimDelayMs }: NetworkSpec): StoryTerms {
  return {
    network: 'tonle-story',
    currencies: [...currencies].sort((a, b) => (a.code < b.code ? -1 : 1)),
    tiers: byName(tiers),
    officers: { keys: ['officer/1', 'officer/2', 'officer/3'], quorum: 2 },
    rules: {
      /** People in stories sign in the morning what is handed in at night. Longer is a step's own mistake. */
      maxValidityMs: DAY_MS,
      maxClockSkewMs: 5_000,
      /** Each reads the whole state on every node; with this, a day of busy blocks has some hundred. */
      checkpointInterval: 1_000,
      aliasClaimDelayMs,
      /** Whoever claims a number in a story does not have to hurry. */
      aliasClaimWindowMs: 7 * DAY_MS,
      dayStartOffsetMinutes: PHNOM_PENH_OFFSET_MINUTES,
    },
  };
}

/** As a genesis lists them: ascending. */
function byName(tiers: NetworkSpec['tiers']): NetworkSpec['tiers'] {
  return tiers
    .map(({ name, limits }) => ({ name, limits: limits.toSorted((a, b) => (a.currency < b.currency ? -1 : 1)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Story time before the first step, for accounts to be opened and money to be paid in; what is left of it is leapt over. */
const OPENING_MS = 3_600_000;

/** When the nodes start, in story time. */
export function beginningOf({ startsAtMs }: NetworkSpec): number {
  return startsAtMs - OPENING_MS;
}
