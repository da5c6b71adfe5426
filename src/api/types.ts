/**
 * What the HTTP API answers, as types: written once, for the routes that answer and the client that asks. The schemas of
 * `schemas.ts` say the same to the rest of the world; tests hold every answer against them.
 */
import type { CommandJson, TransactionJson } from '../codec/json.ts';

/** Every refusal and failure: the one envelope. */
export interface ErrorJson {
  readonly error: {
    /** Stable, UPPER_SNAKE: what programs decide by. */
    readonly code: string;
    /** What is wrong and what to do next, for a person. */
    readonly message: string;
    /** The field or parameter that it is about: `commands[0].amount.value`. */
    readonly field?: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** A line of a submission stream: how the transaction of one frame ended. */
export type SubmissionAnswer =
  | {
      /** The frame, counted from 0 within its request. */
      readonly n: number;
      readonly id: string;
      readonly state: 'final';
      readonly height: number;
      readonly index: number;
      /** Name of its status: `OK`, or why it took no effect. */
      readonly status: string;
    }
  /** `pending`: nobody waited any longer; nothing has failed. */
  | { readonly n: number; readonly id: string; readonly state: 'expired' | 'pending' }
  /** Not taken. The id is null where the bytes are no transaction. */
  | { readonly n: number; readonly id: string | null; readonly state: 'refused'; readonly error: ErrorJson['error'] };

/** An amount as text and in minor units; both are decimal strings. */
export interface MoneyJson {
  readonly value: string;
  readonly minor: string;
}

export interface CurrencyJson {
  readonly code: string;
  /** Decimal places of the text form. */
  readonly exponent: number;
  /** Largest amount of one command, as text. */
  readonly maxAmount: string;
}

export interface TierJson {
  readonly name: string;
  /** What goes out in a day at most; a currency that is not here has no limit. */
  readonly limits: readonly { readonly currency: string; readonly maxDaily: string }[];
}

export interface StatusJson {
  /** Of the program. */
  readonly version: string;
  readonly participant: string;
  readonly network: string;
  readonly chainId: string;
  /** The last final block; 0 and null before the first. */
  readonly height: number;
  readonly blockHash: string | null;
  readonly blockTimeMs: number | null;
  /** The first block that this node can show; others know those before it. */
  readonly knownFromHeight: number;
  /**
   * What this node knows of its state: `proved` since its start (or made from its record then), `pending` while it is being
   * proved, `none` where nothing on its disk proves it.
   */
  readonly stateProof: 'proved' | 'pending' | 'none';
  /** Highest block that any peer is known to have. */
  readonly highestKnownHeight: number;
  /** This node's clock. */
  readonly timeMs: number;
  /** How far ahead of block time a transaction may stay valid. */
  readonly maxValidityMs: number;
  readonly currencies: readonly CurrencyJson[];
  /** Every wallet has one of these, where there are any. */
  readonly tiers: readonly TierJson[];
  readonly consensus: { readonly height: number; readonly round: number; readonly step: string };
  /** Participants with an open connection to this node. */
  readonly peers: readonly string[];
  readonly pool: { readonly transactions: number; readonly batches: number };
}

export interface ParticipantJson {
  readonly id: string;
  readonly name: string;
  readonly kind: 'centralBank' | 'bank';
  readonly settlementAccount: string;
  readonly operatorKey: string;
  readonly validatorKey: string;
  readonly networkKey: string;
  /** Whether this node has a connection to it, or is it. */
  readonly connected: boolean;
}

export interface ParticipantsJson {
  readonly participants: readonly ParticipantJson[];
}

export interface ValidatorJson {
  /** As in certificates. */
  readonly index: number;
  readonly participant: string;
  readonly publicKey: string;
}

export interface ValidatorsJson {
  /** Signatures that make a block final. */
  readonly quorum: number;
  readonly validators: readonly ValidatorJson[];
}

export interface CurrencySupplyJson {
  readonly currency: string;
  readonly issued: MoneyJson;
  readonly redeemed: MoneyJson;
  /** Issued less redeemed. */
  readonly circulating: MoneyJson;
  /** With `audit`: the sum of all balances, counted one by one. */
  readonly balances?: MoneyJson;
}

export interface SupplyJson {
  /** With `audit`: the block after which all of it was counted. */
  readonly height?: number;
  readonly supply: readonly CurrencySupplyJson[];
}

/** Where a node is, and a digest of who has what there. */
export interface StateJson {
  /** The last final block; 0 and null before the first. */
  readonly height: number;
  readonly blockHash: string | null;
  /** Merkle root of the whole state after it. */
  readonly stateRoot: string;
}

export interface BalanceJson extends MoneyJson {
  readonly currency: string;
}

/** What an account may still pay out today in a currency, by this node's clock and last block. */
export interface DailyLimitJson {
  readonly currency: string;
  readonly limit: MoneyJson;
  readonly left: MoneyJson;
}

export interface StatusCodeJson {
  readonly code: number;
  readonly name: string;
}

/** A transaction that is on the chain, without its signatures: a line of a history, an event. */
export interface EntryJson {
  readonly id: string;
  readonly height: number;
  /** Place among the block's transactions, from 0. */
  readonly index: number;
  /** Time of the block. */
  readonly timeMs: number;
  readonly status: StatusCodeJson;
  readonly commands: readonly CommandJson[];
}

export interface AccountJson {
  readonly account: string;
  readonly participant: string;
  readonly publicKey: string;
  /** 0 for the accounts of the genesis. */
  readonly openedAtHeight: number;
  /** Null for settlement accounts, and where the network has no tiers. */
  readonly tier: string | null;
  /** One for each currency of the network. */
  readonly balances: readonly BalanceJson[];
  /** One for each currency that the tier limits. */
  readonly daily: readonly DailyLimitJson[];
  readonly history: {
    /** Newest first. */
    readonly entries: readonly EntryJson[];
    /** Give it back as `before` for the next page; null at the end. */
    readonly next: string | null;
  };
}

export interface AliasJson {
  readonly account: string;
  readonly epoch: number;
  readonly aliasKey: string;
  /** Who wants the number, or null: payments go on to `account` until the claim is due and carried out. */
  readonly claim: ClaimJson | null;
}

export interface ClaimJson {
  /** Where the number is to go. */
  readonly account: string;
  /** Until then the holder and its bank may object; from then on the number may be registered anew. */
  readonly dueMs: number;
  /** From then on the claim is none any more. */
  readonly lapsesMs: number;
}

export interface ReceiptJson {
  readonly transactionId: string;
  readonly height: number;
  readonly index: number;
  readonly status: StatusCodeJson;
  /** Place of the command that was refused, from 0, or null. */
  readonly failedCommand: number | null;
  /** What the status means. */
  readonly message: string;
}

/**
 * `final`: the receipt says how it ended. `pending`: it waits here, and how it ends is not known yet. `expired`: it never
 * took effect and never will. `unknown`: only ever said by the client, of an answer that did not come.
 */
export type TransactionState = 'final' | 'pending' | 'expired' | 'unknown';

export interface TransactionStateJson {
  readonly id: string;
  readonly state: TransactionState;
  readonly receipt: ReceiptJson | null;
  /** What the state means and what to do next. */
  readonly message: string;
}

export interface TransactionDetailsJson extends TransactionStateJson {
  /** As it was submitted; null until it is final. */
  readonly transaction: TransactionJson | null;
  /** Text of a receipt that convinces offline (`tonle receipt verify`); null until it is final. */
  readonly proof: string | null;
}

export interface HeaderJson {
  readonly version: 1;
  readonly chainId: string;
  readonly height: number;
  readonly timeMs: number;
  readonly proposer: string;
  readonly parentHash: string;
  readonly validatorSetHash: string;
  readonly batchesRoot: string;
  readonly evidenceRoot: string;
  readonly transactionsRoot: string;
  readonly receiptsRoot: string;
  readonly writesRoot: string;
  readonly checkpointRoot: string | null;
}

export interface StatementJson {
  readonly step: 'propose' | 'prevote' | 'precommit';
  readonly height: number;
  readonly round: number;
  readonly blockHash: string | null;
  readonly validRound: number | null;
  readonly validator: number;
  readonly signature: string;
}

export interface EvidenceJson {
  readonly first: StatementJson;
  readonly second: StatementJson;
}

export interface CertificateJson {
  readonly height: number;
  readonly round: number;
  readonly blockHash: string;
  readonly signatures: readonly { readonly validator: number; readonly signature: string }[];
}

export interface BlockTransactionJson {
  readonly id: string;
  readonly receipt: ReceiptJson;
  readonly transaction: TransactionJson;
}

export interface BlockJson {
  readonly height: number;
  readonly hash: string;
  readonly header: HeaderJson;
  readonly certificate: CertificateJson;
  readonly batches: readonly string[];
  readonly evidence: readonly EvidenceJson[];
  /** Of the whole block. */
  readonly transactionCount: number;
  /** From place `from` on, at most `limit` of them. */
  readonly transactions: readonly BlockTransactionJson[];
}

export interface HealthJson {
  readonly height: number;
  readonly highestKnownHeight: number;
}

export interface BlockEventJson {
  readonly height: number;
  readonly hash: string;
  readonly timeMs: number;
  readonly proposer: string;
  readonly transactions: number;
}

/** What the event stream tells: the receipts of a block, then the block, whose height is the place to resume from. */
export type EventJson =
  | { readonly type: 'receipt'; readonly data: EntryJson }
  | { readonly type: 'block'; readonly data: BlockEventJson };

// ---------------------------------------------------------------- operator API

/** What the bank itself knows of a customer: personal data, behind the operator's token only. */
export interface CustomerJson {
  readonly account: string;
  readonly displayName: string;
  readonly phones: readonly string[];
}

export interface CustomersJson {
  readonly customers: readonly CustomerJson[];
}

/** How an action of the bank ended; `pending` where no answer came in time, and it may still take effect. */
export interface ActionJson extends TransactionStateJson {
  /** The customer as stored now; null while pending. */
  readonly customer: CustomerJson | null;
}

/** What stands under an alias key: who has one has learnt the number already. */
export interface BindingJson {
  readonly aliasKey: string;
  /** Null where the number was released. */
  readonly account: string | null;
  readonly epoch: number;
}

/** What a wallet needs to sign the registration of a number. */
export interface AliasKeyJson {
  /** In E.164 form. */
  readonly phone: string;
  readonly aliasKey: string;
}

export interface UnsubmittedJson {
  readonly id: string;
  /** Canonical bytes in hex, with the bank's signature: for the officers to sign, and then to submit. */
  readonly transaction: string;
  readonly validUntilMs: number;
}
