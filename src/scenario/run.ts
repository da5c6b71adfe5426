/**
 * What became of a story: plain data, written as JSON, from which every report is made. Money is text as people write it
 * (`{ currency: 'KHR', value: '5000' }`), times are ms since 1970 in story time unless their name says otherwise.
 */
import type { AmountJson } from '../codec/json.ts';
import type { EngineKind } from './engine.ts';
import type { Place } from './story.ts';

export interface Run {
  readonly format: 'tonle-run';
  readonly version: 1;
  readonly story: { readonly title: string; readonly about: string; readonly file: string };
  readonly engine: {
    readonly kind: EngineKind;
    readonly seed: number;
    readonly signatures: 'real' | 'stub';
    /** Of the program and of Node.js. */
    readonly versions: { readonly tonle: string; readonly node: string };
    readonly traceHash: string | null;
    readonly engineMs: number;
    readonly realMs: number;
  };
  readonly currencies: readonly { readonly code: string; readonly exponent: number }[];
  readonly members: readonly { readonly id: string; readonly name: string; readonly kind: 'centralBank' | 'bank' }[];
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly verdict: 'held' | 'failed' | 'stopped';
  /** What stopped it, or null. */
  readonly problem: string | null;
  readonly steps: readonly StepRecord[];
  readonly payments: readonly PaymentRecord[];
  readonly blocks: readonly BlockRecord[];
  readonly faults: readonly FaultRecord[];
  readonly expectations: readonly ExpectationRecord[];
  /** Who held what in the end: people and banks (`settlement@aclb`), crowds as a sum. */
  readonly holdings: readonly HoldingRecord[];
  /** What the banks' settlement accounts held, at each `remember` step and in the end. */
  readonly positions: readonly PositionRecord[];
  /** Final transfers between banks' customers, added up. */
  readonly flows: readonly FlowRecord[];
  readonly supply: readonly {
    readonly currency: string;
    readonly issued: string;
    readonly redeemed: string;
    readonly circulating: string;
  }[];
}

export interface StepRecord {
  /** `3`, `5.2` within a group. */
  readonly number: string;
  readonly place: Place;
  readonly type: string;
  /** One line for people: `dara pays sok 5,000 KHR`. */
  readonly title: string;
  readonly note: string | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly outcome: 'done' | 'failed';
  /** What came of it, or what is wrong, in a sentence. */
  readonly result: string;
}

/** One transaction that the story handed in. */
export interface PaymentRecord {
  readonly id: string;
  /** Number of its step. */
  readonly step: string;
  readonly kind: 'payment' | 'opening' | 'issue' | 'redeem' | 'alias' | 'tier';
  /** For people: `dara pays sok 5,000 KHR`. */
  readonly title: string;
  readonly from: string | null;
  readonly to: string | null;
  /** Of all its transfers together; null where no money moves. */
  readonly amount: AmountJson | null;
  readonly memo: string;
  /** The bank it was handed to last. */
  readonly via: string;
  readonly submittedAtMs: number;
  /** Engine time from handing in to hearing «final»; null where that was not heard. */
  readonly finalityMs: number | null;
  readonly ending: 'final' | 'refused' | 'expired' | 'pending' | 'unreachable';
  /** Of a refusal. */
  readonly code: string | null;
  readonly height: number | null;
  readonly index: number | null;
}

export interface BlockRecord {
  readonly height: number;
  readonly hash: string;
  readonly atMs: number;
  readonly round: number;
  readonly proposer: string;
  readonly signers: readonly string[];
  readonly transactions: number;
  readonly evidenceAgainst: readonly string[];
}

export interface FaultRecord {
  /** `crash`, `partition`… */
  readonly kind: string;
  readonly title: string;
  readonly banks: readonly string[];
  readonly fromMs: number;
  /** Null where the story ended before it did. */
  readonly toMs: number | null;
}

export interface ExpectationRecord {
  readonly step: string;
  readonly place: Place;
  /** `sok has exactly 5,000 KHR`. */
  readonly title: string;
  readonly held: boolean;
  /** Where it did not: what was found, by how much it is off, and what led to it, for who has never seen the code. */
  readonly finding: string | null;
}

export interface HoldingRecord {
  readonly name: string;
  readonly account: string | null;
  readonly bank: string | null;
  readonly balances: readonly AmountJson[];
}

export interface PositionRecord {
  readonly atMs: number;
  readonly banks: readonly { readonly bank: string; readonly balances: readonly AmountJson[] }[];
}

export interface FlowRecord {
  /** Ids of banks; the same one where money stayed within it. */
  readonly from: string;
  readonly to: string;
  readonly amount: AmountJson;
  readonly transfers: number;
}
