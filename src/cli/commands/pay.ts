/** `tonle pay`: one payment, from whom it goes to until it is final and signed for. */
import { performance } from 'node:perf_hooks';
import type { Client } from '../../api/client.ts';
import { ApiError } from '../../api/client-errors.ts';
import type { TransactionStateJson } from '../../api/types.ts';
import { parseParticipantId, participantOf } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import type { ParticipantId, Transaction } from '../../types/index.ts';
import type { CliContext } from '../context.ts';
import { describeAmount } from '../describe.ts';
import { isSilence, Nodes } from '../nodes.ts';
import { passwordSource } from '../password.ts';
import { assertNewFile, type Finality, readFinality, saveReceipt } from '../receipts.ts';
import { findEarlier } from '../references.ts';
import {
  amountJson,
  type Final,
  finalOf,
  newNonce,
  nonceOf,
  type Payee,
  readAmount,
  readTerms,
  resolvePayee,
  signPayment,
  type Terms,
} from '../wallet.ts';
import { findWallet, unlockWallet, type Wallet } from '../wallet-files.ts';

export interface PayOptions {
  readonly from?: string;
  readonly memo: string;
  readonly reference?: string;
  readonly via?: string;
  readonly wait: boolean;
  readonly receipt?: string;
}

export interface PayArguments {
  readonly payee: string;
  readonly amount: string;
  readonly currency: string;
}

/** What was signed, and for whom. */
interface Prepared {
  readonly transaction: Transaction;
  readonly payee: Payee;
  readonly wallet: Wallet;
  readonly amount: { readonly currency: string; readonly value: string };
}

export async function payCommand(cli: CliContext, wanted: PayArguments, options: PayOptions): Promise<void> {
  if (options.via !== undefined && cli.url !== null) {
    throw new CodedError('USAGE', '--url names the node to pay through already; leave --via out');
  }
  if (options.receipt !== undefined) await assertNewFile(options.receipt);
  const file = await findWallet(cli.data, options.from);
  const nodes = await Nodes.of(cli);
  const home = participantOf(file.account);
  const client = nodes.of(options.via === undefined ? home : parseParticipantId(options.via));
  const terms = await orOffer(nodes, home, options, () => readTerms(client, cli.clock));
  const wallet = await unlockWallet(file, passwordSource(cli.io));
  const prepared = await prepare(cli, client, terms, wallet, wanted, options);
  cli.out.note(`paying ${describePayment(prepared)}`);
  const startMs = performance.now();
  const answer = await orOffer(nodes, home, options, () => send(client, prepared, options));
  const tookMs = Math.round(performance.now() - startMs);
  if (!options.wait && answer.state === 'pending') return printTaken(cli, prepared, answer);
  await printFinal(cli, client, prepared, finalOf(answer), tookMs, options);
}

async function prepare(
  { random }: CliContext,
  client: Client,
  terms: Terms,
  wallet: Wallet,
  wanted: PayArguments,
  { memo, reference }: PayOptions,
): Promise<Prepared> {
  const amount = readAmount(terms, wanted.amount, wanted.currency);
  const payee = await resolvePayee(client, wanted.payee);
  const once = reference === undefined ? newNonce(random) : nonceOf(reference);
  const transaction = signPayment(terms, wallet, { payee, amount, memo }, once);
  return { transaction, payee, wallet, amount: amountJson(terms, amount) };
}

/** A reference that was used too long ago for this to be the very same transaction: then the receipt of that one. */
async function send(
  client: Client,
  { transaction, wallet, payee, amount }: Prepared,
  { wait, reference }: PayOptions,
): Promise<TransactionStateJson> {
  try {
    return await client.submit(transaction, { wait });
  } catch (error) {
    if (reference === undefined || !(error instanceof ApiError) || error.code !== 'REFERENCE_REUSED') throw error;
    const { nonce } = transaction.body;
    const earlier = await findEarlier(client, { nonce, from: wallet.account, to: payee.account, amount });
    if (earlier !== null) return earlier;
    const what = `the reference ${JSON.stringify(reference)} was used for another payment of ${wallet.account}`;
    throw new CodedError('REFERENCE_REUSED', `${what}, or for one that is not final yet; nothing was paid now`, {
      cause: error,
    });
  }
}

/** Where the node is silent nothing was sent, and another bank's node does as well. */
async function orOffer<T>(
  nodes: Nodes,
  home: ParticipantId,
  { via }: PayOptions,
  question: () => Promise<T>,
): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (!isSilence(error) || !(error instanceof CodedError)) throw error;
    const asked = via ?? home;
    const others = nodes.local.map((node) => node.participant).filter((id) => id !== asked && id !== home);
    const advice = others.length === 0 ? '' : ` Pay through another bank: add --via ${others.join(' or --via ')}.`;
    throw new CodedError('NODE_UNREACHABLE', `the node of ${asked} does not answer; nothing was sent.${advice}`, {
      cause: error,
    });
  }
}

function printTaken({ out }: CliContext, prepared: Prepared, answer: TransactionStateJson): void {
  const human = `taken, not final yet: ask with \`tonle tx ${answer.id}\``;
  out.print(human, { ...answer, ...documentOf(prepared) });
}

async function printFinal(
  { out }: CliContext,
  client: Client,
  prepared: Prepared,
  { id, receipt }: Final,
  tookMs: number,
  options: PayOptions,
): Promise<void> {
  const { proof } = await client.transaction(id);
  const finality = proof === null ? null : await readFinality(client, proof);
  if (options.receipt !== undefined && proof !== null) await saveReceipt(options.receipt, proof);
  const kept = options.receipt === undefined ? '' : `\nreceipt in ${options.receipt}`;
  out.print(`${describeFinal(tookMs, receipt.height, finality)}, id ${id}${kept}`, {
    id,
    state: 'final',
    finalityMs: tookMs,
    receipt,
    signers: finality?.signers ?? [],
    validators: finality?.validators ?? null,
    receiptFile: options.receipt ?? null,
    ...documentOf(prepared),
  });
}

/** `final in 23 ms, block 17, 4 of 4 signatures`. */
function describeFinal(tookMs: number, height: number, finality: Finality | null): string {
  const signed = finality === null ? '' : `, ${finality.signers.length} of ${finality.validators} signatures`;
  return `final in ${tookMs} ms, block ${height}${signed}`;
}

function describePayment({ amount, payee, wallet }: Prepared): string {
  const phone = payee.phone === null ? '' : ` (${payee.phone})`;
  return `${describeAmount(amount)} to ${payee.account}${phone} from ${wallet.account}`;
}

function documentOf({ amount, payee, wallet }: Prepared) {
  return { from: wallet.account, to: payee.account, phone: payee.phone, amount };
}
