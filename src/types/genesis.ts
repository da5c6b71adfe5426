import type { CurrencyCode, ParticipantId, PublicKey, TierName } from './ids.ts';
import type { Currency } from './money.ts';

/** A member institution and the keys it acts with. */
export interface Participant {
  readonly id: ParticipantId;
  /** As shown to people: `ACLEDA Bank`. */
  readonly name: string;
  readonly kind: 'centralBank' | 'bank';
  /** Signs for the settlement account, opens wallets, attests aliases. */
  readonly operatorKey: PublicKey;
  /** Signs consensus statements. */
  readonly validatorKey: PublicKey;
  /** Identifies the node to its peers (libp2p). */
  readonly networkKey: PublicKey;
}

/** What wallets of one kind may pay out in a day, all payments together. */
export interface Tier {
  readonly name: TierName;
  /** A currency that is not here has no limit; 0 lets nothing out. */
  readonly limits: readonly { readonly currency: CurrencyCode; readonly maxDailyMinor: bigint }[];
}

/** The rules and members a network starts with; its digest is the chain id. */
export interface Genesis {
  readonly version: 1;
  /** As shown to people: `tonle-dev`. */
  readonly network: string;
  readonly timeMs: number;
  readonly currencies: readonly Currency[];
  readonly participants: readonly Participant[];
  /** Who issues and redeems: any `quorum` of these keys together. */
  readonly officers: { readonly keys: readonly PublicKey[]; readonly quorum: number };
  /** Every wallet has one of these, where there are any; settlement accounts have none. */
  readonly tiers: readonly Tier[];
  readonly rules: {
    /** How far ahead of block time `validUntilMs` may lie. */
    readonly maxValidityMs: number;
    /** How far a block's time may be ahead of a validator's clock. */
    readonly maxClockSkewMs: number;
    /** Heights between two states whose roots headers carry, half of this later each. */
    readonly checkpointInterval: number;
    /** How long the holder of a phone number and its bank have to object to a claim. */
    readonly aliasClaimDelayMs: number;
    /** How long a claim that is due may be carried out, before it lapses. */
    readonly aliasClaimWindowMs: number;
    /** Minutes by which a day of the tiers begins before one of UTC: 420 in Phnom Penh. */
    readonly dayStartOffsetMinutes: number;
  };
}
