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
import { CLAIM_DELAY_MS, CLAIM_WINDOW_MS, DAILY_LIMITS, MAX_SUPPLY_MINOR, MAX_VALIDITY_MS } from '../world/members.ts';
import { amountProblem, bankOf, CODE, type CommandOf, dayOf, namedBy, settlement } from './model-rules.ts';

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
  /** The last one that was neither rejected nor carried out. */
  readonly claim: { readonly account: AccountId; readonly dueMs: number } | null;
}

const NEVER_BOUND: Binding = { owner: null, epoch: 0, claim: null };

interface Money {
  readonly accounts: Map<AccountId, PublicKey>;
  /** Of wallets. */
  readonly tiers: Map<AccountId, string>;
  /** Paid out by wallets: `account/currency` -> minor units and the day they belong to. */
  readonly spent: Map<string, { readonly day: number; readonly minor: bigint }>;
  readonly balances: Map<string, bigint>;
  readonly aliases: Map<AliasKey, Binding>;
  /** Ever, by currency. */
  readonly issued: Map<string, bigint>;
  readonly redeemed: Map<string, bigint>;
}

export class Model {
  #money: Money;
  readonly #seen = new Set<TransactionId>();
  /** Of the block that runs. */
  #timeMs = 0;

  readonly #genesis: Genesis;

  constructor(genesis: Genesis) {
    this.#genesis = genesis;
    this.#money = {
      accounts: new Map(genesis.participants.map(({ id, operatorKey }) => [settlement(id), operatorKey])),
      tiers: new Map(),
      spent: new Map(),
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

  get tiers(): Money['tiers'] {
    return this.#money.tiers;
  }

  get spent(): Money['spent'] {
    return this.#money.spent;
  }

  get aliases(): ReadonlyMap<AliasKey, Binding> {
    return this.#money.aliases;
  }

  /** Aliases that lead somewhere. */
  get bound(): readonly (Binding & { readonly aliasKey: AliasKey; readonly owner: AccountId })[] {
    return [...this.#money.aliases].flatMap(([aliasKey, { owner, ...rest }]) =>
      owner === null ? [] : [{ aliasKey, owner, ...rest }],
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

  alias(aliasKey: AliasKey): Binding {
    return this.#money.aliases.get(aliasKey) ?? NEVER_BOUND;
  }

  /** What a wallet may still pay out on the day of `timeMs`; null where nothing bounds it. */
  left(account: AccountId, currency: string, timeMs: number): bigint | null {
    const limit = DAILY_LIMITS.get(`${this.#money.tiers.get(account)}/${currency}`);
    return limit === undefined ? null : limit - this.#spentOn(dayOf(timeMs), account, currency);
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
      this.#timeMs = timeMs;
      if (validUntilMs < timeMs || validUntilMs > timeMs + MAX_VALIDITY_MS || this.#seen.has(id)) continue;
      this.#seen.add(id);
      receipts.push({ transactionId: id, status: this.#runAll(commands, transaction) });
      for (const command of commands) {
        for (const name of namedBy(command)) named.add(name);
        if ('aliasKey' in command) aliases.add(command.aliasKey);
      }
    }
    return {
      receipts,
      balances: new Map([...named].map((name) => [name, this.#money.balances.get(name) ?? 0n])),
      aliases: new Map([...aliases].map((key) => [key, this.alias(key)])),
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
    const { accounts, tiers, spent, balances, aliases, issued, redeemed } = before;
    this.#money = {
      accounts: new Map(accounts),
      tiers: new Map(tiers),
      spent: new Map(spent),
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
      case 'claimAlias':
        return this.#claim(command, signers);
      case 'rejectClaim':
        return this.#reject(command, signers);
      case 'setTier':
        return this.#setTier(command, signers);
    }
  }

  #open({ account, publicKey, tier }: CommandOf<'openAccount'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts, tiers } = this.#money;
    if (this.#genesis.participants.every(({ id }) => id !== bankOf(account))) return CODE.PARTICIPANT_UNKNOWN;
    if (account.startsWith('settlement@')) return CODE.ACCOUNT_RESERVED;
    if (tier === null || !this.#isTier(tier)) return CODE.TIER_UNKNOWN;
    if (accounts.has(account)) return CODE.ACCOUNT_EXISTS;
    if (!this.#bankSigned(account, signers)) return CODE.BANK_SIGNATURE_MISSING;
    accounts.set(account, publicKey);
    tiers.set(account, tier);
    return CODE.OK;
  }

  #setTier({ account, tier }: CommandOf<'setTier'>, signers: ReadonlySet<PublicKey>): number {
    if (account.startsWith('settlement@')) return CODE.ACCOUNT_RESERVED;
    if (!this.#isTier(tier)) return CODE.TIER_UNKNOWN;
    if (!this.#money.accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    if (!this.#bankSigned(account, signers)) return CODE.BANK_SIGNATURE_MISSING;
    this.#money.tiers.set(account, tier);
    return CODE.OK;
  }

  #register({ account, aliasKey }: CommandOf<'registerAlias'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts, aliases } = this.#money;
    if (!accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    const { owner, epoch } = this.alias(aliasKey);
    const claim = this.#openClaim(aliasKey);
    if (owner !== null && claim?.account !== account) return CODE.ALIAS_TAKEN;
    if (!this.#ownerSigned(account, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    if (!this.#bankSigned(account, signers)) return CODE.BANK_SIGNATURE_MISSING;
    if (claim !== null && claim.dueMs > this.#timeMs) return CODE.CLAIM_NOT_DUE;
    aliases.set(aliasKey, { owner: account, epoch: epoch + 1, claim: null });
    return CODE.OK;
  }

  #release({ account, aliasKey }: CommandOf<'releaseAlias'>, signers: ReadonlySet<PublicKey>): number {
    const { accounts, aliases } = this.#money;
    if (!accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    const { owner, epoch } = this.alias(aliasKey);
    if (owner === null) return CODE.ALIAS_NOT_FOUND;
    if (owner !== account) return CODE.ALIAS_NOT_YOURS;
    if (!this.#ownerSigned(account, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    aliases.set(aliasKey, { owner: null, epoch, claim: null });
    return CODE.OK;
  }

  #claim({ account, aliasKey }: CommandOf<'claimAlias'>, signers: ReadonlySet<PublicKey>): number {
    if (!this.#money.accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    const { owner, epoch } = this.alias(aliasKey);
    if (owner === null) return CODE.ALIAS_NOT_FOUND;
    if (owner === account) return CODE.ALIAS_YOURS;
    if (this.#openClaim(aliasKey) !== null) return CODE.CLAIM_OPEN;
    if (!this.#ownerSigned(account, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    if (!this.#bankSigned(account, signers)) return CODE.BANK_SIGNATURE_MISSING;
    const dueMs = this.#timeMs + CLAIM_DELAY_MS;
    this.#money.aliases.set(aliasKey, { owner, epoch, claim: { account, dueMs } });
    return CODE.OK;
  }

  #reject({ account, aliasKey }: CommandOf<'rejectClaim'>, signers: ReadonlySet<PublicKey>): number {
    if (!this.#money.accounts.has(account)) return CODE.ACCOUNT_NOT_FOUND;
    const { owner, epoch } = this.alias(aliasKey);
    if (owner === null) return CODE.ALIAS_NOT_FOUND;
    if (owner !== account) return CODE.ALIAS_NOT_YOURS;
    if (this.#openClaim(aliasKey) === null) return CODE.CLAIM_NOT_FOUND;
    const mayReject = this.#ownerSigned(account, signers) || this.#bankSigned(account, signers);
    if (!mayReject) return CODE.HOLDER_SIGNATURE_MISSING;
    this.#money.aliases.set(aliasKey, { owner, epoch, claim: null });
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
    const bound = alias === null ? null : this.alias(alias.aliasKey);
    if (bound !== null && (bound.owner !== to || bound.epoch !== alias?.epoch)) return CODE.ALIAS_STALE;
    if (!this.#ownerSigned(from, signers)) return CODE.ACCOUNT_SIGNATURE_MISSING;
    if (this.balance(from, amount.currency) < amount.minor) return CODE.INSUFFICIENT_FUNDS;
    const left = this.left(from, amount.currency, this.#timeMs);
    if (left !== null && left < amount.minor) return CODE.DAILY_LIMIT;
    this.#move(from, amount.currency, -amount.minor);
    this.#move(to, amount.currency, amount.minor);
    if (!from.startsWith('settlement@')) this.#spend(from, amount);
    return CODE.OK;
  }

  #spend(account: AccountId, { currency, minor }: CommandOf<'transfer'>['amount']): void {
    const day = dayOf(this.#timeMs);
    const before = this.#spentOn(day, account, currency);
    this.#money.spent.set(`${account}/${currency}`, { day, minor: before + minor });
  }

  #spentOn(day: number, account: AccountId, currency: string): bigint {
    const spent = this.#money.spent.get(`${account}/${currency}`);
    return spent !== undefined && spent.day === day ? spent.minor : 0n;
  }

  /** One that has not lapsed. */
  #openClaim(aliasKey: AliasKey): Binding['claim'] {
    const { claim } = this.alias(aliasKey);
    return claim !== null && this.#timeMs < claim.dueMs + CLAIM_WINDOW_MS ? claim : null;
  }

  #isTier(name: string): boolean {
    return this.#genesis.tiers.some((tier) => tier.name === name);
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
