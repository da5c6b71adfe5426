/**
 * A story as the player plays it: names resolved, amounts in minor units, times in milliseconds. YAML files and the TypeScript
 * API both write a document (`language/document.ts`), and `language/` makes a story of it or says what is wrong and where; so
 * whatever is in here can be played.
 *
 * What only comes to be while the story is played (the amount of a payment, how many were refused) is a `Reference` to the
 * output of an earlier step.
 */
import type { AccountId, Amount, Currency, CurrencyCode, Genesis, ParticipantId, TierName } from '../types/index.ts';

/** Where in the author's text something stands: `launch-day.yaml`, line and column from 1; a path where there is no text. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `steps[3].pay.amount`. */
  readonly path: string;
}

/** An output of an earlier step: `${first.amount}`. */
export interface Reference {
  readonly output: string;
  readonly field: string;
}

export type Value<T> = T | Reference;

/** Text with references in it: literal parts and outputs, in order. */
export type Text = readonly (string | Reference)[];

export interface Story {
  readonly title: string;
  /** One or two sentences: what it shows, and why. */
  readonly about: string;
  /** As the author named it. */
  readonly file: string;
  readonly network: NetworkSpec;
  /** Everybody who has an account, those of crowds among them, in the order of their opening. */
  readonly people: readonly Person[];
  readonly crowds: ReadonlyMap<string, readonly AccountId[]>;
  readonly steps: readonly Step[];
  /** What it takes that not every engine has; the engine refuses the story before it starts. */
  readonly needs: readonly Need[];
}

/** `byzantine`: liars. `timeTravel`: waits that the ledger's own clock must see, such as a claim that falls due. */
export type Need = 'byzantine' | 'timeTravel';

export interface NetworkSpec {
  /** In the order of the genesis; exactly one central bank. */
  readonly members: readonly {
    readonly id: ParticipantId;
    readonly name: string;
    readonly kind: 'centralBank' | 'bank';
  }[];
  readonly currencies: readonly Currency[];
  readonly tiers: Genesis['tiers'];
  /** How long a claimed phone number stays with its holder. */
  readonly aliasClaimDelayMs: number;
  /** Shortest time between two blocks; 0 makes one whenever there is something to put in it. */
  readonly blockIntervalMs: number;
  /** `stub` only on the simulated engine, and the report says so. */
  readonly signatures: 'real' | 'stub';
  /** All chance comes from it. */
  readonly seed: number;
  /** Story time at which the steps begin, in ms since 1970. */
  readonly startsAtMs: number;
}

export interface Person {
  /** As the story calls them: `dara`, or `shoppers-017` of a crowd. */
  readonly name: string;
  readonly account: AccountId;
  /** E.164, or null for who has none. Bound before the first step; of whose account a step opens, a step binds it. */
  readonly phone: string | null;
  readonly tier: TierName | null;
  /** Paid in by their bank before the first step, out of money that the central bank issues for it. */
  readonly has: readonly Amount[];
  /** False for those whose account a step opens. */
  readonly isOpen: boolean;
}

/** One thing that happens. */
export interface Step {
  readonly place: Place;
  readonly action: Action;
  /** Not before this story time, in ms since 1970. */
  readonly atMs: number | null;
  /** Under which later steps know its outputs. */
  readonly as: string | null;
  /** What the author says of it. */
  readonly note: Text | null;
  /** How it must end. A step that hands in a transaction must end final unless this says otherwise. */
  readonly expected: ExpectedEnding;
}

/**
 * How a transaction is to end: `pending` is handed in and not final when the patience is over; it stays under way.
 * `unreachable`: the bank it was handed to did not answer.
 */
export type ExpectedEnding =
  | { readonly kind: 'final' }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'expired' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'unreachable' }
  /** Whatever comes. */
  | { readonly kind: 'any' };

export type Action =
  | { readonly type: 'say'; readonly text: Text }
  | { readonly type: 'open'; readonly account: AccountId }
  | { readonly type: 'issue'; readonly bank: ParticipantId; readonly amount: Value<Amount>; readonly signedBy: Signers }
  | {
      readonly type: 'redeem';
      readonly bank: ParticipantId;
      readonly amount: Value<Amount>;
      readonly signedBy: Signers;
    }
  /** From the bank's settlement account to a customer's. */
  | { readonly type: 'deposit'; readonly to: AccountId; readonly amount: Value<Amount> }
  /** From a customer's account to the settlement account of their bank. */
  | { readonly type: 'withdraw'; readonly from: AccountId; readonly amount: Value<Amount> }
  | PayAction
  /** One payer, many payees: as many transactions as the limit of commands asks for. */
  | {
      readonly type: 'bulk';
      readonly from: AccountId;
      readonly each: readonly { readonly to: AccountId; readonly amount: Value<Amount> }[];
      readonly perTransaction: number;
      readonly memo: Text;
    }
  /** Between two banks' settlement accounts. */
  | {
      readonly type: 'settle';
      readonly from: ParticipantId;
      readonly to: ParticipantId;
      readonly amount: Value<Amount>;
    }
  | {
      readonly type: 'alias';
      readonly deed: 'bind' | 'release' | 'claim' | 'reject';
      readonly account: AccountId;
      readonly phone: string;
      readonly signedBy: Signers;
    }
  | { readonly type: 'tier'; readonly account: AccountId; readonly tier: TierName; readonly signedBy: Signers }
  /** Hands in the very transaction of an earlier step once more. */
  | {
      readonly type: 'replay';
      readonly output: string;
      readonly via: ParticipantId | null;
      readonly patienceMs: number;
    }
  | PaymentsAction
  | { readonly type: 'wait'; readonly ms: number }
  /** Remembers what everybody has, for `change` to compare with. */
  | { readonly type: 'remember' }
  /** Side by side. */
  | { readonly type: 'together'; readonly steps: readonly Step[] }
  /** One after the other: what a loop within `together` becomes, so that it is one branch. */
  | { readonly type: 'sequence'; readonly steps: readonly Step[] }
  | { readonly type: 'crash' | 'restart' | 'pause' | 'resume' | 'wipe'; readonly banks: readonly ParticipantId[] }
  /** Only banks of one group hear each other; a bank that is in none hears nobody. */
  | { readonly type: 'partition'; readonly groups: readonly (readonly ParticipantId[])[] }
  | { readonly type: 'slow'; readonly banks: readonly ParticipantId[]; readonly byMs: number }
  /** Ends partition and slowness. */
  | { readonly type: 'heal' }
  | { readonly type: 'byzantine'; readonly bank: ParticipantId; readonly actor: string }
  | { readonly type: 'expect'; readonly expectations: readonly Expectation[]; readonly withinMs: number }
  /** TypeScript stories only: what takes a programming language. */
  | {
      readonly type: 'run';
      readonly title: string;
      readonly body: (play: Play) => Promise<void>;
      /** Reads a step of the document's form by what the story knows at this place. @throws CodedError `SCENARIO_*`. */
      readonly stepOf: (part: unknown) => Step;
    };

/** Who signs instead of those who should; empty for these. People by account, banks by id, `officer/1`. */
export type Signers = readonly string[];

export interface PayAction {
  readonly type: 'pay';
  readonly from: AccountId;
  /** A phone number is looked up when the step begins, or taken as an earlier `pay` step saw it. */
  readonly to: { readonly account: AccountId } | { readonly phone: string; readonly seenBy: string | null };
  readonly amount: Value<Amount>;
  readonly memo: Text;
  /** The bank it is handed to; the payer's own where null. */
  readonly via: ParticipantId | null;
  readonly signedBy: Signers;
  /** How long the payer waits for «final» before the step goes on. */
  readonly patienceMs: number;
  readonly validForMs: number;
}

/** Payments of a crowd, seeded. */
export interface PaymentsAction {
  readonly type: 'payments';
  readonly from: readonly AccountId[];
  readonly to: Choice<AccountId>;
  readonly currency: CurrencyCode;
  readonly amount: AmountDistribution;
  readonly count: number;
  readonly overMs: number;
  readonly arrivals: 'constant' | 'poisson';
  /** Every payer pays at most once, in an order of chance; there are at least as many as `count`. */
  readonly eachPayerOnce: boolean;
  /** Whether payees are found by their phone numbers. */
  readonly byPhone: boolean;
  readonly memo: Text;
  /** A payment that its bank does not answer for is handed to others, the very same one, until one takes it. */
  readonly retry: boolean;
  /** How many may end otherwise than final, by code; all others are failures of the step. */
  readonly mayRefuse: readonly string[];
}

/** Whom to pick: all alike, or the first ones more often (Zipf, exponent above 0). */
export interface Choice<T> {
  readonly among: readonly T[];
  readonly zipf: number | null;
}

/** In minor units; what is drawn is rounded to a multiple of `roundTo`, and is at least that. */
export type AmountDistribution =
  | { readonly kind: 'fixed'; readonly minor: bigint }
  | { readonly kind: 'uniform'; readonly lowMinor: bigint; readonly highMinor: bigint; readonly roundTo: bigint }
  | { readonly kind: 'lognormal'; readonly medianMinor: bigint; readonly sigma: number; readonly roundTo: bigint };

export type Comparison = 'exactly' | 'atLeast' | 'atMost';

export type Expectation = { readonly place: Place } & (
  | {
      readonly kind: 'balance';
      readonly account: AccountId;
      readonly is: Comparison;
      readonly amount: Value<Amount> | { readonly zero: CurrencyCode };
    }
  /** Since a `remember` step; `minor` may be negative or zero. */
  | {
      readonly kind: 'change';
      readonly account: AccountId;
      readonly since: string;
      readonly currency: CurrencyCode;
      readonly minor: bigint;
    }
  | { readonly kind: 'supply'; readonly currency: CurrencyCode; readonly minor: bigint }
  /** All banks that run, or these, have the same block and state at the same height. */
  | { readonly kind: 'equalRoots'; readonly banks: readonly ParticipantId[] | null }
  /** Sum of all balances is what was issued less what was redeemed, by the books of every bank that runs. */
  | { readonly kind: 'conserved' }
  | {
      readonly kind: 'alias';
      readonly phone: string;
      readonly account: AccountId | null;
      readonly epoch: number | null;
    }
  /** How the payments of a step ended so far: `refused/INSUFFICIENT_FUNDS`. */
  | {
      readonly kind: 'endings';
      readonly of: string;
      readonly ending: string;
      readonly is: Comparison;
      readonly count: Value<number> | 'all';
    }
  /** Of the payments of a step that are final: from handing in to final. */
  | { readonly kind: 'finality'; readonly of: string | null; readonly quantile: number; readonly belowMs: number }
  /** Evidence of a double vote is on the chain, against this bank and nobody else; null: against nobody. */
  | { readonly kind: 'evidence'; readonly against: ParticipantId | null }
  | { readonly kind: 'running'; readonly bank: ParticipantId; readonly is: boolean }
  /** New blocks since an output was made: 0 says that nothing became final. */
  | { readonly kind: 'blocks'; readonly since: string; readonly is: Comparison; readonly count: number }
  | { readonly kind: 'value'; readonly value: Reference; readonly is: Comparison; readonly to: number | string }
);

/** What a TypeScript step may do beside the other steps' actions. @typeParam Part a step as an author writes it. */
export interface Play<Part = unknown> {
  /** Plays one step now, no loop. @returns its outputs, named or not. @throws as the step would stop the story. */
  do(step: Part): Promise<Outputs>;
  /** In minor units. */
  balance(person: string, currency: string): Promise<bigint>;
  /** Story time, in ms since 1970. */
  now(): number;
  /** Out of the story's seed; the label names the stream. */
  random(label: string): () => number;
  /** Fails the story with this sentence where the condition does not hold. */
  expect(condition: boolean, sentence: string): void;
}

/** What a step leaves for later ones, by field; amounts as texts (`5000 KHR`). */
export type Outputs = Readonly<Record<string, string | number>>;
