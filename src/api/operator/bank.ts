/**
 * What a bank does for its customers: opening accounts, attesting phone numbers, funding. Each action is a transaction
 * that the bank signs; what it alone may know (names and numbers) goes to its own store once the transaction is final.
 */
import { toHex } from '../../codec/hex.ts';
import { encode } from '../../codec/schema.ts';
import { parseAccountId, participantOf, settlementAccount } from '../../codec/text.ts';
import { transaction as transactionSchema } from '../../codec/transaction.ts';
import { aliasKey } from '../../crypto/alias.ts';
import { chainIdOf, transactionId } from '../../crypto/ids.ts';
import { cosign, signTransaction } from '../../crypto/sign.ts';
import type { Customer } from '../../ports.ts';
import type {
  AccountId,
  AliasKey,
  Amount,
  ClaimAlias,
  Command,
  Nonce,
  OpenAccount,
  ParticipantId,
  RegisterAlias,
  TierName,
  Transaction,
} from '../../types/index.ts';
import type { Api, OperatorOptions } from '../context.ts';
import { fault, ledgerFault } from '../errors.ts';
import { stateJson } from '../present.ts';
import type {
  ActionJson,
  AliasKeyJson,
  BindingJson,
  CustomerJson,
  TransactionStateJson,
  UnsubmittedJson,
} from '../types.ts';

/** How long the bank's own transactions stay valid: time for some retries of a client that got no answer. */
const VALIDITY_MS = 120_000;

export class Bank {
  readonly #api: Api;
  readonly #operator: OperatorOptions;
  readonly #self: ParticipantId;
  /** The last change to the customers: they take place one after the other. */
  #storing: Promise<unknown> = Promise.resolve();

  constructor(api: Api, operator: OperatorOptions) {
    this.#api = api;
    this.#operator = operator;
    this.#self = api.node.status().participant;
  }

  /** `dara@aclb` of `dara`. @throws CodedError `ACCOUNT_MALFORMED`. */
  accountOf(name: string): AccountId {
    return parseAccountId(`${name}@${this.#self}`);
  }

  /**
   * Opens an account of this bank. Asked again, for one that is open with this key and tier, it answers with the first receipt,
   * so that a client whose answer was lost can repeat itself.
   *
   * @param gone ends the wait.
   */
  async openAccount(
    { account, publicKey, tier }: Omit<OpenAccount, 'type'>,
    displayName: string,
    gone: AbortSignal,
  ): Promise<ActionJson> {
    const customer = { account, name: displayName, phones: [] };
    const command = { type: 'openAccount', account, publicKey, tier } as const;
    const opened = await this.#openedAs(customer, command);
    const state = opened ?? (await this.#perform([command], this.#nonce(), gone));
    return this.#afterwards(state, account, (known) => known ?? customer);
  }

  /** Gives one of the bank's accounts another tier: it counts from the next block on, for all that went out today too. */
  async setTier(account: AccountId, tier: TierName, gone: AbortSignal): Promise<TransactionStateJson> {
    this.#assertOurs(account);
    return await this.#perform([{ type: 'setTier', account, tier }], this.#nonce(), gone);
  }

  async customers(): Promise<readonly CustomerJson[]> {
    return (await this.#operator.customers.list()).map(customerJson);
  }

  /** The alias of a number, which only members can derive. @param phone in E.164 form. */
  aliasKeyOf(phone: string): AliasKeyJson {
    return { phone, aliasKey: aliasKey(this.#api.aliasSecret, phone) };
  }

  /** @throws ApiFault `ALIAS_NOT_FOUND` where the number was never bound. */
  async binding(key: AliasKey): Promise<BindingJson> {
    const record = await this.#api.node.queries.alias(key);
    if (record === null) throw ledgerFault('ALIAS_NOT_FOUND');
    return { aliasKey: key, account: record.account, epoch: record.epoch };
  }

  /**
   * Attests that a number is the customer's: adds the bank's signature to the wallet's registration or claim, and submits it.
   *
   * @param transaction one `registerAlias` or `claimAlias`, signed by the wallet.
   * @param phone in E.164 form.
   */
  async attest(transaction: Transaction, phone: string, gone: AbortSignal): Promise<ActionJson> {
    const { type, account, aliasKey: named } = onlyBinding(transaction);
    this.#assertOurs(account);
    if (named !== this.aliasKeyOf(phone).aliasKey) throw fault('PHONE_MISMATCH');
    const customer = await this.#operator.customers.get(account);
    if (customer === null) throw fault('CUSTOMER_NOT_FOUND');
    const state = await this.#submit(cosign(transaction, this.#operator.signer), gone);
    const addPhone = (known: Customer | null) => {
      const { phones, ...rest } = known ?? customer;
      // A number that is only claimed is still somebody else's.
      if (type === 'claimAlias') return { ...rest, phones };
      return { ...rest, phones: [...new Set([...phones, phone])] };
    };
    return this.#afterwards(state, account, addPhone);
  }

  /**
   * Objects to a claim of a customer's number in the bank's own name: whoever lost a phone has no key to object with, and a
   * bank that attests falsely must be stopped by another than itself.
   *
   * @param account whose number it is. @param phone in E.164 form.
   */
  async rejectClaim(account: AccountId, phone: string, gone: AbortSignal): Promise<TransactionStateJson> {
    this.#assertOurs(account);
    const command = { type: 'rejectClaim', account, aliasKey: this.aliasKeyOf(phone).aliasKey as AliasKey } as const;
    return await this.#perform([command], this.#nonce(), gone);
  }

  /** Pays from the bank's settlement account. @param nonce a client's own reference, which makes a retry safe. */
  fund(to: AccountId, amount: Amount, nonce: Nonce | null, gone: AbortSignal): Promise<TransactionStateJson> {
    const from = settlementAccount(this.#self);
    return this.#perform([{ type: 'transfer', from, to, amount, alias: null, memo: '' }], nonce ?? this.#nonce(), gone);
  }

  /** Signs a redemption for the officers to sign after the bank: valid for most of what the network allows. */
  redeem(amount: Amount): UnsubmittedJson {
    const from = settlementAccount(this.#self);
    const validityMs = Math.floor(this.#api.genesis.rules.maxValidityMs * 0.9);
    const transaction = this.#sign([{ type: 'redeem', from, amount }], this.#nonce(), validityMs);
    const { body } = transaction;
    return {
      id: transactionId(body),
      transaction: toHex(encode(transactionSchema, transaction)),
      validUntilMs: body.validUntilMs,
    };
  }

  /** How this very account was opened, or null where it is not, or with another key or tier or for another customer. */
  async #openedAs({ name }: Customer, { account, publicKey, tier }: OpenAccount): Promise<TransactionStateJson | null> {
    const { queries } = this.#api.node;
    const record = await queries.account(account);
    const known = await this.#operator.customers.get(account);
    if (record?.publicKey !== publicKey || (known !== null && known.name !== name)) return null;
    for (const receipt of await queries.receipts(record.openedAtHeight)) {
      const indexed = receipt.status === 0 ? await queries.transaction(receipt.transactionId) : null;
      const opens = (command: Command) =>
        command.type === 'openAccount' && command.account === account && command.tier === tier;
      if (indexed === null || !indexed.transaction.body.commands.some(opens)) continue;
      return stateJson(receipt.transactionId, { state: 'final', receipt, indexed });
    }
    return null;
  }

  #assertOurs(account: AccountId): void {
    if (participantOf(account) !== this.#self) throw fault('ACCOUNT_NOT_OURS');
  }

  #perform(commands: readonly Command[], nonce: Nonce, gone: AbortSignal): Promise<TransactionStateJson> {
    const validityMs = Math.min(VALIDITY_MS, this.#api.genesis.rules.maxValidityMs);
    return this.#submit(this.#sign(commands, nonce, validityMs), gone);
  }

  #sign(commands: readonly Command[], nonce: Nonce, validityMs: number): Transaction {
    const { genesis, clock } = this.#api;
    const chainId = chainIdOf(genesis);
    const validUntilMs = clock.now() + validityMs;
    return signTransaction({ version: 1, chainId, validUntilMs, nonce, commands }, [this.#operator.signer]);
  }

  #submit(transaction: Transaction, gone: AbortSignal): Promise<TransactionStateJson> {
    return this.#api.submissions.submit(transaction, this.#api.limits.defaultWaitMs, gone);
  }

  #nonce(): Nonce {
    return toHex(this.#api.random.bytes(16)) as Nonce;
  }

  /** Changes what is stored of a customer where the transaction took effect. */
  async #afterwards(
    state: TransactionStateJson,
    account: AccountId,
    change: (known: Customer | null) => Customer,
  ): Promise<ActionJson> {
    if (state.state !== 'final') return { ...state, customer: null };
    const { customers } = this.#operator;
    const store = async () => {
      const customer = change(await customers.get(account));
      await customers.put(customer);
      return customer;
    };
    const stored = this.#storing.then(store);
    // Whoever asked hears of a failure; the next change does not depend on it.
    this.#storing = stored.catch(() => undefined);
    return { ...state, customer: customerJson(await stored) };
  }
}

/** @throws ApiFault `ATTEST_UNEXPECTED` for a transaction that does anything else. */
function onlyBinding({ body }: Transaction): RegisterAlias | ClaimAlias {
  const [command, ...others] = body.commands;
  const isBinding = command?.type === 'registerAlias' || command?.type === 'claimAlias';
  if (!isBinding || others.length > 0) throw fault('ATTEST_UNEXPECTED');
  return command;
}

function customerJson({ account, name, phones }: Customer): CustomerJson {
  return { account, displayName: name, phones };
}
