/**
 * The ledger's state as commands see it: typed entries over a view that was loaded beforehand, with the changes of the
 * running block on top. Changes of one transaction are kept apart until it has succeeded as a whole.
 */

import { MAX_STATE_VALUE_BYTES } from '../codec/limits.ts';
import { decode, encode, type Schema } from '../codec/schema.ts';
import type { AccountRecord, AliasRecord, SpentRecord, SupplyRecord } from '../codec/state.ts';
import {
  accountRecord,
  aliasRecord,
  balanceRecord,
  evidenceRecord,
  seenRecord,
  spentRecord,
  supplyRecord,
} from '../codec/state.ts';
import { assert } from '../errors.ts';
import type {
  AccountId,
  AliasKey,
  CurrencyCode,
  Evidence,
  StateKey,
  StateWrite,
  TransactionId,
} from '../types/index.ts';
import { accountKey, aliasStateKey, balanceKey, evidenceKey, seenKey, spentKey, supplyKey } from './keys.ts';

/** The entries that a block touches, loaded before it runs. Null is «known to be absent». */
export type View = ReadonlyMap<StateKey, Uint8Array | null>;

export class LedgerState {
  readonly #view: View;
  /** Of the whole block so far; of the running transaction. */
  readonly #block = new Map<StateKey, Uint8Array>();
  readonly #transaction = new Map<StateKey, Uint8Array>();
  /** What values say: each is looked at several times, by one check after the other. */
  readonly #opened = new Map<Uint8Array, unknown>();

  constructor(view: View) {
    this.#view = view;
  }

  account = (id: AccountId): AccountRecord | null => this.#get(accountRecord, accountKey(id));
  alias = (key: AliasKey): AliasRecord | null => this.#get(aliasRecord, aliasStateKey(key));
  balance = (id: AccountId, currency: CurrencyCode): bigint => this.#get(balanceRecord, balanceKey(id, currency)) ?? 0n;
  spent = (id: AccountId, currency: CurrencyCode): SpentRecord | null => this.#get(spentRecord, spentKey(id, currency));
  supply = (currency: CurrencyCode): SupplyRecord =>
    this.#get(supplyRecord, supplyKey(currency)) ?? { issuedMinor: 0n, redeemedMinor: 0n };
  hasSeen = (validUntilMs: number, id: TransactionId): boolean => this.#read(seenKey(validUntilMs, id)) !== null;

  setAccount = (id: AccountId, record: AccountRecord) => this.#set(accountRecord, accountKey(id), record);
  setAlias = (key: AliasKey, record: AliasRecord) => this.#set(aliasRecord, aliasStateKey(key), record);
  setSpent = (id: AccountId, currency: CurrencyCode, record: SpentRecord) =>
    this.#set(spentRecord, spentKey(id, currency), record);
  setSupply = (currency: CurrencyCode, record: SupplyRecord) => this.#set(supplyRecord, supplyKey(currency), record);
  setSeen = (validUntilMs: number, id: TransactionId, height: number) =>
    this.#set(seenRecord, seenKey(validUntilMs, id), { height });
  /** Evidence that is known already keeps the height it came with. */
  setEvidence(evidence: Evidence, height: number): void {
    const key = evidenceKey(evidence);
    if (this.#read(key) === null) this.#set(evidenceRecord, key, { height });
  }

  addBalance(id: AccountId, currency: CurrencyCode, deltaMinor: bigint): void {
    const balance = this.balance(id, currency) + deltaMinor;
    assert(balance >= 0n, `a balance of ${id} would be negative`);
    this.#set(balanceRecord, balanceKey(id, currency), balance);
  }

  /** Keeps the running transaction's changes. @throws AssertionError where they do not conserve money. */
  keep(): void {
    this.#assertConserved();
    for (const [key, value] of this.#transaction) this.#block.set(key, value);
    this.#transaction.clear();
  }

  /** Drops the running transaction's changes. */
  drop(): void {
    this.#transaction.clear();
  }

  /** All that the block changed, in ascending key order. */
  writes(): StateWrite[] {
    assert(this.#transaction.size === 0, 'a transaction is still running');
    return [...this.#block].map(([key, value]) => ({ key, value })).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * Per currency: what balances gained is what was issued less what was redeemed. Reads the changes themselves, not what
   * commands claim to have done (CVE-2018-17144: an input listed twice minted money).
   */
  #assertConserved(): void {
    const surplus = new Map<string, bigint>();
    const add = (currency: string, minor: bigint) => surplus.set(currency, (surplus.get(currency) ?? 0n) + minor);
    for (const [key, value] of this.#transaction) {
      const before = this.#block.get(key) ?? this.#loaded(key);
      const currency = key.slice(key.lastIndexOf('/') + 1);
      if (key.startsWith('balance/'))
        add(currency, this.#open(balanceRecord, value) - (before ? this.#open(balanceRecord, before) : 0n));
      if (key.startsWith('supply/')) add(currency, this.#circulating(before) - this.#circulating(value));
    }
    for (const [currency, minor] of surplus)
      assert(minor === 0n, `${minor} minor units of ${currency} came from nowhere`);
  }

  #get<T>(schema: Schema<T>, key: StateKey): T | null {
    const bytes = this.#read(key);
    return bytes === null ? null : this.#open(schema, bytes);
  }

  #read(key: StateKey): Uint8Array | null {
    return this.#transaction.get(key) ?? this.#block.get(key) ?? this.#loaded(key);
  }

  #loaded(key: StateKey): Uint8Array | null {
    const value = this.#view.get(key);
    assert(value !== undefined, `the view lacks ${key}: touches() does not name it`);
    return value;
  }

  #set<T>(schema: Schema<T>, key: StateKey, value: T): void {
    assert(this.#view.has(key), `the view lacks ${key}: touches() does not name it`);
    const bytes = encode(schema, value);
    this.#opened.set(bytes, value);
    this.#transaction.set(key, bytes);
  }

  /** A value has one schema, that of its key. */
  #open<T>(schema: Schema<T>, bytes: Uint8Array): T {
    const known = this.#opened.get(bytes);
    if (known !== undefined) return known as T;
    const value = decode(schema, bytes, MAX_STATE_VALUE_BYTES);
    this.#opened.set(bytes, value);
    return value;
  }

  #circulating(bytes: Uint8Array | null): bigint {
    if (bytes === null) return 0n;
    const { issuedMinor, redeemedMinor } = this.#open(supplyRecord, bytes);
    return issuedMinor - redeemedMinor;
  }
}
