/**
 * A bank's own store of its customers, in LevelDB: names and phone numbers, which never go on the ledger. Nothing can
 * rebuild it, so each change is synced before it counts, and damage is an error and not an empty answer.
 *
 * | key | value |
 * |---|---|
 * | `<account>` | JSON of `name` and `phones`, and a CRC-32 of key and value, see `state-values.ts` |
 */
import { CodedError } from '../errors.ts';
import type { Customer, CustomerStore } from '../ports.ts';
import type { AccountId } from '../types/index.ts';
import { openLevelDatabase } from './leveldb.ts';
import { openValue, sealValue } from './state-values.ts';

type Database = Awaited<ReturnType<typeof openLevelDatabase>>;

/** @throws CodedError `FOLDER_IN_USE`, `FOLDER_UNUSABLE`, `CUSTOMERS_CORRUPT`, `CUSTOMERS_FAILED`. */
export async function openCustomerStore(location: string): Promise<CustomerStore> {
  return new LevelCustomerStore(await orCustomersError(() => openLevelDatabase(location)));
}

class LevelCustomerStore implements CustomerStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(account: AccountId): Promise<Customer | null> {
    return await orCustomersError(async () => {
      const sealed = await this.#database.get(account);
      return sealed === undefined ? null : decodeCustomer(account, sealed);
    });
  }

  async put(customer: Customer): Promise<void> {
    const { account, name, phones } = customer;
    const value = new TextEncoder().encode(JSON.stringify({ name, phones }));
    await orCustomersError(() => this.#database.put(account, sealValue(account, value), { sync: true }));
  }

  async list(): Promise<readonly Customer[]> {
    return await orCustomersError(async () => {
      const rows = await this.#database.iterator().all();
      return rows.map(([account, sealed]) => decodeCustomer(account as AccountId, sealed));
    });
  }

  async close(): Promise<void> {
    await orCustomersError(() => this.#database.close());
  }
}

function decodeCustomer(account: AccountId, sealed: Uint8Array): Customer {
  const text = new TextDecoder().decode(openValue(account, sealed));
  const { name, phones } = JSON.parse(text) as Omit<Customer, 'account'>;
  return { account, name, phones };
}

/** The same failures as those of the state, with other advice: this store has no log to come back from. */
async function orCustomersError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof CodedError ? cause.code : '';
    if (code === 'FOLDER_IN_USE' || code === 'FOLDER_UNUSABLE') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw code === 'STATE_CORRUPT'
      ? new CodedError('CUSTOMERS_CORRUPT', `the store of customers is damaged; restore customers/ from a copy`, {
          cause,
        })
      : new CodedError('CUSTOMERS_FAILED', `the store of customers failed (${reason}); check the disk`, { cause });
  }
}
