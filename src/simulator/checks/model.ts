/**
 * What should happen to the money, by code that shares nothing with the ledger: plain maps of balances, changed one command
 * at a time. It reads the transactions of agreed blocks and says which receipts and balances every honest node must have.
 */
import type {
  AccountId,
  AliasKey,
  Command,
  CommittedBlock,
  Genesis,
  PublicKey,
  Transaction,
  TransactionId,
} from '../../types/index.ts';
import { CURRENCIES, MAX_AMOUNT_MINOR, MAX_SUPPLY_MINOR, MAX_VALIDITY_MS } from '../world/members.ts';

/** The codes of `ledger/status.ts`, written down again from its documentation. */
const CODE = {
  OK: 0,
  PARTICIPANT_UNKNOWN: 10,
  CURRENCY_UNKNOWN: 11,
  AMOUNT_ZERO: 12,
  AMOUNT_TOO_LARGE: 13,
  SAME_ACCOUNT: 14,
  ACCOUNT_RESERVED: 15,
  SETTLEMENT_ONLY: 16,
  ACCOUNT_EXISTS: 20,
  ACCOUNT_NOT_FOUND: 21,
  PAYEE_NOT_FOUND: 22,
  ALIAS_TAKEN: 23,
  ALIAS_NOT_FOUND: 24,
  ALIAS_NOT_YOURS: 25,
  ALIAS_STALE: 26,
  ACCOUNT_SIGNATURE_MISSING: 30,
  BANK_SIGNATURE_MISSING: 31,
  OFFICER_QUORUM_MISSING: 32,
  INSUFFICIENT_FUNDS: 40,
  SUPPLY_CAP: 41,
} as const;

interface ExpectedReceipt {
  readonly transactionId: TransactionId;
  readonly status: number;
}

/** What a block should have done. */
export interface Expected {
  readonly receipts: readonly ExpectedReceipt[];
  /** Balances after the block of all that its commands name: `account/currency` -> minor units. */
  readonly balances: ReadonlyMap<string, bigint>;
  /** The same of aliases. */
  readonly aliases: ReadonlyMap<AliasKey, Binding>;
}

interface Binding {
  readonly owner: AccountId | null;
  /** 0 for one that was never bound. */
  readonly epoch: number;
}

interface Money {
  readonly accounts: Map<AccountId, PublicKey>;
  readonly balances: Map<string, bigint>;
  readonly aliases: Map<AliasKey, Binding>;
  /** Ever, by currency. */
  readonly issued: Map<string, bigint>;
  readonly redeemed: Map<string, bigint>;
}

export class Model {
  #money: Money;
  readonly #seen = new Set<TransactionId>();

  readonly #genesis: Genesis;

  constructor(genesis: Genesis) {
    this.#genesis = genesis;
    this.#money = {
      accounts: new Map(genesis.participants.map(({ id, operatorKey }) => [settlement(id), operatorKey])),
      balances: new Map(),
      aliases: new Map(),
      issued: new Map(),
      redeemed: new Map(),
    };
  }

  get accounts(): readonly AccountId[] {
    return [...this.#money.accounts.keys()];
  }

  /** Account by account the key that signs for it. */
  get keys(): ReadonlyMap<AccountId, PublicKey> {
    return this.#money.accounts;
  }

  get aliases(): ReadonlyMap<AliasKey, Binding> {
    return this.#money.aliases;
  }

  /** Aliases that lead somewhere. */
  get bound(): readonly { readonly aliasKey: AliasKey; readonly owner: AccountId; readonly epoch: number }[] {
    return [...this.#money.aliases].flatMap(([aliasKey, { owner, epoch }]) =>
      owner === null ? [] : [{ aliasKey, owner, epoch }],
    );
  }

  /** Of a currency, ever. */
  supply(currency: string): { readonly issuedMinor: bigint; readonly redeemedMinor: bigint } {
    const { issued, redeemed } = this.#money;
    return { issuedMinor: issued.get(currency) ?? 0n, redeemedMinor: redeemed.get(currency) ?? 0n };
  }

  /** Every balance that is not zero. */
  get balances(): ReadonlyMap<string, bigint> {
    return this.#money.balances;
  }

  balance(account: AccountId, currency: string): bigint {
    return this.#money.balances.get(`${account}/${currency}`) ?? 0n;
  }

  epoch(aliasKey: AliasKey): number {
    return this.#money.aliases.get(aliasKey)?.epoch ?? 0;
  }

  ownerOf(aliasKey: AliasKey): AccountId | null {
    return this.#money.aliases.get(aliasKey)?.owner ?? null;
  }

  /** Runs a block. @param identify gives a transaction's id. */
  run({ block, batches }: CommittedBlock, identify: (transaction: Transaction) => TransactionId): Expected {
    const receipts: ExpectedReceipt[] = [];
    const named = new Set<string>();
    const aliases = new Set<AliasKey>();
    for (const transaction of batches.flatMap((batch) => batch.transactions)) {
      const id = identify(transaction);
      const { validUntilMs, commands } = transaction.body;
      const { timeMs } = block.header;
      if (validUntilMs < timeMs || validUntilMs > timeMs + MAX_VALIDITY_MS || this.#seen.has(id)) continue;
      this.#seen.add(id);
      receipts.push({ transactionId: id, status: this.#runAll(commands, transaction) });
      for (const command of commands) {
        for (const name of namedBy(command)) named.add(name);
        if (command.type === 'registerAlias' || command.type === 'releaseAlias') aliases.add(command.aliasKey);
      }
    }
    return {
      receipts,
      balances: new Map([...named].map((name) => [name, this.#money.balances.get(name) ?? 0n])),
      aliases: new Map([...aliases].map((key) => [key, { owner: this.ownerOf(key), epoch: this.epoch(key) }])),
    };
  }

  /** What is wrong with the money as a whole, or null: each currency's balances add up to what was issued of it. */
  problem(): string | null {
    const sums = new Map<string, bigint>();
    for (const [name, minor] of this.#money.balances) {
      if (minor < 0n) return `${name} is ${minor}`;
      const currency = name.slice(name.lastIndexOf('/') + 1);
      sums.set(currency, (sums.get(currency) ?? 0n) + minor);
    }
    for (const currency of this.#money.issued.keys()) {
      const { issuedMinor, redeemedMinor } = this.supply(currency);
      const due = issuedMinor - redeemedMinor;
      if (sums.get(currency) !== due) return `${sums.get(currency)} ${currency} in accounts, ${due} issued`;
    }
    return null;
  }

  /** All commands or none. @returns the status. */
  #runAll(commands: readonly Command[], { signatures }: Transaction): number {
    const before = this.#money;
    const { accounts, balances, aliases, issued, redeemed } = before;
    this.#money = {
      accounts: new Map(accounts),
      balances: new Map(balances),
      aliases: new Map(aliases),
      issued: new Map(issued),
      redeemed: new Map(redeemed),
    };
    const signers = new Set(signatures.map(({ publicKey }) => publicKey));
    for (const command of commands) {
      const status = this.#run(command, signers);
      if (status === CODE.OK) continue;
      this.#money = before;
      return status;
    }
    return CODE.OK;
  }

  #run(command: Command, signers: ReadonlySet<PublicKey>): number {
    switch (command.type) {
      case 'openAccount':
        return this.#open(command, signers);
      case 'registerAlias':
        return this.#register(command, signers);
      case 'releaseAlias':
        return this.#release(command, signers);
      case 'issue':
        return this.#issue(command, signers);
      case 'redeem':
        return this.#redeem(command, signers);
      case 'transfer':
        return this.#transfer(command, signers);
    }
  }

  #open({ account, publicKey }: CommandOf<'openAccount'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts } = this.#money;
    if (this.#genesis.participants.every(({ id }) => id !== bankOf(account))) return CODE.PARTICIPANT_UNKNOWN;
    if (account.startsWith('settlement@')) return CODE.ACCOUNT_RESERVED;
    if (accounts.has(account)) return CODE.ACCOUNT_EXISTS;
    if (!this.#bankSigned(account, signers)) return CODE.BANK_SIGNATURE_MISSING;
    accounts.set(account, publicKey);
    return CODE.OK;
  }

  #register({ account, aliasKey }: CommandOf<'registerAlias'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts, aliases } = this.#money;
    if (!accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    if (this.ownerOf(aliasKey) !== null) return CODE.ALIAS_TAKEN;
    if (!this.#ownerSigned(account, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    if (!this.#bankSigned(account, signers)) return CODE.BANK_SIGNATURE_MISSING;
    aliases.set(aliasKey, { owner: account, epoch: this.epoch(aliasKey) + 1 });
    return CODE.OK;
  }

  #release({ account, aliasKey }: CommandOf<'releaseAlias'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts, aliases } = this.#money;
    if (!accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    const owner = this.ownerOf(aliasKey);
    if (owner === null) return CODE.ALIAS_NOT_FOUND;
    if (owner !== account) return CODE.ALIAS_NOT_YOURS;
    if (!this.#ownerSigned(account, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    aliases.set(aliasKey, { owner: null, epoch: this.epoch(aliasKey) });
    return CODE.OK;
  }

  #issue({ to, amount }: CommandOf<'issue'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts, issued } = this.#money;
    const { currency, minor } = amount;
    const problem = amountProblem(amount);
    if (problem !== null) return problem;
    if (!to.startsWith('settlement@')) return CODE.SETTLEMENT_ONLY;
    if (!accounts.has(to)) return CODE.ACCOUNT_NOT_FOUND;
    if (!this.#officersSigned(signers)) return CODE.OFFICER_QUORUM_MISSING;
    const { issuedMinor, redeemedMinor } = this.supply(currency);
    if (issuedMinor - redeemedMinor + minor > MAX_SUPPLY_MINOR) return CODE.SUPPLY_CAP;
    issued.set(currency, issuedMinor + minor);
    this.#move(to, currency, minor);
    return CODE.OK;
  }

  #redeem({ from, amount }: CommandOf<'redeem'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts, redeemed } = this.#money;
    const { currency, minor } = amount;
    const problem = amountProblem(amount);
    if (problem !== null) return problem;
    if (!from.startsWith('settlement@')) return CODE.SETTLEMENT_ONLY;
    if (!accounts.has(from)) return CODE.ACCOUNT_NOT_FOUND;
    if (!this.#ownerSigned(from, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    if (!this.#officersSigned(signers)) return CODE.OFFICER_QUORUM_MISSING;
    if (this.balance(from, currency) < minor) return CODE.INSUFFICIENT_FUNDS;
    redeemed.set(currency, this.supply(currency).redeemedMinor + minor);
    this.#move(from, currency, -minor);
    return CODE.OK;
  }

  #transfer({ from, to, amount, alias }: CommandOf<'transfer'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts } = this.#money;
    const problem = amountProblem(amount);
    if (problem !== null) return problem;
    if (from === to) return CODE.SAME_ACCOUNT;
    if (!accounts.has(from)) return CODE.ACCOUNT_NOT_FOUND;
    if (!accounts.has(to)) return CODE.PAYEE_NOT_FOUND;
    const isStale =
      alias !== null && (this.ownerOf(alias.aliasKey) !== to || this.epoch(alias.aliasKey) !== alias.epoch);
    if (isStale) return CODE.ALIAS_STALE;
    if (!this.#ownerSigned(from, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    if (this.balance(from, amount.currency) < amount.minor) return CODE.INSUFFICIENT_FUNDS;
    this.#move(from, amount.currency, -amount.minor);
    this.#move(to, amount.currency, amount.minor);
    return CODE.OK;
  }

  #ownerSigned(account: AccountId, signers: ReadonlySet<PublicKey>): boolean {
    const key = this.#money.accounts.get(account);
    return key !== undefined && signers.has(key);
  }

  #bankSigned(account: AccountId, signers: ReadonlySet<PublicKey>): boolean {
    const bank = this.#genesis.participants.find(({ id }) => id === bankOf(account));
    return bank !== undefined && signers.has(bank.operatorKey);
  }

  #officersSigned(signers: ReadonlySet<PublicKey>): boolean {
    const { keys, quorum } = this.#genesis.officers;
    return keys.reduce((count, key) => count + Number(signers.has(key)), 0) >= quorum;
  }

  #move(account: AccountId, currency: string, minor: bigint): void {
    this.#money.balances.set(`${account}/${currency}`, this.balance(account, currency) + minor);
  }
}

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>;

function amountProblem({ currency, minor }: CommandOf<'issue'>['amount']): number | null {
  if (!CURRENCIES.includes(currency)) return CODE.CURRENCY_UNKNOWN;
  if (minor <= 0n) return CODE.AMOUNT_ZERO;
  return minor > MAX_AMOUNT_MINOR ? CODE.AMOUNT_TOO_LARGE : null;
}

function settlement(bank: string): AccountId {
  return `settlement@${bank}` as AccountId;
}

function bankOf(account: AccountId): string {
  return account.slice(account.indexOf('@') + 1);
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
