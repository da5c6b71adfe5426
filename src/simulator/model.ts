/**
 * What should happen to the money, by code that shares nothing with the ledger: plain maps of balances, changed one command
 * at a time. It reads the transactions of agreed blocks and says which receipts and balances every honest node must have.
 */
import type { AccountId, Command, CommittedBlock, Transaction, TransactionId } from '../types/index.ts';
import { MAX_VALIDITY_MS } from './members.ts';

/** The codes of `ledger/status.ts`, written down again from its documentation. */
const CODE = {
  OK: 0,
  SAME_ACCOUNT: 14,
  ACCOUNT_EXISTS: 20,
  ACCOUNT_NOT_FOUND: 21,
  PAYEE_NOT_FOUND: 22,
  ALIAS_TAKEN: 23,
  ALIAS_NOT_FOUND: 24,
  ALIAS_NOT_YOURS: 25,
  ALIAS_STALE: 26,
  INSUFFICIENT_FUNDS: 40,
  SUPPLY_CAP: 41,
} as const;

const SUPPLY_CAP_MINOR = 100_000_000n;

interface ExpectedReceipt {
  readonly transactionId: TransactionId;
  readonly status: number;
}

/** What a block should have done. */
export interface Expected {
  readonly receipts: readonly ExpectedReceipt[];
  /** Balances after the block of all that its commands name: `account/currency` -> minor units. */
  readonly balances: ReadonlyMap<string, bigint>;
}

interface Money {
  readonly accounts: Set<AccountId>;
  readonly balances: Map<string, bigint>;
  readonly aliases: Map<string, { readonly owner: AccountId | null; readonly epoch: number }>;
  readonly issued: Map<string, bigint>;
}

export class Model {
  #money: Money;
  readonly #seen = new Set<TransactionId>();

  constructor(settlementAccounts: readonly AccountId[]) {
    this.#money = { accounts: new Set(settlementAccounts), balances: new Map(), aliases: new Map(), issued: new Map() };
  }

  get accounts(): readonly AccountId[] {
    return [...this.#money.accounts];
  }

  /** Every balance that is not zero. */
  get balances(): ReadonlyMap<string, bigint> {
    return this.#money.balances;
  }

  balance(account: AccountId, currency: string): bigint {
    return this.#money.balances.get(`${account}/${currency}`) ?? 0n;
  }

  epoch(aliasKey: string): number {
    return this.#money.aliases.get(aliasKey)?.epoch ?? 0;
  }

  ownerOf(aliasKey: string): AccountId | null {
    return this.#money.aliases.get(aliasKey)?.owner ?? null;
  }

  /** Runs a block. @param identify gives a transaction's id. */
  run({ block, batches }: CommittedBlock, identify: (transaction: Transaction) => TransactionId): Expected {
    const receipts: ExpectedReceipt[] = [];
    const named = new Set<string>();
    for (const transaction of batches.flatMap((batch) => batch.transactions)) {
      const id = identify(transaction);
      const { validUntilMs, commands } = transaction.body;
      const { timeMs } = block.header;
      if (validUntilMs < timeMs || validUntilMs > timeMs + MAX_VALIDITY_MS || this.#seen.has(id)) continue;
      this.#seen.add(id);
      receipts.push({ transactionId: id, status: this.#runAll(commands) });
      for (const command of commands) for (const name of namedBy(command)) named.add(name);
    }
    return { receipts, balances: new Map([...named].map((name) => [name, this.#money.balances.get(name) ?? 0n])) };
  }

  /** What is wrong with the money as a whole, or null: each currency's balances add up to what was issued of it. */
  problem(): string | null {
    const sums = new Map<string, bigint>();
    for (const [name, minor] of this.#money.balances) {
      if (minor < 0n) return `${name} is ${minor}`;
      const currency = name.slice(name.lastIndexOf('/') + 1);
      sums.set(currency, (sums.get(currency) ?? 0n) + minor);
    }
    for (const [currency, issued] of this.#money.issued) {
      if (sums.get(currency) !== issued) return `${sums.get(currency)} ${currency} in accounts, ${issued} issued`;
    }
    return null;
  }

  /** All commands or none. @returns the status. */
  #runAll(commands: readonly Command[]): number {
    const before = this.#money;
    this.#money = {
      accounts: new Set(before.accounts),
      balances: new Map(before.balances),
      aliases: new Map(before.aliases),
      issued: new Map(before.issued),
    };
    for (const command of commands) {
      const status = this.#run(command);
      if (status === CODE.OK) continue;
      this.#money = before;
      return status;
    }
    return CODE.OK;
  }

  #run(command: Command): number {
    const { accounts, aliases } = this.#money;
    switch (command.type) {
      case 'openAccount':
        if (accounts.has(command.account)) return CODE.ACCOUNT_EXISTS;
        accounts.add(command.account);
        return CODE.OK;
      case 'registerAlias': {
        if (!accounts.has(command.account)) return CODE.ACCOUNT_NOT_FOUND;
        if (this.ownerOf(command.aliasKey) !== null) return CODE.ALIAS_TAKEN;
        aliases.set(command.aliasKey, { owner: command.account, epoch: this.epoch(command.aliasKey) + 1 });
        return CODE.OK;
      }
      case 'releaseAlias': {
        if (!accounts.has(command.account)) return CODE.ACCOUNT_NOT_FOUND;
        const owner = this.ownerOf(command.aliasKey);
        if (owner === null) return CODE.ALIAS_NOT_FOUND;
        if (owner !== command.account) return CODE.ALIAS_NOT_YOURS;
        aliases.set(command.aliasKey, { owner: null, epoch: this.epoch(command.aliasKey) });
        return CODE.OK;
      }
      case 'issue':
        return this.#issue(command.to, command.amount.currency, command.amount.minor);
      case 'redeem': {
        const { from, amount } = command;
        if (!accounts.has(from)) return CODE.ACCOUNT_NOT_FOUND;
        if (this.balance(from, amount.currency) < amount.minor) return CODE.INSUFFICIENT_FUNDS;
        return this.#issue(from, amount.currency, -amount.minor);
      }
      case 'transfer':
        return this.#transfer(command);
    }
  }

  #issue(account: AccountId, currency: string, minor: bigint): number {
    const { accounts, issued } = this.#money;
    if (!accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    const total = (issued.get(currency) ?? 0n) + minor;
    if (total > SUPPLY_CAP_MINOR) return CODE.SUPPLY_CAP;
    issued.set(currency, total);
    this.#move(account, currency, minor);
    return CODE.OK;
  }

  #transfer({ from, to, amount, alias }: Extract<Command, { type: 'transfer' }>): number {
    const { accounts } = this.#money;
    if (from === to) return CODE.SAME_ACCOUNT;
    if (!accounts.has(from)) return CODE.ACCOUNT_NOT_FOUND;
    if (!accounts.has(to)) return CODE.PAYEE_NOT_FOUND;
    const isStale =
      alias !== null && (this.ownerOf(alias.aliasKey) !== to || this.epoch(alias.aliasKey) !== alias.epoch);
    if (isStale) return CODE.ALIAS_STALE;
    if (this.balance(from, amount.currency) < amount.minor) return CODE.INSUFFICIENT_FUNDS;
    this.#move(from, amount.currency, -amount.minor);
    this.#move(to, amount.currency, amount.minor);
    return CODE.OK;
  }

  #move(account: AccountId, currency: string, minor: bigint): void {
    this.#money.balances.set(`${account}/${currency}`, this.balance(account, currency) + minor);
  }
}

/** Balances that a command can change. */
function namedBy(command: Command): string[] {
  switch (command.type) {
    case 'issue':
      return [`${command.to}/${command.amount.currency}`];
    case 'redeem':
      return [`${command.from}/${command.amount.currency}`];
    case 'transfer':
      return [command.from, command.to].map((account) => `${account}/${command.amount.currency}`);
    default:
      return [];
  }
}
