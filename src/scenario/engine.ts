/**
 * What a story needs of a network. Two engines implement it: `sim/` on virtual time, seeded, byte for byte repeatable; `net/`
 * on real processes, libp2p and disks. The player knows this port only, so the same story runs on both.
 *
 * Story time passes only while something happens. A `sleep` through which nothing is under way is leapt over; how, and how far
 * the nodes' own clocks go with it, is the engine's business.
 */
import type { NodeEvent } from '../node/events.ts';
import type { Signer } from '../ports.ts';
import type {
  AccountId,
  AliasKey,
  BlockHash,
  CurrencyCode,
  Genesis,
  Hash,
  ParticipantId,
  Receipt,
  TierName,
  Transaction,
  TransactionId,
} from '../types/index.ts';
import type { Need, NetworkSpec } from './story.ts';

export type EngineKind = 'sim' | 'net';

/** Makes a network and starts it. @throws CodedError where the machine does not allow it (ports, folders, disks). */
export interface EngineMaker {
  readonly kind: EngineKind;
  /** What it has of what not every engine has. */
  readonly can: readonly Need[];
  /** What of this network it cannot make, in sentences' parts; every engine but the simulated one has something. */
  readonly cannotMake?: (spec: NetworkSpec) => readonly string[];
  make(spec: NetworkSpec): Promise<Engine>;
}

/** Names a key: `operator/aclb`, `officer/1`, `wallet/dara@aclb`. */
export type KeyName = `operator/${string}` | `officer/${number}` | `wallet/${string}`;

export interface Engine {
  readonly kind: EngineKind;
  readonly genesis: Genesis;
  /** Story time, in ms since 1970. */
  now(): number;
  /** The network's own time: what validity is counted from. */
  networkNow(): number;
  /** Resolves when so much story time has passed. */
  sleep(ms: number): Promise<void>;
  /** Runs the world while this promise is pending; on the simulated engine nothing moves otherwise. */
  drive<T>(play: Promise<T>): Promise<T>;
  signer(name: KeyName): Signer;
  /** @param e164 canonical. */
  aliasKey(e164: string): AliasKey;
  /** What a customer of this bank can ask it. All throw CodedError `UNREACHABLE` where it is down or does not answer. */
  bank(id: ParticipantId): Bank;
  readonly faults: Faults;
  /** Hears all that the nodes tell, from now on. */
  listen(listener: (entry: JournalEntry) => void): void;
  /** Stops everything. */
  close(): Promise<EngineEnd>;
}

export interface Bank {
  /**
   * Hands a transaction in and waits for its end, for at most so long (engine time).
   * Handing the same one in again is no error.
   */
  submit(transaction: Transaction, patienceMs: number): Promise<Ending>;
  account(id: AccountId): Promise<AccountView | null>;
  alias(key: AliasKey): Promise<{ readonly account: AccountId | null; readonly epoch: number } | null>;
  supply(currency: CurrencyCode): Promise<SupplyView>;
  head(): Promise<Head>;
}

export interface AccountView {
  /** Null of settlement accounts, and where the network has no tiers. */
  readonly tier: TierName | null;
  readonly balances: ReadonlyMap<CurrencyCode, bigint>;
}

export interface SupplyView {
  readonly issuedMinor: bigint;
  readonly redeemedMinor: bigint;
  /** Of all balances, added up anew. */
  readonly sumMinor: bigint;
}

/** Where a bank is: its last block, and a digest of its whole state after it. */
export interface Head {
  readonly height: number;
  readonly hash: BlockHash | null;
  readonly stateRoot: Hash;
}

/** How a transaction ended, for who handed it in. */
export type Ending =
  | { readonly kind: 'final'; readonly receipt: Receipt }
  /** By the ledger or by the node; `receipt` where the refusal is on the chain. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly receipt: Receipt | null }
  | { readonly kind: 'expired' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'unreachable' };

/**
 * What can be done to the banks. Each resolves when it is done; `restart` when the node is ready. Crashing or wiping one that is
 * down is no error. All throw CodedError: `BANK_UNKNOWN`, `BANK_DOWN` (pausing one that is down), `BANK_DOES_NOT_START`,
 * `LIAR_UNKNOWN`.
 */
export interface Faults {
  crash(bank: ParticipantId): Promise<void>;
  restart(bank: ParticipantId): Promise<void>;
  pause(bank: ParticipantId): Promise<void>;
  resume(bank: ParticipantId): Promise<void>;
  /** Ends it, and takes its blocks, state and sign-state away: `restart` brings it back from the others. */
  wipe(bank: ParticipantId): Promise<void>;
  partition(groups: readonly (readonly ParticipantId[])[]): Promise<void>;
  slow(banks: readonly ParticipantId[], byMs: number): Promise<void>;
  heal(): Promise<void>;
  /** From now on it is the named actor. Only engines that can `byzantine`. */
  byzantine(bank: ParticipantId, actor: string): Promise<void>;
  isRunning(bank: ParticipantId): boolean;
}

/** What stands in the journal just as a node tells it. */
type AsTold = Extract<NodeEvent, { readonly type: 'batchHeld' | 'proposal' | 'voted' | 'round' | 'peerRefused' }>;

/** One line of what the nodes tell: enough to follow a payment's way. `atMs` is engine time in ms since the start. */
export type JournalEntry = { readonly atMs: number; readonly bank: ParticipantId } & (
  | AsTold
  | { readonly type: 'batched'; readonly digest: string; readonly transactions: readonly TransactionId[] }
  | {
      readonly type: 'committed';
      readonly height: number;
      readonly blockHash: BlockHash;
      readonly timeMs: number;
      readonly round: number;
      readonly proposer: ParticipantId;
      readonly signers: readonly ParticipantId[];
      readonly via: 'consensus' | 'sync';
      readonly transactions: readonly { readonly id: TransactionId; readonly status: number }[];
      readonly evidence: readonly ParticipantId[];
    }
  | { readonly type: 'blockRefused'; readonly height: number; readonly reason: string }
  | { readonly type: 'started' | 'ended'; readonly why: string }
);

export interface EngineEnd {
  /** SHA-256 of all that happened, on the simulated engine. */
  readonly traceHash: string | null;
  /** Engine time that passed, in ms. */
  readonly engineMs: number;
}
