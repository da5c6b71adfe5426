/** Questions about what is final: read-only, answered from the state, the indexes and the record. */

import { MAX_STATE_VALUE_BYTES } from '../codec/limits.ts';
import type { ReceiptProof } from '../codec/proof.ts';
import { decode, type Schema } from '../codec/schema.ts';
import type { AccountRecord, AliasRecord, StateEntry, SupplyRecord } from '../codec/state.ts';
import { accountRecord, aliasRecord, supplyRecord } from '../codec/state.ts';
import { assert } from '../errors.ts';
import { holdingOf } from '../ledger/holdings.ts';
import { accountKey, aliasStateKey, supplyKey } from '../ledger/keys.ts';
import { proveReceipt } from '../ledger/proof.ts';
import type { Reference, TransactionPool } from '../mempool/transaction-pool.ts';
import type {
  AccountId,
  AliasKey,
  BlockHash,
  CommittedBlock,
  CurrencyCode,
  Hash,
  Place,
  Receipt,
  StateKey,
  TransactionId,
} from '../types/index.ts';
import type { Chain } from './chain.ts';
import type { BlockContent, IndexedTransaction } from './contents.ts';
import type { TransactionStanding } from './events.ts';
import { accountPlaceKey, blockIndexKey, referencePlaceKey, transactionPlaceKey } from './indexes.ts';
import { stateRoot } from './snapshot.ts';

/** A transaction that took part, with its receipt. */
interface Entry {
  readonly receipt: Receipt;
  readonly indexed: IndexedTransaction;
}

interface HistoryEntry {
  readonly id: TransactionId;
  readonly indexed: IndexedTransaction;
}

/** A page of a list, newest first, and where the next one begins. */
export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** Give it back as `before` for the next page; null at the end. */
  readonly next: string | null;
}

/** What was ever issued and redeemed of a currency, and the sum of all balances, in minor units. */
interface Book extends SupplyRecord {
  readonly sumMinor: bigint;
}

/** After the same block. */
export interface Books {
  readonly height: number;
  readonly currencies: ReadonlyMap<CurrencyCode, Book>;
}

export class Queries {
  readonly #chain: Chain;
  readonly #pool: TransactionPool;

  constructor(chain: Chain, pool: TransactionPool) {
    this.#chain = chain;
    this.#pool = pool;
  }

  account(id: AccountId): Promise<AccountRecord | null> {
    return this.#state(accountRecord, accountKey(id));
  }

  /** Balances in minor units, of every currency of the network. */
  async balances(id: AccountId): Promise<ReadonlyMap<CurrencyCode, bigint>> {
    const record = (await this.account(id)) ?? { holdings: [] };
    return new Map(this.#chain.genesis.currencies.map(({ code }) => [code, holdingOf(record, code).minor]));
  }

  alias(key: AliasKey): Promise<AliasRecord | null> {
    return this.#state(aliasRecord, aliasStateKey(key));
  }

  async supply(currency: CurrencyCode): Promise<SupplyRecord> {
    return (await this.#state(supplyRecord, supplyKey(currency))) ?? { issuedMinor: 0n, redeemedMinor: 0n };
  }

  /** The last block and the root of the whole state after it: reads all of it. For audits, not for every request. */
  head(): Promise<{ readonly height: number; readonly hash: BlockHash | null; readonly stateRoot: Hash }> {
    return this.#chain.hold(async ({ height, hash, chunks }) => ({ height, hash, stateRoot: await stateRoot(chunks) }));
  }

  /** The money of every currency of the network after the last block: reads the whole state, as above. */
  books(): Promise<Books> {
    return this.#chain.hold(async ({ height, pages }) => {
      const empty: Book = { issuedMinor: 0n, redeemedMinor: 0n, sumMinor: 0n };
      const currencies = new Map(this.#chain.genesis.currencies.map(({ code }) => [code, empty]));
      for await (const page of pages) for (const entry of page) count(entry, currencies);
      return { height, currencies };
    });
  }

  async transaction(id: TransactionId): Promise<IndexedTransaction | null> {
    return (await this.#entryOf(id))?.indexed ?? null;
  }

  /** Where a transaction stands: final, waiting here, or unknown to this node. */
  async standing(id: TransactionId): Promise<TransactionStanding> {
    const entry = await this.#entryOf(id);
    return entry === null ? { state: this.#pool.has(id) ? 'pending' : 'unknown' } : { state: 'final', ...entry };
  }

  /** Which transaction used a client's reference. */
  async byReference(reference: Reference): Promise<TransactionId | null> {
    const [place = null] = await this.#chain.store.lastPlaces([referencePlaceKey(reference)]);
    return place === null ? null : await this.transactionAt(place);
  }

  /** The transaction at a place of the index. */
  async transactionAt(place: Place): Promise<TransactionId> {
    return (await this.#entryAt(place)).receipt.transactionId;
  }

  /** Receipts of a block, in order. */
  async receipts(height: number): Promise<readonly Receipt[]> {
    return (await this.#chain.contents.of(height))?.receipts ?? [];
  }

  /** Everything that convinces somebody who has only the genesis; null for what is not final. */
  async proof(id: TransactionId): Promise<ReceiptProof | null> {
    const entry = await this.#entryOf(id);
    if (entry === null) return null;
    const { indexed } = entry;
    const { committed, receipts } = await this.#contentAt(indexed.height);
    return proveReceipt(committed, receipts, indexed.index, indexed.transaction);
  }

  block(height: number): Promise<CommittedBlock | null> {
    return this.#chain.read(height);
  }

  async heightOf(hash: BlockHash): Promise<number | null> {
    const bytes = await this.#chain.store.indexGet(blockIndexKey(hash));
    return bytes === null ? null : Number(new TextDecoder().decode(bytes));
  }

  /** @param before `next` of the page before, or null for the first. */
  async history(account: AccountId, limit: number, before: string | null): Promise<HistoryPage> {
    const query = { key: accountPlaceKey(account), before: before === null ? null : placeOfCursor(before) };
    const places = await this.#chain.store.newestPlaces({ ...query, limit: limit + 1 });
    const entries: HistoryEntry[] = [];
    // One after the other: each may take a whole block of the record into memory.
    for (const place of places.slice(0, limit)) {
      const { receipt, indexed } = await this.#entryAt(place);
      entries.push({ id: receipt.transactionId, indexed });
    }
    const last = entries.at(-1);
    const next = places.length > limit && last !== undefined ? `${last.indexed.height}.${last.indexed.index}` : null;
    return { entries, next };
  }

  async #entryOf(id: TransactionId): Promise<Entry | null> {
    const [place = null] = await this.#chain.store.lastPlaces([transactionPlaceKey(id)]);
    if (place === null) return null;
    const entry = await this.#entryAt(place);
    return entry.receipt.transactionId === id ? entry : null;
  }

  async #entryAt({ height, index }: Place): Promise<Entry> {
    const { committed, receipts, transactions } = await this.#contentAt(height);
    const receipt = receipts[index];
    const transaction = transactions[index];
    assert(receipt !== undefined && transaction !== undefined, 'what the indexes name is in the record');
    const { timeMs } = committed.block.header;
    return { receipt, indexed: { height, index, timeMs, status: receipt.status, transaction } };
  }

  async #contentAt(height: number): Promise<BlockContent> {
    const content = await this.#chain.contents.of(height);
    assert(content !== null, `block ${height}, which the indexes name, is in the record`);
    return content;
  }

  async #state<T>(schema: Schema<T>, key: StateKey): Promise<T | null> {
    const [bytes] = await this.#chain.store.get([key]);
    return bytes === undefined || bytes === null ? null : decode(schema, bytes, MAX_STATE_VALUE_BYTES);
  }
}

/** Adds an entry of the state to the books, where it is money. */
function count({ key, value }: StateEntry, books: Map<CurrencyCode, Book>): void {
  const add = (currency: CurrencyCode, more: (book: Book) => Partial<Book>) => {
    const book = books.get(currency);
    assert(book !== undefined, 'money is of a currency of the network');
    books.set(currency, { ...book, ...more(book) });
  };
  if (key.startsWith('account/')) {
    const { holdings } = decode(accountRecord, value, MAX_STATE_VALUE_BYTES);
    for (const { currency, minor } of holdings) add(currency, ({ sumMinor }) => ({ sumMinor: sumMinor + minor }));
  } else if (key.startsWith('supply/')) {
    const supply = decode(supplyRecord, value, MAX_STATE_VALUE_BYTES);
    add(key.slice(key.lastIndexOf('/') + 1) as CurrencyCode, () => supply);
  }
}

/** A cursor is `<height>.<index>`; anything else begins at the start. */
function placeOfCursor(cursor: string): Place | null {
  const found = /^(\d{1,16})\.(\d{1,6})$/.exec(cursor);
  return found === null ? null : { height: Number(found[1]), index: Number(found[2]) };
}
