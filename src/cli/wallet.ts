/**
 * What a wallet does: it resolves whom to pay, builds a transaction, signs it where the key is, and submits it through a
 * bank's node. Opening accounts and binding phone numbers goes through the bank's operator API, because the bank signs too.
 */
import { createHash } from 'node:crypto';
import type { Client } from '../api/client.ts';
import { parsePhone } from '../api/phone.ts';
import type { ReceiptJson, TransactionStateJson } from '../api/types.ts';
import { formatAmount, parseAmount } from '../codec/amount.ts';
import { fromHex, toHex } from '../codec/hex.ts';
import type { AmountJson } from '../codec/json.ts';
import { MAX_TRANSACTION_BYTES } from '../codec/limits.ts';
import { decode } from '../codec/schema.ts';
import { parseAccountId, parseCurrency, parseHash, settlementAccount } from '../codec/text.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { cosign, signTransaction } from '../crypto/sign.ts';
import { CodedError } from '../errors.ts';
import type { Clock, Random, Signer } from '../ports.ts';
import type {
  AccountId,
  AliasKey,
  AliasReference,
  Amount,
  ChainId,
  Command,
  Currency,
  Nonce,
  ParticipantId,
  TierName,
  Transaction,
} from '../types/index.ts';
import type { Wallet } from './wallet-files.ts';

/** What a transaction has to keep to, as the network's nodes state it. */
export interface Terms {
  readonly chainId: ChainId;
  readonly currencies: readonly Currency[];
  readonly maxValidityMs: number;
  /** The network's time: what a wallet's own clock says does not matter. */
  now(): number;
}

/** Whom to pay, resolved before anything is signed. */
export interface Payee {
  readonly account: AccountId;
  /** How the account was found, or null where the payer named it. */
  readonly alias: AliasReference | null;
  /** In E.164 form, or null where the payer named the account. */
  readonly phone: string | null;
}

export interface Payment {
  readonly payee: Payee;
  readonly amount: Amount;
  readonly memo: string;
}

/** A payer's own reference for a transaction; see `nonceOf` and `newNonce`. */
export interface Once {
  readonly nonce: Nonce;
  /** Whether the same payment is to become the very same transaction when it is made again within some minutes. */
  readonly repeatable: boolean;
}

/** A transaction that is on the chain and took effect. */
export interface Final extends TransactionStateJson {
  readonly state: 'final';
  readonly receipt: ReceiptJson;
}

/** What a bank notes down when it opens an account. */
export interface Opening {
  /** Kept by the bank only. */
  readonly displayName: string;
  /** One of the network's; null where it has none. */
  readonly tier: string | null;
}

/** Of wallets in a local network: what limits people is not to limit whoever tries something out. */
export const LOCAL_TIER = 'full';

/** Enough for any answer and a retry; after it, whoever got no answer knows that nothing more will happen. */
const VALIDITY_MS = 60_000;

/** @param client any node of the network. */
export async function readTerms(client: Client, clock: Clock): Promise<Terms> {
  const { chainId, currencies, maxValidityMs, timeMs } = await client.status();
  const ahead = timeMs - clock.now();
  return {
    chainId: parseHash(chainId) as ChainId,
    currencies: currencies.map(currencyFromJson),
    maxValidityMs,
    now: () => clock.now() + ahead,
  };
}

/** @throws CodedError `CURRENCY_MALFORMED`, `CURRENCY_UNKNOWN`, `AMOUNT_*`. */
export function readAmount({ currencies }: Terms, value: string, currency: string): Amount {
  const code = parseCurrency(currency.toUpperCase());
  const found = currencies.find((entry) => entry.code === code);
  if (found !== undefined) return parseAmount(value, found);
  const known = currencies.map((entry) => entry.code).join(', ');
  throw new CodedError('CURRENCY_UNKNOWN', `this network has no ${code}; it has ${known}`);
}

/**
 * @param text an account id, or a phone number as people write it.
 * @throws CodedError `ACCOUNT_MALFORMED`, `PHONE_MALFORMED`; ApiError `ALIAS_NOT_FOUND` and whatever the node answers.
 */
export async function resolvePayee(client: Client, text: string): Promise<Payee> {
  if (/[@\p{L}]/u.test(text)) return { account: parseAccountId(text), alias: null, phone: null };
  const phone = parsePhone(text);
  const { account, aliasKey: key, epoch } = await client.alias(phone);
  const alias = { aliasKey: parseHash(key) as AliasKey, epoch };
  return { account: parseAccountId(account), alias, phone };
}

export function newNonce(random: Random): Once {
  return { nonce: toHex(random.bytes(16)) as Nonce, repeatable: false };
}

/** The nonce that a payer's own words stand for, so that a script which runs again pays once. */
export function nonceOf(reference: string): Once {
  const digest = createHash('sha256').update('tonle/reference/v1\0').update(reference).digest();
  return { nonce: toHex(digest.subarray(0, 16)) as Nonce, repeatable: true };
}

/** Signs commands with all keys at hand. */
export function sign(terms: Terms, commands: readonly Command[], once: Once, signers: readonly Signer[]): Transaction {
  const validUntilMs = terms.now() + Math.min(VALIDITY_MS, terms.maxValidityMs);
  const body = { version: 1, chainId: terms.chainId, validUntilMs, nonce: once.nonce, commands } as const;
  return signTransaction(once.repeatable ? { ...body, validUntilMs: slotEnd(terms) } : body, signers);
}

export function signPayment(terms: Terms, wallet: Wallet, { payee, amount, memo }: Payment, once: Once): Transaction {
  const { account: from, signer } = wallet;
  const { account: to, alias } = payee;
  return sign(terms, [{ type: 'transfer', from, to, amount, alias, memo }], once, [signer]);
}

/** Submits through a node and waits. @throws CodedError `UNKNOWN_OUTCOME`; ApiError where it is refused. */
export async function submit(client: Client, transaction: Transaction): Promise<Final> {
  return finalOf(await client.submit(transaction));
}

/** Opens the wallet's account at its bank. Safe to repeat. @param bank its node, with the operator's token. */
export async function openWallet(
  bank: Client,
  { account, signer }: Wallet,
  { displayName, tier }: Opening,
): Promise<Final> {
  const [name = ''] = account.split('@');
  const request = { name, publicKey: signer.publicKey, displayName };
  return finalOf(await bank.operator.openAccount(tier === null ? request : { ...request, tier }));
}

/** Gives an account another tier. @param bank its node, with the operator's token. */
export async function setTier(bank: Client, account: AccountId, tier: TierName): Promise<Final> {
  return finalOf(await bank.operator.setTier({ account, tier }));
}

/**
 * Binds a phone number: its bank derives the alias, the wallet signs, and the bank attests. One that is bound to another
 * account must be claimed before, and the claim be due.
 *
 * @param bank its node, with the operator's token.
 */
export function bindAlias(bank: Client, terms: Terms, wallet: Wallet, phone: string, random: Random): Promise<Final> {
  return attested('registerAlias', bank, terms, wallet, phone, random);
}

/** Claims a phone number that is bound to an account whose key is lost. @param bank the claiming wallet's, with its token. */
export function claimAlias(bank: Client, terms: Terms, wallet: Wallet, phone: string, random: Random): Promise<Final> {
  return attested('claimAlias', bank, terms, wallet, phone, random);
}

async function attested(
  type: 'registerAlias' | 'claimAlias',
  bank: Client,
  terms: Terms,
  { account, signer }: Wallet,
  phone: string,
  random: Random,
): Promise<Final> {
  const number = parsePhone(phone);
  const { aliasKey: key } = await bank.operator.aliasKey(number);
  const command: Command = { type, aliasKey: parseHash(key) as AliasKey, account };
  const transaction = sign(terms, [command], newNonce(random), [signer]);
  return finalOf(await bank.operator.attest({ transaction, phone: number }));
}

/** Frees a phone number. @throws ApiError `ALIAS_NOT_FOUND`, `ALIAS_NOT_YOURS`. */
export function releaseAlias(
  client: Client,
  terms: Terms,
  wallet: Wallet,
  phone: string,
  random: Random,
): Promise<Final> {
  return signedAlone('releaseAlias', client, terms, wallet, phone, random);
}

/** Objects to a claim of the wallet's own number. @throws ApiError `CLAIM_NOT_FOUND`, `ALIAS_NOT_YOURS`, `ALIAS_NOT_FOUND`. */
export function rejectClaim(
  client: Client,
  terms: Terms,
  wallet: Wallet,
  phone: string,
  random: Random,
): Promise<Final> {
  return signedAlone('rejectClaim', client, terms, wallet, phone, random);
}

async function signedAlone(
  type: 'releaseAlias' | 'rejectClaim',
  client: Client,
  terms: Terms,
  { account, signer }: Wallet,
  phone: string,
  random: Random,
): Promise<Final> {
  const { aliasKey: key } = await client.alias(parsePhone(phone));
  const command: Command = { type, aliasKey: parseHash(key) as AliasKey, account };
  return submit(client, sign(terms, [command], newNonce(random), [signer]));
}

/** Pays from a bank's settlement account. @param bank its node, with the operator's token. */
export async function fund(bank: Client, terms: Terms, account: AccountId, amount: Amount): Promise<Final> {
  return finalOf(await bank.operator.fund({ account, amount: amountJson(terms, amount) }));
}

/** Issues money to a participant's settlement account. @param officers a quorum of the central bank's. */
export function issue(
  client: Client,
  terms: Terms,
  officers: readonly Signer[],
  { to, amount }: { readonly to: ParticipantId; readonly amount: Amount },
  random: Random,
): Promise<Final> {
  const command: Command = { type: 'issue', to: settlementAccount(to), amount };
  return submit(client, sign(terms, [command], newNonce(random), officers));
}

/**
 * Redeems money of a participant: its node signs first, then the officers, who look at what they sign.
 *
 * @param bank the participant's node, with the operator's token.
 * @throws CodedError `REDEEM_UNEXPECTED` where the node asks for signatures on anything else.
 */
export async function redeem(
  bank: Client,
  terms: Terms,
  officers: readonly Signer[],
  { from, amount }: { readonly from: ParticipantId; readonly amount: Amount },
): Promise<Final> {
  const { transaction: hex } = await bank.operator.redeem({ amount: amountJson(terms, amount) });
  const prepared = decode(transactionSchema, fromHex(hex), MAX_TRANSACTION_BYTES);
  const [command, ...others] = prepared.body.commands;
  const isAsAsked =
    others.length === 0 &&
    command?.type === 'redeem' &&
    command.from === settlementAccount(from) &&
    command.amount.currency === amount.currency &&
    command.amount.minor === amount.minor;
  if (!isAsAsked || prepared.body.chainId !== terms.chainId) {
    throw new CodedError(
      'REDEEM_UNEXPECTED',
      `${from} prepared another transaction than was asked for; nothing was signed`,
    );
  }
  return submit(bank, officers.reduce(cosign, prepared));
}

/** @throws CodedError `EXPIRED`; `UNKNOWN_OUTCOME` where it is not known how it ended. */
export function finalOf(answer: TransactionStateJson): Final {
  const { id, state, receipt, message } = answer;
  if (state === 'final' && receipt !== null) return { ...answer, state, receipt };
  if (state === 'expired') throw new CodedError('EXPIRED', message);
  throw new CodedError(
    'UNKNOWN_OUTCOME',
    `no answer yet, and nothing has failed: transaction ${id} may still become final. ` +
      `Ask with \`tonle tx ${id}\` before you do it again`,
  );
}

/** An amount as the JSON API writes it. */
export function amountJson({ currencies }: Terms, { currency, minor }: Amount): AmountJson {
  const exponent = currencies.find((entry) => entry.code === currency)?.exponent ?? 0;
  return { currency, value: formatAmount(minor, exponent) };
}

/** The same for some minutes, and always between a third and two thirds of the longest validity ahead. */
function slotEnd({ now, maxValidityMs }: Terms): number {
  const slot = Math.floor(maxValidityMs / 3);
  return (Math.floor(now() / slot) + 2) * slot;
}

/** Limits are the node's to judge: nothing here reads them. */
function currencyFromJson({ code, exponent }: { readonly code: string; readonly exponent: number }): Currency {
  return { code: parseCurrency(code), exponent, maxAmountMinor: 0n, maxSupplyMinor: 0n };
}
