/** What the demo plays with: the network, its people and their wallets, and the few things they do again and again. */
import { performance } from 'node:perf_hooks';
import { type Client, createClient } from '../../api/client.ts';
import type { StatusJson } from '../../api/types.ts';
import { CodedError } from '../../errors.ts';
import type { Clock, Random, Signer } from '../../ports.ts';
import type { ParticipantId, Transaction } from '../../types/index.ts';
import type { LocalNode } from '../local-network.ts';
import type { LocalNetworkHandle } from '../start-local-network.ts';
import { wait } from '../system.ts';
import { type Final, newNonce, readAmount, resolvePayee, signPayment, submit, type Terms } from '../wallet.ts';
import type { Wallet } from '../wallet-files.ts';
import type { Narrator } from './narrator.ts';

export interface Person {
  /** As shown: `Dara`. */
  readonly name: string;
  readonly bank: ParticipantId;
  /** As people in Cambodia write it. */
  readonly phone: string;
  readonly wallet: Wallet;
}

export interface Stage {
  readonly network: LocalNetworkHandle;
  readonly tell: Narrator;
  readonly clock: Clock;
  readonly random: Random;
  readonly terms: Terms;
  /** Each bank's node, with the token of its staff. */
  readonly desks: ReadonlyMap<ParticipantId, Client>;
  readonly officers: readonly Signer[];
  readonly people: readonly Person[];
}

/** Text of an amount and its currency. */
export type Sum = readonly [value: string, currency: string];

/** A payment that became final, and what the client saw of it. */
export interface Paid {
  readonly transaction: Transaction;
  readonly final: Final;
  /** From just before it was submitted until the client knew that it is final. */
  readonly tookMs: number;
  /** Signatures under its block. */
  readonly signatures: number;
}

const POLL_MS = 20;
const PATIENCE_MS = 30_000;

export function clientOf({ network }: Pick<Stage, 'network'>, participant: ParticipantId): Client {
  const node = network.nodes().find((entry) => entry.participant === participant);
  if (node === undefined) throw new CodedError('PARTICIPANT_UNKNOWN', `there is no ${participant} in this network`);
  return createClient(node.apiUrl);
}

/** Signs a payment by phone number: the number is resolved at the payer's bank, the key stays with the payer. */
export async function signFor(
  { terms, random }: Stage,
  client: Client,
  payer: Person,
  phone: string,
  [value, currency]: Sum,
): Promise<Transaction> {
  const payee = await resolvePayee(client, phone);
  const amount = readAmount(terms, value, currency);
  return signPayment(terms, payer.wallet, { payee, amount, memo: '' }, newNonce(random));
}

/** @param via whose node takes it: the payer's bank unless told otherwise. */
export async function payByPhone(
  stage: Stage,
  payer: Person,
  payee: Person,
  sum: Sum,
  via: ParticipantId = payer.bank,
): Promise<Paid> {
  const client = clientOf(stage, via);
  const transaction = await signFor(stage, client, payer, payee.phone, sum);
  const startMs = performance.now();
  const final = await submit(client, transaction);
  const tookMs = performance.now() - startMs;
  const { certificate } = await client.block(final.receipt.height, { limit: 0 });
  return { transaction, final, tookMs, signatures: certificate.signatures.length };
}

/** Waits until all nodes have the same last block. */
export function untilLevel(stage: Pick<Stage, 'network' | 'clock'>): Promise<readonly StatusJson[]> {
  const { network } = stage;
  return until(stage, 'the nodes do not reach the same block', async () => {
    const clients = network.nodes().map(({ participant }) => clientOf(stage, participant));
    const statuses = await Promise.all(clients.map((client) => client.status()));
    return statuses.every(({ blockHash }) => blockHash === statuses[0]?.blockHash) ? statuses : null;
  });
}

/** Asks again until there is an answer that is not null. @throws CodedError `DEMO_BROKEN` when that takes too long. */
export async function until<T>(
  { clock }: Pick<Stage, 'clock'>,
  otherwise: string,
  question: () => Promise<T | null>,
): Promise<T> {
  const endMs = clock.now() + PATIENCE_MS;
  for (;;) {
    const answer = await question();
    if (answer !== null) return answer;
    if (clock.now() > endMs) throw new CodedError('DEMO_BROKEN', `${otherwise} within ${PATIENCE_MS / 1_000} s`);
    await wait(clock, POLL_MS);
  }
}

export function banksOf(nodes: readonly LocalNode[]): readonly LocalNode[] {
  return nodes.filter((node) => node.kind === 'bank');
}

/** @throws CodedError `DEMO_BROKEN`: a promise of this project does not hold. */
export function promised(kept: boolean, sentence: string): void {
  if (!kept) throw new CodedError('DEMO_BROKEN', sentence);
}
