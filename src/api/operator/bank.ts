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
  Amount,
  Command,
  Nonce,
  ParticipantId,
  PublicKey,
  RegisterAlias,
  Transaction,
} from '../../types/index.ts';
import type { Api, OperatorOptions } from '../context.ts';
import { fault } from '../errors.ts';
import { stateJson } from '../present.ts';
import type { ActionJson, AliasKeyJson, CustomerJson, TransactionStateJson, UnsubmittedJson } from '../types.ts';

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
   * Opens an account of this bank. Asked again, for an account that is open with this key, it answers with the first receipt,
   * so that a client whose answer was lost can repeat itself.
   *
   * @param gone ends the wait.
   */
  async openAccount(
    account: AccountId,
    publicKey: PublicKey,
    displayName: string,
    gone: AbortSignal,
  ): Promise<ActionJson> {
    const customer = { account, name: displayName, phones: [] };
    const opened = await this.#openedAs(customer, publicKey);
    const state = opened ?? (await this.#perform([{ type: 'openAccount', account, publicKey }], this.#nonce(), gone));
    return this.#afterwards(state, account, (known) => known ?? customer);
  }

  async customers(): Promise<readonly CustomerJson[]> {
    return (await this.#operator.customers.list()).map(customerJson);
  }

  /** The alias of a number, which only members can derive. @param phone in E.164 form. */
  aliasKeyOf(phone: string): AliasKeyJson {
    return { phone, aliasKey: aliasKey(this.#api.aliasSecret, phone) };
  }

  /**
   * Attests that a number is the customer's: adds the bank's signature to the wallet's registration, and submits it.
   *
   * @param transaction one `registerAlias`, signed by the wallet.
   * @param phone in E.164 form.
   */
  async attest(transaction: Transaction, phone: string, gone: AbortSignal): Promise<ActionJson> {
    const { account, aliasKey: claimed } = onlyRegistration(transaction);
    if (participantOf(account) !== this.#self) throw fault('ACCOUNT_NOT_OURS');
    if (claimed !== this.aliasKeyOf(phone).aliasKey) throw fault('PHONE_MISMATCH');
    const customer = await this.#operator.customers.get(account);
    if (customer === null) throw fault('CUSTOMER_NOT_FOUND');
    const state = await this.#submit(cosign(transaction, this.#operator.signer), gone);
    const addPhone = (known: Customer | null) => {
      const { phones, ...rest } = known ?? customer;
      return { ...rest, phones: [...new Set([...phones, phone])] };
    };
    return this.#afterwards(state, account, addPhone);
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

  /** How this very account was opened, or null where it is not open, has another key or another customer. */
  async #openedAs({ account, name }: Customer, publicKey: PublicKey): Promise<TransactionStateJson | null> {
    const { queries } = this.#api.node;
    const record = await queries.account(account);
    const known = await this.#operator.customers.get(account);
    if (record?.publicKey !== publicKey || (known !== null && known.name !== name)) return null;
    for (const receipt of await queries.receipts(record.openedAtHeight)) {
      const indexed = receipt.status === 0 ? await queries.transaction(receipt.transactionId) : null;
      const opens = (command: Command) => command.type === 'openAccount' && command.account === account;
      if (indexed === null || !indexed.transaction.body.commands.some(opens)) continue;
      return stateJson(receipt.transactionId, { state: 'final', receipt, indexed });
    }
    return null;
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
function onlyRegistration({ body }: Transaction): RegisterAlias {
  const [command, ...others] = body.commands;
  if (command?.type !== 'registerAlias' || others.length > 0) throw fault('ATTEST_UNEXPECTED');
  return command;
}

function customerJson({ account, name, phones }: Customer): CustomerJson {
  return { account, displayName: name, phones };
}
