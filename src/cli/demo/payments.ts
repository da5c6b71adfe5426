/** The chapters in which people pay: one after the other, three hundred at once, and while a bank is dead. */
import { performance } from 'node:perf_hooks';
import type { Client } from '../../api/client.ts';
import { transactionId } from '../../crypto/ids.ts';
import { assert } from '../../errors.ts';
import type { ParticipantId, Transaction } from '../../types/index.ts';
import { describeAmount } from '../describe.ts';
import { newNonce, readAmount, resolvePayee, signPayment, submit } from '../wallet.ts';
import { describeLatency, type Latency, latencyOf, ms, seconds } from './latency.ts';
import {
  banksOf,
  clientOf,
  type Paid,
  type Person,
  payByPhone,
  promised,
  type Stage,
  type Sum,
  until,
  untilLevel,
} from './stage.ts';

export interface Payments {
  readonly latency: Latency;
  /** Signatures under the blocks: the fewest and the most. */
  readonly signatures: { readonly fewest: number; readonly most: number };
  readonly validators: number;
}

export interface Storm {
  readonly count: number;
  readonly tookMs: number;
  readonly latency: Latency;
  readonly blocks: number;
}

export interface Outage extends Payments {
  readonly bank: ParticipantId;
  /** The same payments just before, all nodes up: by now every process has run warm, as it had not at the start. */
  readonly healthy: Latency;
  /** Median while it was dead, over the median just before. */
  readonly ratio: number;
  readonly missedBlocks: number;
  readonly caughtUpMs: number;
}

const ONE_BY_ONE = 24;
const AT_ONCE = 300;
const ROUND = 20;

/** What people pay for, in both currencies. */
const SUMS: readonly Sum[] = [
  ['12000', 'KHR'],
  ['3.50', 'USD'],
  ['40000', 'KHR'],
  ['0.75', 'USD'],
  ['8500', 'KHR'],
  ['12.00', 'USD'],
];

/** Payments across banks, each after the one before is final. */
export async function payOneByOne(stage: Stage): Promise<Payments> {
  const { tell, people } = stage;
  tell.chapter('They pay each other across banks, by phone number');
  const paid: Paid[] = [];
  for (let i = 0; i < ONE_BY_ONE; i++) {
    const { payer, payee } = pairOf(people, i);
    paid.push(await payAndTell(stage, payer, payee, sumOf(i)));
  }
  const result = resultOf(stage, paid);
  tell.line(
    `${ONE_BY_ONE} payments, from just before each is sent until its payer knows: ${describeLatency(result.latency)}.`,
  );
  return result;
}

/** All at once, through every node; then every block is read, on every node, to count each payment. */
export async function payAllAtOnce(stage: Stage): Promise<Storm> {
  const { tell, network } = stage;
  const nodes = network.nodes().map((node) => node.participant);
  tell.chapter(`${AT_ONCE} payments at once, through all ${nodes.length} nodes`);
  const from = await levelHeight(stage);
  const signed = await signMany(stage, nodes);
  const startMs = performance.now();
  const durations = await Promise.all(
    signed.map(async ({ transaction, via }) => {
      const sentMs = performance.now();
      await submit(clientOf(stage, via), transaction);
      return performance.now() - sentMs;
    }),
  );
  const tookMs = performance.now() - startMs;
  const to = await levelHeight(stage);
  const expected = signed.map(({ transaction }) => transactionId(transaction.body)).sort();
  for (const node of nodes) {
    const found = await idsOf(clientOf(stage, node), from, to);
    promised(isSameList(found.sort(), expected), `${node} does not have each of the ${AT_ONCE} payments exactly once`);
  }
  const latency = latencyOf(durations);
  tell.line(`All final after ${seconds(tookMs)}, in ${to - from} blocks: ${describeLatency(latency)}.`);
  tell.line(`Each stands on the chain exactly once, and so it does on each of the ${nodes.length} nodes.`);
  return { count: AT_ONCE, tookMs, latency, blocks: to - from };
}

/** One bank is killed; payments go on, also for its customers; it comes back and catches up. */
export async function payWhileDead(stage: Stage): Promise<Outage> {
  const { tell, network, people } = stage;
  const victim = banksOf(network.nodes()).at(-1);
  const helper = banksOf(network.nodes()).at(0)?.participant;
  assert(victim !== undefined && helper !== undefined, 'the demo has banks');
  const bank = victim.participant;
  tell.chapter(`${victim.name} dies in the middle: kill -9 ${victim.pid}`);
  // Whose bank is dead pays through another one: the signature is the wallet's own.
  const viaOf = (payer: Person) => (payer.bank === bank ? helper : payer.bank);
  const payRound = async (): Promise<Payments> => {
    const paid: Paid[] = [];
    for (let i = 0; i < ROUND; i++) {
      const { payer, payee } = pairOf(people, i);
      paid.push(await payByPhone(stage, payer, payee, sumOf(i), viaOf(payer)));
    }
    return resultOf(stage, paid);
  };
  const { latency: healthy } = await payRound();
  tell.line(`${ROUND} payments before:  ${describeLatency(healthy)}.`);
  const lastHeight = await levelHeight(stage);
  await network.kill(bank, 'SIGKILL');
  const result = await payRound();
  const ratio = result.latency.medianMs / healthy.medianMs;
  tell.line(`${ROUND} payments without: ${describeLatency(result.latency)}, signed by ${describeSignatures(result)}.`);
  tell.line(`That is ${ratio.toFixed(1)} times the median. Its customers are paid as ever, and pay through ${helper}.`);
  return { ...result, bank, healthy, ratio, ...(await revive(stage, bank, lastHeight)) };
}

async function revive(
  stage: Stage,
  bank: ParticipantId,
  lastHeight: number,
): Promise<Pick<Outage, 'missedBlocks' | 'caughtUpMs'>> {
  const { tell, network } = stage;
  const startMs = performance.now();
  await network.start(bank);
  const readyMs = performance.now() - startMs;
  const others = network.nodes().filter((node) => node.participant !== bank);
  const seen = new Set<string>();
  const height = await until(stage, `${bank} does not catch up`, async () => {
    const own = await clientOf(stage, bank).status();
    const rest = await Promise.all(others.map(({ participant }) => clientOf(stage, participant).status()));
    const highest = Math.max(...rest.map((status) => status.height));
    seen.add(`${own.height} of ${highest}`);
    return own.height === highest ? highest : null;
  });
  const caughtUpMs = performance.now() - startMs;
  const steps = [...seen];
  const shown = steps.length > MAX_STEPS ? [...steps.slice(0, MAX_STEPS - 1), '…', ...steps.slice(-1)] : steps;
  tell.line(`Started again, it is ready after ${seconds(readyMs)} and catches up: block ${shown.join(', ')}.`);
  return { missedBlocks: height - lastHeight, caughtUpMs };
}

const MAX_STEPS = 5;

async function payAndTell(stage: Stage, payer: Person, payee: Person, sum: Sum): Promise<Paid> {
  const { tell, network } = stage;
  const paid = await payByPhone(stage, payer, payee, sum);
  const [value, currency] = sum;
  const who = `${payer.name} pays ${payee.name} at ${payee.phone}`.padEnd(38);
  const what = describeAmount({ value, currency }).padEnd(12);
  const signed = `signed by ${paid.signatures} of ${network.nodes().length}`;
  tell.line(`${who}${what}${ms(paid.tookMs).padStart(7)}  ${signed}`);
  return paid;
}

interface Sent {
  readonly transaction: Transaction;
  readonly via: ParticipantId;
}

/** Small sums, spread over all people and all nodes. Numbers are resolved once a pair, as a phone would remember them. */
async function signMany(stage: Stage, nodes: readonly ParticipantId[]): Promise<readonly Sent[]> {
  const { people, terms, random } = stage;
  const payees = await Promise.all(
    people.map(async (person) => resolvePayee(clientOf(stage, person.bank), person.phone)),
  );
  return Array.from({ length: AT_ONCE }, (_, i): Sent => {
    const { payer, payee } = pairOf(people, i);
    const to = payees[people.indexOf(payee)];
    const via = nodes[i % nodes.length];
    assert(to !== undefined && via !== undefined, 'everybody on stage has a number, and the network nodes');
    const amount = i % 2 === 0 ? readAmount(terms, '100', 'KHR') : readAmount(terms, '0.05', 'USD');
    return { transaction: signPayment(terms, payer.wallet, { payee: to, amount, memo: '' }, newNonce(random)), via };
  });
}

/** Ids of the transactions above height `from` up to `to`. */
async function idsOf(client: Client, from: number, to: number): Promise<string[]> {
  const heights = Array.from({ length: to - from }, (_, i) => from + 1 + i);
  const blocks = await Promise.all(heights.map((height) => client.block(height)));
  return blocks.flatMap((block) => block.transactions.map(({ id }) => id));
}

async function levelHeight(stage: Stage): Promise<number> {
  const [first] = await untilLevel(stage);
  assert(first !== undefined, 'a network has nodes');
  return first.height;
}

function resultOf({ network }: Stage, paid: readonly Paid[]): Payments {
  const signatures = paid.map((payment) => payment.signatures);
  return {
    latency: latencyOf(paid.map((payment) => payment.tookMs)),
    signatures: { fewest: Math.min(...signatures), most: Math.max(...signatures) },
    validators: network.nodes().length,
  };
}

/** `3 of 4`, or `3 or 4 of 4`. */
export function describeSignatures({ signatures: { fewest, most }, validators }: Payments): string {
  return fewest === most ? `${fewest} of ${validators}` : `${fewest} to ${most} of ${validators}`;
}

/** The next payer in turn, and somebody at another bank: two at each bank stand side by side. */
function pairOf(people: readonly Person[], turn: number): { payer: Person; payee: Person } {
  const distance = 2 + ((turn + Math.floor(turn / people.length)) % (people.length - 3));
  const payer = people[turn % people.length];
  const payee = people[(turn + distance) % people.length];
  assert(payer !== undefined && payee !== undefined && payer.bank !== payee.bank, 'a payment crosses banks');
  return { payer, payee };
}

function sumOf(turn: number): Sum {
  const sum = SUMS[(turn + Math.floor(turn / SUMS.length)) % SUMS.length];
  assert(sum !== undefined, 'there are sums to pay');
  return sum;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((entry, i) => entry === b[i]);
}
