/** Short ways to write stories for the player's tests, and to play them on the instant engine. */
import type { AccountId, Amount, CurrencyCode, ParticipantId, TierName } from '../../types/index.ts';
import type { Action, Expectation, Person, Place, Step, Story } from '../story.ts';
import { InstantEngine } from './instant-engine.suite.ts';
import { type Played, type PlayOptions, play } from './player.ts';

export const KHR = 'KHR' as CurrencyCode;
const USD = 'USD' as CurrencyCode;
export const [NBC, ACLB, CNB, WING] = ['nbc', 'aclb', 'cnb', 'wing'] as ParticipantId[] as [
  ParticipantId,
  ParticipantId,
  ParticipantId,
  ParticipantId,
];
export const DARA = 'dara@aclb' as AccountId;
export const SOK = 'sok@cnb' as AccountId;
export const MALLORY = 'mallory@wing' as AccountId;
export const DARAS_PHONE = '+85512000001';
export const SOKS_PHONE = '+85512000002';
const PLACE: Place = { file: 'test.yaml', line: 1, column: 1, path: 'steps[0]' };
/** 06:00 in Phnom Penh. */
export const STARTS_MS = Date.UTC(2026, 0, 4, 23);

export const riel = (minor: number | bigint): Amount => ({ currency: KHR, minor: BigInt(minor) });

export function person(account: string, riels: number, phone: string | null = null): Person {
  const [name = ''] = account.split('@');
  const has = riels === 0 ? [] : [riel(riels)];
  return { name, account: account as AccountId, phone, tier: 'full' as TierName, has, isOpen: true };
}

export const PEOPLE: readonly Person[] = [
  person(DARA, 100_000, DARAS_PHONE),
  person(SOK, 50_000, SOKS_PHONE),
  person(MALLORY, 5_000),
];

export function storyOf(steps: readonly Step[], people = PEOPLE, crowds: Story['crowds'] = new Map()): Story {
  return {
    title: 'A test',
    about: '',
    file: 'test.yaml',
    network: {
      members: [NBC, ACLB, CNB, WING].map((id) => ({
        id,
        name: `Bank ${id}`,
        kind: id === NBC ? 'centralBank' : 'bank',
      })),
      currencies: [
        { code: KHR, exponent: 0, maxAmountMinor: 1_000_000_000n, maxSupplyMinor: 1_000_000_000_000n },
        { code: USD, exponent: 2, maxAmountMinor: 1_000_000_000n, maxSupplyMinor: 1_000_000_000_000n },
      ],
      tiers: [
        { name: 'basic' as TierName, limits: [{ currency: KHR, maxDailyMinor: 1_000n }] },
        { name: 'full' as TierName, limits: [] },
      ],
      aliasClaimDelayMs: 3_600_000,
      blockIntervalMs: 0,
      signatures: 'real',
      seed: 7,
      startsAtMs: STARTS_MS,
    },
    people,
    crowds,
    steps,
    needs: [],
  };
}

export function step(action: Action, changes: Partial<Step> = {}): Step {
  return { place: PLACE, action, atMs: null, as: null, note: null, expected: { kind: 'final' }, ...changes };
}

type Pay = Extract<Action, { type: 'pay' }>;

/** @param to an account id, or a phone number. */
export function pay(from: AccountId, to: string, minor: number, changes: Partial<Pay> = {}): Pay {
  return {
    type: 'pay',
    from,
    to: to.startsWith('+') ? { phone: to, seenBy: null } : { account: to as AccountId },
    amount: riel(minor),
    memo: [],
    via: null,
    signedBy: [],
    patienceMs: 10_000,
    validForMs: 60_000,
    ...changes,
  };
}

type Unplaced<T> = T extends unknown ? Omit<T, 'place'> : never;

export function expectThat(...expectations: readonly Unplaced<Expectation>[]): Step {
  const placed = expectations.map((each) => ({ ...each, place: PLACE }) as Expectation);
  return step({ type: 'expect', expectations: placed, withinMs: 1_000 });
}

/** @param turn lets all that waits for nothing but its turn run, and then resolves. */
export function playsWith(turn: () => Promise<unknown>) {
  /** @param touch changes the engine before it begins. */
  return async (
    story: Story,
    options: Partial<PlayOptions> = {},
    touch: (engine: InstantEngine) => void = () => {},
  ): Promise<Played & { readonly engine: InstantEngine }> => {
    const engine = new InstantEngine(story.network, turn);
    touch(engine);
    const versions = { tonle: '0', node: '0' };
    const result = await play(story, engine, { versions, realNow: () => 0, ...options });
    return { ...result, engine };
  };
}
