/**
 * An engine for the player's tests: one ledger for all banks, which applies each transaction as a block of its own, and a clock
 * that leaps to whatever is due next. Failures happen when a test asks for them, and only those.
 */

import { MAX_STATE_VALUE_BYTES } from '../../codec/limits.ts';
import { decode, type Schema } from '../../codec/schema.ts';
import { accountRecord, aliasRecord, supplyRecord } from '../../codec/state.ts';
import { aliasKey } from '../../crypto/alias.ts';
import { createSigner } from '../../crypto/ed25519.ts';
import { sha256 } from '../../crypto/hash.ts';
import { transactionId } from '../../crypto/ids.ts';
import { CodedError } from '../../errors.ts';
import { holdingOf } from '../../ledger/holdings.ts';
import { accountKey, aliasStateKey, supplyKey } from '../../ledger/keys.ts';
import { applyBlock, genesisWrites, type Rules, rulesOf, touchedKeys } from '../../ledger/ledger.ts';
import { statusOf } from '../../ledger/status.ts';
import type { Signer } from '../../ports.ts';
import type {
  AccountId,
  BlockHash,
  CurrencyCode,
  Genesis,
  Hash,
  ParticipantId,
  Receipt,
  StateKey,
  Transaction,
  TransactionId,
} from '../../types/index.ts';
import type {
  AccountView,
  Bank,
  Ending,
  Engine,
  EngineEnd,
  Faults,
  JournalEntry,
  KeyName,
  SupplyView,
} from '../engine.ts';
import type { NetworkSpec } from '../story.ts';

/** From handing in to final. */
const FINALITY_MS = 5;

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Handed in while nothing can become final. */
interface Waiting {
  readonly transaction: Transaction;
  readonly end: (ending: Ending) => void;
}

export class InstantEngine implements Engine {
  readonly kind = 'sim';
  readonly genesis: Genesis;
  readonly faults: Faults;
  /** Every fault that was asked for, in order: `crash aclb`. */
  readonly asked: string[] = [];
  /** Whether blocks are made. */
  isStuck = false;
  /** Banks whose books are wrong: what their state root ends in, and money that nobody issued. */
  readonly forged = new Map<ParticipantId, { readonly root: string; readonly minor: bigint }>();
  /** Goes into the next block. */
  evidence: readonly ParticipantId[] = [];
  readonly #spec: NetworkSpec;
  readonly #rules: Rules;
  readonly #turn: () => Promise<unknown>;
  readonly #state = new Map<StateKey, Uint8Array>();
  readonly #receipts = new Map<TransactionId, Receipt>();
  readonly #signers = new Map<string, Signer>();
  readonly #down = new Set<ParticipantId>();
  readonly #paused = new Set<ParticipantId>();
  readonly #timers: Timer[] = [];
  readonly #listeners: ((entry: JournalEntry) => void)[] = [];
  #waiting: Waiting[] = [];
  #nowMs: number;
  #height = 0;
  #lastBlockMs: number;

  /** @param turn lets all that waits for nothing but its turn run, and then resolves. */
  constructor(spec: NetworkSpec, turn: () => Promise<unknown>) {
    this.#spec = spec;
    this.#turn = turn;
    this.#nowMs = spec.startsAtMs;
    this.#lastBlockMs = spec.startsAtMs - 1;
    this.genesis = genesisOf(spec, (name) => this.#signer(name));
    this.#rules = rulesOf(this.genesis);
    for (const { key, value } of genesisWrites(this.genesis).entries) if (value !== null) this.#state.set(key, value);
    this.faults = this.#faults();
  }

  now = () => this.#nowMs;
  networkNow = () => this.#nowMs;
  signer = (name: KeyName) => this.#signer(name);
  aliasKey = (e164: string) => aliasKey(sha256(new TextEncoder().encode('aliases')), e164);
  listen = (listener: (entry: JournalEntry) => void) => void this.#listeners.push(listener);

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#schedule(ms, resolve));
  }

  async drive<T>(play: Promise<T>): Promise<T> {
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    play.then(end, end);
    for (;;) {
      await this.#turn();
      if (isOver) return await play;
      const next = this.#timers.shift();
      if (next === undefined) throw new Error('the play waits for something that never comes');
      this.#nowMs = next.atMs;
      next.fire();
    }
  }

  bank(id: ParticipantId): Bank {
    return {
      submit: (transaction, patienceMs) => this.#submit(id, transaction, patienceMs),
      account: (account) => this.#answer(id, () => this.#account(account)),
      alias: (key) => this.#answer(id, () => this.#read(aliasRecord, aliasStateKey(key))),
      supply: (currency) => this.#answer(id, () => this.#supply(id, currency)),
      head: () =>
        this.#answer(id, () => ({
          height: this.#height,
          hash: blockHash(this.#height),
          stateRoot: `${this.#height}${this.forged.get(id)?.root ?? ''}` as Hash,
        })),
    };
  }

  close(): Promise<EngineEnd> {
    return Promise.resolve({ traceHash: null, engineMs: this.#nowMs - this.#spec.startsAtMs });
  }

  // ---------------------------------------------------------------- transactions

  #submit(id: ParticipantId, transaction: Transaction, patienceMs: number): Promise<Ending> {
    if (!this.#answers(id)) return Promise.resolve({ kind: 'unreachable' });
    return new Promise((end) => {
      if (this.isStuck) {
        this.#waiting.push({ transaction, end });
        this.#schedule(patienceMs, () => end({ kind: 'pending' }));
      } else this.#schedule(FINALITY_MS, () => end(this.#apply(transaction)));
    });
  }

  #apply(transaction: Transaction): Ending {
    const id = transactionId(transaction.body);
    const receipt = this.#receipts.get(id) ?? this.#block(id, transaction);
    if (receipt === null) return { kind: 'expired' };
    if (receipt.status === 0) return { kind: 'final', receipt };
    const status = statusOf(receipt.status);
    return { kind: 'refused', code: status?.name ?? '', message: status?.sentence ?? '', receipt };
  }

  /** @returns null where it is left out. */
  #block(id: TransactionId, transaction: Transaction): Receipt | null {
    const transactions = [{ id, transaction }];
    const view = new Map([...touchedKeys(transactions)].map((key) => [key, this.#state.get(key) ?? null]));
    const timeMs = Math.max(this.#nowMs, this.#lastBlockMs + 1);
    const height = this.#height + 1;
    const input = { height, timeMs, parentTimeMs: this.#lastBlockMs, transactions, evidence: [] };
    const { receipts, writes } = applyBlock(this.#rules, view, input);
    for (const { key, value } of writes.entries) if (value !== null) this.#state.set(key, value);
    this.#height = height;
    this.#lastBlockMs = timeMs;
    for (const receipt of receipts) this.#receipts.set(receipt.transactionId, receipt);
    this.#tell(height, timeMs, receipts);
    return receipts[0] ?? null;
  }

  #tell(height: number, timeMs: number, receipts: readonly Receipt[]): void {
    const banks = this.#spec.members.map((member) => member.id).filter((bank) => this.#answers(bank));
    const [proposer] = banks;
    const evidence = this.evidence;
    this.evidence = [];
    if (proposer === undefined) return;
    const transactions = receipts.map(({ transactionId: id, status }) => ({ id, status }));
    for (const bank of banks)
      for (const listener of this.#listeners)
        listener({
          type: 'committed',
          atMs: this.#nowMs - this.#spec.startsAtMs,
          bank,
          height,
          blockHash: blockHash(height),
          timeMs,
          round: 0,
          proposer,
          signers: banks,
          via: 'consensus',
          transactions,
          evidence,
        });
  }

  // ---------------------------------------------------------------- books

  #account(id: AccountId): AccountView | null {
    const record = this.#read(accountRecord, accountKey(id));
    if (record === null) return null;
    const held = this.#spec.currencies.map(({ code }): [CurrencyCode, bigint] => {
      return [code, holdingOf(record, code).minor];
    });
    return { tier: record.tier, balances: new Map(held) };
  }

  #supply(bank: ParticipantId, currency: CurrencyCode): SupplyView {
    const record = this.#read(supplyRecord, supplyKey(currency)) ?? { issuedMinor: 0n, redeemedMinor: 0n };
    let sumMinor = this.forged.get(bank)?.minor ?? 0n;
    for (const [key, value] of this.#state)
      if (key.startsWith('account/')) sumMinor += holdingOf(decodeValue(accountRecord, value), currency).minor;
    return { ...record, sumMinor };
  }

  #read<T>(schema: Schema<T>, key: StateKey): T | null {
    const value = this.#state.get(key);
    return value === undefined ? null : decodeValue(schema, value);
  }

  #answer<T>(id: ParticipantId, value: () => T): Promise<T> {
    if (this.#answers(id)) return Promise.resolve(value());
    return Promise.reject(new CodedError('UNREACHABLE', `${id} does not answer`));
  }

  #answers(id: ParticipantId): boolean {
    return !this.#down.has(id) && !this.#paused.has(id);
  }

  // ---------------------------------------------------------------- time, keys and faults

  #schedule(delayMs: number, fire: () => void): void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), fire };
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1]?.atMs ?? 0) > timer.atMs) at -= 1;
    this.#timers.splice(at, 0, timer);
  }

  #signer(name: string): Signer {
    const known = this.#signers.get(name) ?? createSigner(sha256(new TextEncoder().encode(name)));
    this.#signers.set(name, known);
    return known;
  }

  #faults(): Faults {
    const done = (what: string, act: () => void = () => {}) => {
      this.asked.push(what);
      act();
      return Promise.resolve();
    };
    return {
      crash: (bank) => done(`crash ${bank}`, () => this.#down.add(bank)),
      wipe: (bank) => done(`wipe ${bank}`, () => this.#down.add(bank)),
      restart: (bank) => done(`restart ${bank}`, () => this.#down.delete(bank)),
      pause: (bank) => done(`pause ${bank}`, () => this.#paused.add(bank)),
      resume: (bank) => done(`resume ${bank}`, () => this.#paused.delete(bank)),
      partition: (groups) =>
        done(`partition ${groups.join(' | ')}`, () => {
          this.isStuck = groups.every((group) => group.length * 3 <= this.#spec.members.length * 2);
        }),
      slow: (banks, byMs) => done(`slow ${banks} ${byMs}`),
      heal: () =>
        done('heal', () => {
          this.isStuck = false;
          const waiting = this.#waiting;
          this.#waiting = [];
          for (const { transaction, end } of waiting) this.#schedule(FINALITY_MS, () => end(this.#apply(transaction)));
        }),
      byzantine: (bank, actor) => done(`byzantine ${bank} ${actor}`),
      isRunning: (bank) => !this.#down.has(bank),
    };
  }
}

function decodeValue<T>(schema: Schema<T>, value: Uint8Array): T {
  return decode(schema, value, MAX_STATE_VALUE_BYTES);
}

function blockHash(height: number): BlockHash {
  return height.toString(16).padStart(64, '0') as BlockHash;
}

function genesisOf(spec: NetworkSpec, signer: (name: string) => Signer): Genesis {
  return {
    version: 1,
    network: 'tonle-test',
    timeMs: spec.startsAtMs - 1,
    currencies: spec.currencies,
    participants: spec.members.map(({ id, name, kind }) => ({
      id,
      name,
      kind,
      operatorKey: signer(`operator/${id}`).publicKey,
      validatorKey: signer(`validator/${id}`).publicKey,
      networkKey: signer(`network/${id}`).publicKey,
    })),
    officers: { keys: [1, 2, 3].map((n) => signer(`officer/${n}`).publicKey).sort(), quorum: 2 },
    tiers: spec.tiers,
    rules: {
      maxValidityMs: 86_400_000,
      maxClockSkewMs: 5_000,
      checkpointInterval: 1_000,
      aliasClaimDelayMs: spec.aliasClaimDelayMs,
      aliasClaimWindowMs: 86_400_000,
      dayStartOffsetMinutes: 420,
    },
  };
}
