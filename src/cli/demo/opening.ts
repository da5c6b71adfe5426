/** The first chapters: four processes become a network, people open wallets, and money comes into the world. */
import type { Client } from '../../api/client.ts';
import { settlementAccount } from '../../codec/text.ts';
import { assert } from '../../errors.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { CliContext } from '../context.ts';
import { describeAmount } from '../describe.ts';
import { Nodes } from '../nodes.ts';
import type { LocalNetworkHandle } from '../start-local-network.ts';
import { bindAlias, fund, issue, LOCAL_TIER, openWallet, readAmount, readTerms, type Terms } from '../wallet.ts';
import { createWallet } from '../wallet-files.ts';
import { seconds } from './latency.ts';
import type { Narrator } from './narrator.ts';
import { banksOf, clientOf, type Person, type Stage, type Sum } from './stage.ts';

/** Two at each bank. The numbers are in the form that people in Cambodia write and say. */
const CAST = [
  { name: 'Dara', phone: '012 345 601' },
  { name: 'Kanha', phone: '012 345 602' },
  { name: 'Sophea', phone: '012 345 603' },
  { name: 'Rithy', phone: '012 345 604' },
  { name: 'Bopha', phone: '012 345 605' },
  { name: 'Vannak', phone: '012 345 606' },
] as const;

/** What the central bank issues to each bank, and what each bank pays into each wallet. */
const ISSUED: readonly Sum[] = [
  ['100000000', 'KHR'],
  ['25000.00', 'USD'],
];
const FUNDED: readonly Sum[] = [
  ['2000000', 'KHR'],
  ['500.00', 'USD'],
];

/** Everything on stage, and everybody with money. */
export async function open(network: LocalNetworkHandle, tell: Narrator, cli: CliContext): Promise<Stage> {
  const { clock, random } = cli;
  const nodes = await Nodes.of({ ...cli, data: network.data, url: null });
  const centralBank = nodes.centralBank;
  assert(centralBank !== undefined, 'a network has a central bank');
  const terms = await readTerms(clientOf({ network }, centralBank), clock);
  const banks = banksOf(network.nodes()).map((node) => node.participant);
  const desks = new Map<ParticipantId, Client>();
  for (const bank of banks) desks.set(bank, await nodes.desk(bank, {}, {}));
  const officers = await nodes.officers([], cli.io);
  const people = await openWallets(network, banks, desks, terms, cli);
  const stage: Stage = { network, tell, clock, random, terms, desks, officers, people };
  introduce(stage);
  await bringMoney(stage, centralBank);
  return stage;
}

export function introduceNetwork(tell: Narrator, network: LocalNetworkHandle, tookMs: number): void {
  tell.chapter('Four institutions, four processes, one ledger');
  tell.table(network.nodes(), [
    { title: 'Node', value: (node) => node.participant },
    { title: 'Institution', value: (node) => node.name },
    { title: 'Process', align: 'right', value: (node) => String(node.pid) },
    { title: 'API', value: (node) => node.apiUrl },
  ]);
  tell.line(`Up and connected to each other in ${seconds(tookMs)}. Any 3 of the 4 make a payment final.`);
}

function openWallets(
  { data }: LocalNetworkHandle,
  banks: readonly ParticipantId[],
  desks: Stage['desks'],
  terms: Terms,
  { random }: CliContext,
): Promise<readonly Person[]> {
  const opened = CAST.map(async ({ name, phone }, i): Promise<Person> => {
    const bank = banks[Math.floor(i / 2) % banks.length];
    assert(bank !== undefined, 'the demo has banks');
    const desk = desks.get(bank);
    assert(desk !== undefined, "the demo has every bank's desk");
    const wallet = await createWallet(data, { name: name.toLowerCase(), bank, password: null }, random);
    await openWallet(desk, wallet, { displayName: name, tier: LOCAL_TIER });
    await bindAlias(desk, terms, wallet, phone, random);
    return { name, bank, phone, wallet };
  });
  return Promise.all(opened);
}

function introduce({ tell, people }: Stage): void {
  tell.chapter('People open wallets and bind their phone numbers');
  tell.table(people, [
    { title: 'Who', value: (person) => person.name },
    { title: 'Account', value: (person) => person.wallet.account },
    { title: 'Phone', value: (person) => person.phone },
  ]);
  tell.line('Each key stays with its owner; each bank attested the number. The ledger holds neither name nor number.');
}

async function bringMoney(stage: Stage, centralBank: ParticipantId): Promise<void> {
  const { tell, terms, officers, desks, people, random } = stage;
  const client = clientOf(stage, centralBank);
  tell.chapter('The central bank issues money, the banks hand it on');
  for (const sum of ISSUED) {
    const issued = [...desks.keys()].map((to) =>
      issue(client, terms, officers, { to, amount: readAmount(terms, ...sum) }, random),
    );
    await Promise.all(issued);
    tell.line(`${centralBank} issues ${said(sum)} to each of ${[...desks.keys()].map(settlementAccount).join(', ')}`);
  }
  for (const sum of FUNDED) {
    const funded = people.map(({ bank, wallet }) => {
      const desk = desks.get(bank);
      assert(desk !== undefined, "the demo has every bank's desk");
      return fund(desk, terms, wallet.account, readAmount(terms, ...sum));
    });
    await Promise.all(funded);
    tell.line(`each bank pays ${said(sum)} into each of its customers' wallets`);
  }
}

function said([value, currency]: Sum): string {
  return describeAmount({ value, currency });
}
