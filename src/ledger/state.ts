/**
 * The ledger's state as commands see it: typed entries over a view that was loaded beforehand, with the changes of the
 * running block on top. Changes of one transaction are kept apart until it has succeeded as a whole.
 */

import { MAX_STATE_VALUE_BYTES } from '../codec/limits.ts';
import { decode, encode, type Schema } from '../codec/schema.ts';
import type { AccountRecord, AliasRecord, HeightRecord, SpentRecord, SupplyRecord } from '../codec/state.ts';
import { accountRecord, aliasRecord, evidenceRecord, seenRecord, supplyRecord } from '../codec/state.ts';
import { AssertionError, assert } from '../errors.ts';
import type {
  AccountId,
  AliasKey,
  CurrencyCode,
  Evidence,
  StateKey,
  StateWrite,
  TransactionId,
} from '../types/index.ts';
import { holdingOf, withHolding } from './holdings.ts';
import { accountKey, aliasStateKey, evidenceKey, seenKey, supplyKey } from './keys.ts';

/** The entries that a block touches, loaded before it runs. Null is «known to be absent». */
export type View = ReadonlyMap<StateKey, Uint8Array | null>;

/** One entry of the view, and what the block so far and the running transaction have made of it. */
interface Cell {
  readonly key: StateKey;
  readonly loaded: Uint8Array | null;
  /** Of its value; null before anybody has asked what it says. */
  schema: Schema<unknown> | null;
  /** What it says after the transactions that were kept; of no meaning without the schema. */
  value: unknown;
  isChanged: boolean;
  /** What the running transaction has set it to. */
  next: unknown;
  isNext: boolean;
}

export class LedgerState {
  readonly #view: View;
  /** A key is looked up once and a value decoded once, however many checks ask; what it comes to is encoded at the end. */
  readonly #cells = new Map<StateKey, Cell>();
  readonly #changed: Cell[] = [];
  /** The last two that were asked for: payer and payee are, a dozen times a payment. */
  #lastId: AccountId | null = null;
  #lastCell: Cell | null = null;
  #lastButOneId: AccountId | null = null;
  #lastButOneCell: Cell | null = null;
  #lastSeen: { readonly id: TransactionId; readonly validUntilMs: number; readonly cell: Cell } | null = null;
  /** Cells that the running transaction has set. */
  readonly #running: Cell[] = [];
  /** What the replay memory says of each transaction of the block. */
  #seen: HeightRecord | null = null;

  constructor(view: View) {
    this.#view = view;
  }

  account(id: AccountId): AccountRecord | null {
    return presentOf(this.#accountCell(id)) as AccountRecord | null;
  }

  alias(key: AliasKey): AliasRecord | null {
    return this.#get(aliasRecord, aliasStateKey(key));
  }

  balance(id: AccountId, currency: CurrencyCode): bigint {
    return holdingOf(this.#open(id), currency).minor;
  }

  spent(id: AccountId, currency: CurrencyCode): SpentRecord | null {
    return holdingOf(this.#open(id), currency).spent;
  }

  supply(currency: CurrencyCode): SupplyRecord {
    return this.#get(supplyRecord, supplyKey(currency)) ?? { issuedMinor: 0n, redeemedMinor: 0n };
  }

  hasSeen(validUntilMs: number, id: TransactionId): boolean {
    return this.#isThere(this.#seenCell(validUntilMs, id));
  }

  setAccount(id: AccountId, record: AccountRecord): void {
    this.#setNext(this.#accountCell(id), record);
  }

  setAlias(key: AliasKey, record: AliasRecord): void {
    this.#set(aliasRecord, aliasStateKey(key), record);
  }

  setSupply(currency: CurrencyCode, record: SupplyRecord): void {
    this.#set(supplyRecord, supplyKey(currency), record);
  }

  setSeen(validUntilMs: number, id: TransactionId, height: number): void {
    if (this.#seen?.height !== height) this.#seen = { height };
    this.#setNext(decoded(seenRecord, this.#seenCell(validUntilMs, id)), this.#seen);
  }

  /** Evidence that is known already keeps the height it came with. */
  setEvidence(evidence: Evidence, height: number): void {
    const key = evidenceKey(evidence);
    if (!this.#isThere(this.#cell(key))) this.#set(evidenceRecord, key, { height });
  }

  /** @param spent what the account has paid out today, with this; not given where that stays as it is. */
  addBalance(id: AccountId, currency: CurrencyCode, deltaMinor: bigint, spent?: SpentRecord | null): void {
    const account = this.#open(id);
    const before = holdingOf(account, currency);
    const minor = before.minor + deltaMinor;
    if (minor < 0n) throw new AssertionError(`a balance of ${id} would be negative`);
    this.setAccount(id, withHolding(account, { currency, minor, spent: spent ?? before.spent }));
  }

  /** Keeps the running transaction's changes. @throws AssertionError where they do not conserve money. */
  keep(): void {
    this.#assertConserved();
    for (let cell = this.#endNext(); cell !== undefined; cell = this.#endNext()) {
      cell.value = cell.next;
      if (!cell.isChanged) this.#changed.push(cell);
      cell.isChanged = true;
    }
  }

  /** Drops the running transaction's changes. */
  drop(): void {
    while (this.#endNext() !== undefined);
  }

  /** Taken off one by one, the list keeps its room for the next transaction. */
  #endNext(): Cell | undefined {
    const cell = this.#running.pop();
    if (cell !== undefined) cell.isNext = false;
    return cell;
  }

  /** All that the block changed, in ascending key order. */
  writes(): StateWrite[] {
    assert(this.#running.length === 0, 'a transaction is still running');
    const seen = this.#seen === null ? null : encode(seenRecord, this.#seen);
    const writes = this.#changed.map(({ key, schema, value }) => {
      assert(schema !== null, 'what was set has a form');
      return { key, value: seen !== null && value === this.#seen ? seen : encode(schema, value) };
    });
    return writes.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * Per currency: what balances gained is what was issued less what was redeemed. Reads the changes themselves, not what
   * commands claim to have done (CVE-2018-17144: an input listed twice minted money).
   */
  #assertConserved(): void {
    const surplus = new Surplus();
    for (const { key, schema, value, next } of this.#running) {
      if (schema === accountRecord) {
        for (const { currency, minor } of (next as AccountRecord).holdings) surplus.add(currency, minor);
        for (const { currency, minor } of (value as AccountRecord | null)?.holdings ?? NONE)
          surplus.subtract(currency, minor);
      } else if (schema === supplyRecord) {
        const made = circulating(next as SupplyRecord) - circulating(value as SupplyRecord | null);
        surplus.subtract(key.slice(key.lastIndexOf('/') + 1), made);
      }
    }
    const excess = surplus.any;
    if (excess !== null)
      throw new AssertionError(`${excess.minor} minor units of ${excess.currency} came from nowhere`);
  }

  /** An account that money is moved of, or looked for. */
  #open(id: AccountId): AccountRecord {
    const account = this.account(id);
    if (account === null) throw new AssertionError(`${id} was checked to be open`);
    return account;
  }

  #get<T>(schema: Schema<T>, key: StateKey): T | null {
    return presentOf(this.#decoded(schema, key)) as T | null;
  }

  #accountCell(id: AccountId): Cell {
    if (this.#lastId === id && this.#lastCell !== null) return this.#lastCell;
    if (this.#lastButOneId === id && this.#lastButOneCell !== null) return this.#lastButOneCell;
    const cell = this.#decoded(accountRecord, accountKey(id));
    [this.#lastButOneId, this.#lastButOneCell] = [this.#lastId, this.#lastCell];
    [this.#lastId, this.#lastCell] = [id, cell];
    return cell;
  }

  /** Each transaction is asked for, and then set. */
  #seenCell(validUntilMs: number, id: TransactionId): Cell {
    if (this.#lastSeen?.id === id && this.#lastSeen.validUntilMs === validUntilMs) return this.#lastSeen.cell;
    const cell = this.#cell(seenKey(validUntilMs, id));
    this.#lastSeen = { id, validUntilMs, cell };
    return cell;
  }

  #isThere(cell: Cell): boolean {
    return cell.isNext || (cell.schema === null ? cell.loaded !== null : cell.value !== null);
  }

  #set<T>(schema: Schema<T>, key: StateKey, value: T): void {
    this.#setNext(this.#decoded(schema, key), value);
  }

  #setNext(cell: Cell, value: unknown): void {
    cell.next = value;
    if (!cell.isNext) this.#running.push(cell);
    cell.isNext = true;
  }

  #decoded<T>(schema: Schema<T>, key: StateKey): Cell {
    return decoded(schema, this.#cell(key));
  }

  #cell(key: StateKey): Cell {
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const loaded = this.#view.get(key);
    if (loaded === undefined) throw new AssertionError(`the view lacks ${key}: touches() does not name it`);
    const cell = { key, loaded, schema: null, value: null, isChanged: false, next: null, isNext: false };
    this.#cells.set(key, cell);
    return cell;
  }
}

const NONE: AccountRecord['holdings'] = [];

/** A sum of money of one currency. */
interface Sum {
  readonly currency: string;
  minor: bigint;
}

/** Sums by currency. A transaction has one as a rule, for which a list is much. */
class Surplus {
  #first: Sum | null = null;
  #others: Sum[] | null = null;

  add(currency: string, minor: bigint): void {
    this.#sumOf(currency).minor += minor;
  }

  subtract(currency: string, minor: bigint): void {
    this.#sumOf(currency).minor -= minor;
  }

  /** One that is not zero; null where all are. */
  get any(): Sum | null {
    if (this.#first !== null && this.#first.minor !== 0n) return this.#first;
    return this.#others?.find(({ minor }) => minor !== 0n) ?? null;
  }

  #sumOf(currency: string): Sum {
    this.#first ??= { currency, minor: 0n };
    if (this.#first.currency === currency) return this.#first;
    this.#others ??= [];
    const known = this.#others.find((sum) => sum.currency === currency);
    if (known !== undefined) return known;
    const sum = { currency, minor: 0n };
    this.#others.push(sum);
    return sum;
  }
}

/** The cell with its value decoded. A key has one schema. */
function decoded<T>(schema: Schema<T>, cell: Cell): Cell {
  if (cell.schema === null) {
    cell.schema = schema as Schema<unknown>;
    cell.value = cell.loaded === null ? null : decode(schema, cell.loaded, MAX_STATE_VALUE_BYTES);
  }
  return cell;
}

/** What it says now, in the running transaction. */
function presentOf({ isNext, next, value }: Cell): unknown {
  return isNext ? next : value;
}

function circulating(supply: SupplyRecord | null): bigint {
  return supply === null ? 0n : supply.issuedMinor - supply.redeemedMinor;
}
