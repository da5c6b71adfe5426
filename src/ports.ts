/**
 * All that the node needs from the world. `node/` knows these interfaces only; three worlds implement them: the real one
 * (libp2p, disks, LevelDB), the simulator's, and the unit tests'. Bytes cross them, so that every world decodes the same.
 */
import type { AccountId, BlockWrites, Hash, ParticipantId, Place, PublicKey, StateKey } from './types/index.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `fire` once, not earlier than `delayMs` from now; the answer cancels it. */
  schedule(delayMs: number, fire: () => void): () => void;
}

export interface Random {
  bytes(length: number): Uint8Array;
}

/** Holds one Ed25519 key; the key itself never leaves it. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Uint8Array;
}

export interface SignatureCheck {
  readonly publicKey: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Checks signatures by the one rule of `crypto/ed25519.ts`. */
export interface Verifier {
  verify(check: SignatureCheck): boolean;
  /**
   * Many at once, off the event loop where the world has threads; one verdict each, in order. What is asked must stay as it is
   * until the verdicts are there.
   */
  verifyAll(checks: readonly SignatureCheck[]): Promise<readonly boolean[]>;
}

// ---------------------------------------------------------------- network

/** Small messages that gossip: never one per payment. */
export type Topic = 'proposals' | 'votes' | 'announcements' | 'evidence';
/** Questions one peer asks another over a stream of its own; see `node/peers.ts` for what each carries. */
export type Question = 'batches' | 'blocks' | 'round' | 'manifest' | 'chunk';
/** accept: pass it on; ignore: useless now, nobody's fault; reject: no honest peer sends this. */
export type Verdict = 'accept' | 'ignore' | 'reject';

export interface NetworkHandlers {
  /** A gossip message as it came from `from`, the neighbour that passed it on. */
  onGossip(topic: Topic, from: ParticipantId, bytes: Uint8Array): Promise<Verdict>;
  /** A batch that `from` pushes. */
  onBatch(from: ParticipantId, bytes: Uint8Array): Promise<Verdict>;
  /** A question; the answer is a list of frames. Null says that no honest peer asks this. */
  onQuestion(question: Question, from: ParticipantId, bytes: Uint8Array): Promise<readonly Uint8Array[] | null>;
  onPeer(peer: ParticipantId, connected: boolean): void;
}

export interface Network {
  start(handlers: NetworkHandlers): Promise<void>;
  stop(): Promise<void>;
  /** Participants with an open, authenticated connection. */
  peers(): readonly ParticipantId[];
  /** Best effort: whoever misses it asks later. Never throws, never waits. */
  publish(topic: Topic, bytes: Uint8Array): void;
  /** Sends a batch to every connected peer over a kept stream. Best effort, as above. */
  pushBatch(bytes: Uint8Array): void;
  /** @throws NetworkError when the peer is gone, slow, over a limit or answers nonsense. */
  ask(peer: ParticipantId, question: Question, bytes: Uint8Array): Promise<readonly Uint8Array[]>;
  /** What the node found wrong with an answer of `peer`: disconnects it and refuses it for a while. */
  ban(peer: ParticipantId, reason: string): void;
}

// ---------------------------------------------------------------- storage

/** The record: one entry a height, from 1 on or from the height of a snapshot on, append-only. */
export interface BlockLog {
  /** Height of the first entry, whether it is there yet or not: 1, or that of the snapshot that the record begins with. */
  first(): number;
  /** Height of the last entry: one less than the first where there is none. */
  length(): number;
  /** Resolves when the entry is synced: only then may anyone be told «final». */
  append(entry: Uint8Array): Promise<void>;
  read(height: number): Promise<Uint8Array | null>;
  /** Puts a record of these entries, from this height on, in the place of the present one, which is kept aside. */
  beginAnew(first: number, entries: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}

/** Whole states after checkpoint heights, in chunks, each with a manifest. Not believed: whoever reads one checks it. */
export interface Snapshots {
  /** Heights of those that are there, ascending. */
  heights(): readonly number[];
  /** Null where there is none of this height, or it is damaged; it is set aside then. */
  manifest(height: number): Promise<Uint8Array | null>;
  /** @param index 0 for the first. Null as above, and after the last. */
  chunk(height: number, index: number): Promise<Uint8Array | null>;
  /** Begins one. What has this height already stays until it is finished. */
  begin(height: number): Promise<SnapshotWriter>;
  /** It was found to be false: it is kept for whoever investigates, and not used. */
  setAside(height: number): Promise<void>;
  /** Removes all but these. */
  keep(heights: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

export interface SnapshotWriter {
  append(chunk: Uint8Array): Promise<void>;
  /** When it resolves, the snapshot is there and durable. */
  finish(manifest: Uint8Array): Promise<void>;
  /** Leaves it unfinished: nothing of it is there. */
  abandon(): Promise<void>;
}

/** The last thing this key signed, and what it is locked on: what must outlive a crash so that it never signs twice. */
export interface SignState {
  /** The last entry recorded, or null for a key that never signed. */
  last(): Uint8Array | null;
  /** Resolves when the entry is synced, with its directory on creation: only then may the signature leave the node. */
  record(entry: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A row of an index: rebuilt from the log whenever it is lost. */
export interface IndexWrite {
  readonly key: string;
  readonly value: Uint8Array;
}

/** What a block adds to the indexes. */
export interface IndexWrites {
  readonly rows: readonly IndexWrite[];
  /** Records of the index of places (`codec/places.ts`), those of one key in the order of their places. */
  readonly places: Uint8Array;
}

export interface PlaceQuery {
  /** 24 bytes. */
  readonly key: Uint8Array;
  /** Only those before it, where it is given. */
  readonly before: Place | null;
  readonly limit: number;
}

/** The whole state of one moment, whatever is applied while it is read. */
export interface HeldState {
  /** Of the block that the state is after, 0 after genesis; null where `StateStore.height` was. */
  readonly height: number | null;
  /** All of its entries in ascending key order, some at a time. They are there once. */
  readonly pages: AsyncIterable<readonly { readonly key: StateKey; readonly value: Uint8Array }[]>;
  /** The same in place of them, as the canonical bytes of the chunks of a snapshot: for whoever looks at no entry. */
  readonly chunks: AsyncIterable<StateChunk>;
}

/** Of a snapshot: see `stateChunk` of the codec. All but the last are full. */
export interface StateChunk {
  readonly bytes: Uint8Array;
  readonly entries: number;
}

/** Account state and indexes after the last applied block. Nobody changes the bytes that it was given or gives. */
export interface StateStore {
  /** Height of the last applied block, 0 after genesis, null when empty. */
  height(): number | null;
  /** Genesis digest the state belongs to, null when empty. */
  chain(): Hash | null;
  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | null)[]>;
  /** What `get` will be asked for soon: a store that has far to go for it asks and goes now. Best effort; whatever fails, `get` tells. */
  warm(keys: () => readonly StateKey[]): void;
  /**
   * All of a block or nothing of it. Heights are applied in order without gaps; the first (0) names the chain. When it
   * resolves, whoever reads sees the block; it may still have to reach the disk, as the record has it.
   */
  apply(height: number, writes: BlockWrites, index: IndexWrites, chain: Hash): Promise<void>;
  /**
   * Gives `read` the whole state, height and entries of one moment: after every `apply` that had resolved when this was called,
   * and before every change that was asked for later. Any number may read at once, each its own. The state is let go when `read`
   * has ended in any way; its pages and chunks are an error from then on, and from the store's closing or failure on.
   */
  hold<T>(read: (state: HeldState) => Promise<T>): Promise<T>;
  indexGet(key: string): Promise<Uint8Array | null>;
  /** The last place under each of the keys of 24 bytes, in order; null where there is none. */
  lastPlaces(keys: readonly Uint8Array[]): Promise<readonly (Place | null)[]>;
  /** Places under a key, the newest first. */
  newestPlaces(query: PlaceQuery): Promise<readonly Place[]>;
  /** Says that what it holds is not to be used: whoever opens it next finds it empty. It is only read, cleared or closed then. */
  giveUp(): Promise<void>;
  /** Empties it: the log rebuilds it. */
  clear(): Promise<void>;
  /** Puts entries of a whole state into an empty store. They are of no meaning before `seal`. */
  fill(entries: readonly { readonly key: StateKey; readonly value: Uint8Array }[]): Promise<void>;
  /** Says that what was filled in is the whole state after the block of this height. */
  seal(height: number, chain: Hash): Promise<void>;
  close(): Promise<void>;
}

/** What a bank knows of a customer. It stays in the bank's own store: nothing of it is on the ledger or leaves the node. */
export interface Customer {
  readonly account: AccountId;
  readonly name: string;
  /** Numbers whose aliases this bank attested, in E.164 form. */
  readonly phones: readonly string[];
}

export interface CustomerStore {
  get(account: AccountId): Promise<Customer | null>;
  put(customer: Customer): Promise<void>;
  /** In ascending order of the account. */
  list(): Promise<readonly Customer[]>;
  close(): Promise<void>;
}

/** The few file operations that `storage/` stands on, so that the simulator can lose, tear and refuse each of them. */
export interface Disk {
  /** Opens for reading and appending, creating it where `create` is set; null where it is absent. Paths are relative. */
  open(path: string, create: boolean): Promise<DiskFile | null>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names of the files in the folder. */
  names(): Promise<readonly string[]>;
  /** Makes creations, renames and removals in the folder durable. */
  syncFolder(): Promise<void>;
}

export interface DiskFile {
  size(): Promise<number>;
  read(position: number, length: number): Promise<Uint8Array>;
  append(bytes: Uint8Array): Promise<void>;
  /** As `append`, and durable when it resolves. */
  appendSynced(bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- what the node tells

/** One line of the node's diary: a stable name and plain facts. */
export interface Logger {
  /** @param facts a function is called only where somebody wants to know. */
  debug(event: string, facts?: Facts | (() => Facts)): void;
  info(event: string, facts?: Facts): void;
  warn(event: string, facts?: Facts): void;
  error(event: string, facts?: Facts): void;
}

export type Facts = Readonly<Record<string, unknown>>;
