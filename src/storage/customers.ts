/**
 * What a bank knows of its customers, in a LevelDB of its own: names and numbers are nowhere on the ledger, and nothing
 * rebuilds them. So every change is synced before it counts as made, and what does not read back as it was written is an
 * error, not a customer without a name.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import { CodedError } from '../errors.ts';
import type { Customer, CustomerStore } from '../ports.ts';
import type { AccountId } from '../types/index.ts';
import { reasonOf, storageError } from './errors.ts';

/** One entry a customer, under the account: version 1, as JSON. */
interface StoredCustomer {
  readonly version: 1;
  readonly name: string;
  readonly phones: readonly string[];
}

/**
 * Opens the store in the folder `location`, or makes an empty one, for its owner only.
 * @throws CodedError `FOLDER_IN_USE`, `FOLDER_UNUSABLE`, `CUSTOMERS_FAILED`.
 */
export async function openCustomerStore(location: string): Promise<CustomerStore> {
  const folder = path.resolve(location);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storageError('FOLDER_UNUSABLE', `${folder} cannot be used (${reasonOf(error)})`, error);
  }
  const database = new Level<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  try {
    await database.open();
  } catch (error) {
    if (isLocked(error)) throw storageError('FOLDER_IN_USE', `${folder} is open in another process`, error);
    throw failed(error);
  }
  return {
    get: (account) =>
      orFailed(async () => {
        const text = await database.get(account);
        return text === undefined ? null : customerOf(account, text);
      }),
    put: ({ account, name, phones }) => {
      const stored: StoredCustomer = { version: 1, name, phones };
      return orFailed(() => database.put(account, JSON.stringify(stored), { sync: true }));
    },
    // LevelDB keeps keys in the order of their bytes: accounts are ASCII.
    list: () =>
      orFailed(async () => {
        const entries = await database.iterator().all();
        return entries.map(([account, text]) => customerOf(account as AccountId, text));
      }),
    close: () => database.close(),
  };
}

/** @throws CodedError `CUSTOMERS_CORRUPT`, without what was found: it may be personal. */
function customerOf(account: AccountId, text: string): Customer {
  const stored = parse(text);
  if (isStored(stored)) return { account, name: stored.name, phones: stored.phones };
  throw new CodedError(
    'CUSTOMERS_CORRUPT',
    `the entry of ${account} among the bank's customers is damaged; restore the folder \`customers\` from a copy`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isStored(value: unknown): value is StoredCustomer {
  if (typeof value !== 'object' || value === null) return false;
  const { version, name, phones } = value as Partial<Record<keyof StoredCustomer, unknown>>;
  const listed = Array.isArray(phones) && phones.every((phone) => typeof phone === 'string');
  return version === 1 && typeof name === 'string' && listed;
}

async function orFailed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof CodedError ? error : failed(error);
  }
}

function failed(error: unknown): CodedError {
  const remedy = 'Check the disk and its free space, then start the node again.';
  return new CodedError('CUSTOMERS_FAILED', `the bank's customers cannot be read or written. ${remedy}`, {
    cause: error,
  });
}

/** LevelDB wraps why an opening failed in an error that says that it did. */
function isLocked(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'LEVEL_LOCKED') || isLocked(error.cause);
}
