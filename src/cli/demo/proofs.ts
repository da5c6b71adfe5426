/** The last chapters: what the network refuses, what the books say, and a receipt that convinces when all nodes are gone. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createClient } from '../../api/client.ts';
import type { CurrencySupplyJson } from '../../api/types.ts';
import { withThousands } from '../../codec/amount.ts';
import { parseGenesis } from '../../codec/genesis-json.ts';
import { transactionId } from '../../crypto/ids.ts';
import { assert, CodedError } from '../../errors.ts';
import type { ParticipantId, Transaction } from '../../types/index.ts';
import { describeAmount, shortHash } from '../describe.ts';
import { homePaths } from '../home.ts';
import { describeReceipt, isConvincing, saveReceipt, verifyReceipt } from '../receipts.ts';
import { type Final, issue, newNonce, readAmount, redeem, resolvePayee, signPayment, submit } from '../wallet.ts';
import { banksOf, clientOf, payByPhone, promised, type Stage, type Sum, signFor, untilLevel } from './stage.ts';

export interface Refusal {
  readonly what: string;
  readonly code: string;
}

export interface Audit {
  readonly height: number;
  readonly blockHash: string;
  readonly writesRoot: string;
  readonly supply: readonly CurrencySupplyJson[];
}

export interface KeptReceipt {
  readonly id: string;
  readonly signers: readonly string[];
  /** Copies with one byte changed: all were refused. */
  readonly forgeries: number;
}

const REDEEMED: Sum = ['5000.00', 'USD'];
const FORGERIES = 100;

/** Bad requests, each with the code it is refused by; and one that is good, twice. */
export async function refuse(stage: Stage): Promise<readonly Refusal[]> {
  const { tell } = stage;
  tell.chapter('What the network refuses');
  const refusals: Refusal[] = [];
  for (const { what, code, attempt } of attempts(stage)) {
    const said = await codeOf(attempt);
    promised(said === code, `${what}: answered ${said}, not ${code}`);
    refusals.push({ what, code });
  }
  tell.table(refusals, [
    { title: 'Attempt', value: (row) => row.what },
    { title: 'Answer', value: (row) => row.code },
  ]);
  await payTwice(stage);
  return refusals;
}

interface Attempt {
  readonly what: string;
  readonly code: string;
  readonly attempt: () => Promise<unknown>;
}

function attempts(stage: Stage): readonly Attempt[] {
  const { people, terms, random, network } = stage;
  const [dara, , sophea] = people;
  const [bank] = banksOf(network.nodes());
  assert(dara !== undefined && sophea !== undefined && bank !== undefined, 'the cast is on stage');
  const client = clientOf(stage, dara.bank);
  const payFrom = async (phone: string, sum: Sum): Promise<Final> =>
    submit(client, await signFor(stage, client, dara, phone, sum));
  const stolen = async (): Promise<Final> => {
    const wallet = { account: dara.wallet.account, signer: sophea.wallet.signer };
    const payee = await resolvePayee(client, sophea.phone);
    const amount = readAmount(terms, '1', 'KHR');
    return submit(client, signPayment(terms, wallet, { payee, amount, memo: '' }, newNonce(random)));
  };
  const stranger = () => createClient(client.baseUrl, { token: '0'.repeat(64) }).operator.customers();
  const to = bank.participant;
  const mint = () => issue(client, terms, [dara.wallet.signer], { to, amount: readAmount(terms, '1', 'KHR') }, random);
  return [
    {
      what: 'Dara pays more than she has',
      code: 'INSUFFICIENT_FUNDS',
      attempt: () => payFrom(sophea.phone, ['9999.00', 'USD']),
    },
    {
      what: 'to a number that nobody has bound',
      code: 'ALIAS_NOT_FOUND',
      attempt: () => payFrom('012 999 999', ['1', 'KHR']),
    },
    { what: 'to a number that cannot exist', code: 'PHONE_MALFORMED', attempt: () => payFrom('012 34', ['1', 'KHR']) },
    { what: 'half a riel', code: 'AMOUNT_TOO_PRECISE', attempt: () => payFrom(sophea.phone, ['0.5', 'KHR']) },
    { what: "Sophea signs for Dara's account", code: 'ACCOUNT_SIGNATURE_MISSING', attempt: stolen },
    { what: 'Dara issues money', code: 'OFFICER_QUORUM_MISSING', attempt: mint },
    { what: "a stranger asks the bank's own desk", code: 'TOKEN_WRONG', attempt: stranger },
  ];
}

/** The same transaction again, through another bank: no second payment, the same receipt. */
async function payTwice(stage: Stage): Promise<void> {
  const { tell, people, network } = stage;
  const [dara, , sophea] = people;
  const other = banksOf(network.nodes()).at(-1)?.participant;
  assert(dara !== undefined && sophea !== undefined && other !== undefined, 'the cast is on stage');
  const { transaction, final } = await payByPhone(stage, dara, sophea, ['7000', 'KHR']);
  await untilLevel(stage);
  const before = await balancesOf(stage, dara);
  const again = await submit(clientOf(stage, other), transaction);
  const sameReceipt = JSON.stringify(again.receipt) === JSON.stringify(final.receipt);
  promised(sameReceipt && (await balancesOf(stage, dara)) === before, 'the same transaction paid twice');
  const { height } = final.receipt;
  tell.line(`The same payment sent again, through ${other}: no second one, but the same receipt of block ${height}.`);
}

async function balancesOf(stage: Stage, { wallet, bank }: Stage['people'][number]): Promise<string> {
  const { balances } = await clientOf(stage, bank).account(wallet.account, { limit: 1 });
  return balances.map(describeAmount).join(', ');
}

/** A bank gives money back; then the books of every node are held against each other, and against themselves. */
export async function audit(stage: Stage): Promise<Audit> {
  const { tell, network, desks, terms, officers } = stage;
  tell.chapter('The books');
  const [bank] = banksOf(network.nodes());
  const desk = bank === undefined ? undefined : desks.get(bank.participant);
  assert(bank !== undefined && desk !== undefined, "the demo has every bank's desk");
  const [value, currency] = REDEEMED;
  await redeem(desk, terms, officers, { from: bank.participant, amount: readAmount(terms, value, currency) });
  tell.line(`${bank.name} hands ${describeAmount({ value, currency })} back to the central bank, which destroys it.`);
  const books = await readBooks(stage);
  tell.line();
  tell.table(books, [
    { title: 'Node', value: (row) => row.participant },
    { title: 'Height', align: 'right', value: (row) => String(row.height) },
    { title: 'Block hash', value: (row) => shortHash(row.blockHash) },
    { title: 'Writes root', value: (row) => shortHash(row.writesRoot) },
  ]);
  const [first] = books;
  assert(first !== undefined, 'a network has nodes');
  for (const book of books) {
    const isSame = JSON.stringify({ ...book, participant: '' }) === JSON.stringify({ ...first, participant: '' });
    promised(isSame, `the books of ${book.participant} differ from those of ${first.participant}`);
  }
  for (const row of first.supply) {
    const minted = BigInt(row.issued.minor) - BigInt(row.redeemed.minor);
    const isConserved = minted === BigInt(row.circulating.minor) && row.balances?.minor === row.circulating.minor;
    promised(isConserved, `${row.currency}: issued less redeemed is not the sum of all balances`);
  }
  tell.line();
  tell.table(first.supply, [
    { title: 'Currency', value: (row) => row.currency },
    { title: 'Issued', align: 'right', value: (row) => withThousands(row.issued.value) },
    { title: '- redeemed', align: 'right', value: (row) => withThousands(row.redeemed.value) },
    { title: '= circulating', align: 'right', value: (row) => withThousands(row.circulating.value) },
    { title: '= sum of all balances', align: 'right', value: (row) => withThousands(row.balances?.value ?? '') },
  ]);
  const { height, blockHash, writesRoot, supply } = first;
  return { height, blockHash, writesRoot, supply };
}

interface Book extends Audit {
  readonly participant: string;
}

async function readBooks(stage: Stage): Promise<readonly Book[]> {
  await untilLevel(stage);
  return Promise.all(
    stage.network.nodes().map(async ({ participant }): Promise<Book> => {
      const client = clientOf(stage, participant);
      const { height, hash, header } = await client.block('latest', { limit: 0 });
      const { supply } = await client.supply({ audit: true });
      return { participant, height, blockHash: hash, writesRoot: header.writesRoot, supply };
    }),
  );
}

/** Keeps a receipt, stops every node, and verifies it with the genesis alone; then with one byte changed. */
export async function keepReceipt(stage: Stage): Promise<KeptReceipt> {
  const { tell, people, network } = stage;
  const [dara, , sophea] = people;
  const [node] = network.nodes();
  assert(dara !== undefined && sophea !== undefined && node !== undefined, 'the cast is on stage');
  tell.chapter('A receipt that needs no network');
  const { transaction } = await payByPhone(stage, dara, sophea, ['4.20', 'USD']);
  const file = path.join(network.data, 'receipt.json');
  await keep(stage, dara.bank, transaction, file);
  await network.stop();
  tell.line('All nodes are stopped. What is left: the receipt, and the genesis that everybody has.');
  const genesis = parseGenesis(await readFile(homePaths(node.home).genesis, 'utf8'));
  const text = await readFile(file, 'utf8');
  const verified = verifyReceipt(genesis, text);
  tell.line(describeReceipt(verified));
  for (let i = 0; i < FORGERIES; i++) {
    const place = Math.floor((i * text.length) / FORGERIES);
    promised(!isConvincing(genesis, changedAt(text, place)), `a receipt with byte ${place} changed was accepted`);
  }
  tell.line(`${FORGERIES} copies with one byte changed: all refused.`);
  return { id: verified.id, signers: verified.signers, forgeries: FORGERIES };
}

async function keep(stage: Stage, bank: ParticipantId, { body }: Transaction, file: string): Promise<void> {
  const { proof } = await clientOf(stage, bank).transaction(transactionId(body));
  promised(proof !== null, 'a payment that is final has no receipt');
  await saveReceipt(file, proof ?? '');
}

/** Another digit or letter in that place: hexadecimal stays hexadecimal. */
function changedAt(text: string, place: number): string {
  const other = text[place] === '0' ? '1' : '0';
  return text.slice(0, place) + other + text.slice(place + 1);
}

async function codeOf(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
    return 'yes';
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}
