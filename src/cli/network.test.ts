/**
 * The promises of the whole, kept by four real processes that talk over TCP and write to disk: a first payment by hand,
 * three hundred at once, a dead bank, the death of all, and receipts that convince when nothing runs any more.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import tap, { type Test, test } from 'tap';
import { type Client, createClient } from '../api/client.ts';
import { ApiError } from '../api/client-errors.ts';
import type { StatusJson } from '../api/types.ts';
import { parseGenesis } from '../codec/genesis-json.ts';
import { transactionId } from '../crypto/ids.ts';
import type { Genesis, ParticipantId, TransactionId } from '../types/index.ts';
import { exitCode } from './exit-codes.ts';
import { homePaths } from './home.ts';
import { plainEnv, until } from './processes.suite.ts';
import { isConvincing } from './receipts.ts';
import { ask, run } from './run-cli.suite.ts';
import { type LocalNetworkHandle, startLocalNetwork } from './start-local-network.ts';
import { systemClock, systemRandom } from './system.ts';
import {
  newNonce,
  type Payee,
  readAmount,
  readTerms,
  resolvePayee,
  signPayment,
  submit,
  type Terms,
} from './wallet.ts';
import { findWallet, unlockWallet, type Wallet } from './wallet-files.ts';

/** What every check plays with. */
interface Town {
  readonly network: LocalNetworkHandle;
  readonly data: string;
  readonly terms: Terms;
  readonly wallets: readonly (Wallet & Payee)[];
}

const PEOPLE = [
  { name: 'dara', bank: 'aclb', phone: '012 700 001' },
  { name: 'sophea', bank: 'cnb', phone: '012 700 002' },
  { name: 'bopha', bank: 'wing', phone: '012 700 003' },
] as const;

interface PaidJson {
  readonly id: string;
  readonly to: string;
  readonly finalityMs: number;
  readonly signers: readonly string[];
  readonly validators: number;
  readonly receipt: { readonly height: number };
}

// Some 40 s on two idle cores; the whole suite shares them.
tap.setTimeout(240_000);

test('a local network keeps its promises', async (t) => {
  const data = path.join(t.testdir(), 'net');
  const network = await startLocalNetwork({
    data,
    participants: 4,
    port: 0,
    reset: false,
    logLevel: 'info',
    env: plainEnv,
    clock: systemClock,
    random: systemRandom,
  });
  t.teardown(() => network.stop());
  const tonle = (...argv: string[]) => run(['--data', data, ...argv]);
  const told = <T>(...argv: string[]) => ask<T>(['--data', data, ...argv]);

  await t.test('a first payment by hand', async (t) => {
    for (const { name, bank, phone } of PEOPLE) {
      t.match(await tonle('wallet', 'create', name, '--bank', bank, '--phone', phone), { code: 0, stderr: '' });
      t.match(await tonle('issue', bank, '10000000', 'KHR'), { code: 0 });
      t.match(await tonle('issue', bank, '5000.00', 'USD'), { code: 0 });
      t.match(await tonle('fund', name, '1000000', 'KHR'), { code: 0 });
      t.match(await tonle('fund', name, '500', 'USD'), { code: 0 });
    }
    const receipt = path.join(data, 'first.receipt');
    const human = await tonle(
      'pay',
      '012700002',
      '5000',
      'KHR',
      '--from',
      'dara',
      '--memo',
      'rice',
      '--receipt',
      receipt,
    );
    t.equal(human.code, 0);
    t.equal(human.stderr, 'paying KHR 5,000 to sophea@cnb (+85512700002) from dara@aclb\n');
    t.match(human.stdout, /^final in \d+ ms, block \d+, [34] of 4 signatures, id [0-9a-f]{64}\nreceipt in /);
    const paid = await told<PaidJson>('pay', 'bopha@wing', '1.25', 'USD', '--from', 'dara');
    t.match(paid, { to: 'bopha@wing', validators: 4 });
    t.ok(paid.signers.length >= 3, 'a certificate has at least 3 of 4 signatures');
    await level(network);
    t.match((await tonle('balance', 'dara')).stdout, /dara@aclb {2}995,000 {2}498\.75/);
    t.match((await tonle('balance', 'sophea@cnb')).stdout, /1,005,000 {2}500\.00/);
    t.match((await tonle('balance')).stdout, /bopha {3}bopha@wing {2}\+85512700003 {2}1,000,000 {2}501\.25/);
    t.match((await tonle('wallet', 'list')).stdout, /dara@aclb[\s\S]*sophea@cnb/);
    t.match((await tonle('wallet', 'show', 'dara')).stdout, /- KHR 5,000 to sophea@cnb, «rice»/);
    t.match((await tonle('tx', paid.id)).stdout, /^final: Done\.\n {2}pay USD 1\.25 from dara@aclb to bopha@wing\n/);
    t.match(await tonle('receipt', 'verify', receipt), { code: 0, stdout: /^Valid: this is final/ });
    const supply = (await tonle('supply', '--audit')).stdout.split('\n').map((line) => line.split(/ {2,}/));
    t.strictSame(supply[1], ['KHR', '30,000,000', '0', '30,000,000', '30,000,000']);
    t.match((await tonle('status')).stdout, /nbc[\s\S]*aclb[\s\S]*cnb[\s\S]*wing/);
  });

  await t.test('what is asked for wrongly changes nothing and says so', async (t) => {
    const before = await told<object>('balance', 'dara');
    const zeros = '0'.repeat(64);
    const cases: readonly (readonly [argv: string, code: string, exit: Parameters<typeof exitCode>[0]])[] = [
      ['pay 012700002 999999999 KHR --from dara', 'INSUFFICIENT_FUNDS', 'REFUSED'],
      ['pay 012700002 0 KHR --from dara', 'AMOUNT_ZERO', 'REFUSED'],
      ['pay 012700002 1 EUR --from dara', 'CURRENCY_UNKNOWN', 'REFUSED'],
      ['pay 012700001 1 KHR --from dara', 'SAME_ACCOUNT', 'REFUSED'],
      ['pay nobody@cnb 1 KHR --from dara', 'PAYEE_NOT_FOUND', 'REFUSED'],
      ['pay 012999999 1 KHR --from dara', 'ALIAS_NOT_FOUND', 'REFUSED'],
      ['pay 012700002 1.5 KHR --from dara', 'AMOUNT_TOO_PRECISE', 'USAGE'],
      ['pay 012700002 1,5 USD --from dara', 'AMOUNT_MALFORMED', 'USAGE'],
      ['pay 012 1 USD --from dara', 'PHONE_MALFORMED', 'USAGE'],
      ['pay sophea@ 1 USD --from dara', 'ACCOUNT_MALFORMED', 'USAGE'],
      ['pay 012700002 1 USD', 'WALLET_AMBIGUOUS', 'USAGE'],
      ['pay 012700002 1 USD --from nobody', 'WALLET_NOT_FOUND', 'USAGE'],
      ['pay 012700002 1 USD --from dara --via bank99', 'PARTICIPANT_UNKNOWN', 'REFUSED'],
      ['alias register 012700002 --wallet dara', 'ALIAS_TAKEN', 'REFUSED'],
      ['alias release 012700002 --wallet dara', 'ALIAS_NOT_YOURS', 'REFUSED'],
      ['wallet create dara --bank aclb', 'WALLET_EXISTS', 'REFUSED'],
      ['wallet create settlement --bank aclb', 'ACCOUNT_RESERVED', 'REFUSED'],
      ['wallet create rithy --bank bank99', 'PARTICIPANT_UNKNOWN', 'REFUSED'],
      ['redeem aclb 999999999 KHR', 'INSUFFICIENT_FUNDS', 'REFUSED'],
      [`tx ${zeros}`, 'TRANSACTION_NOT_FOUND', 'REFUSED'],
      ['balance nobody@cnb', 'ACCOUNT_NOT_FOUND', 'REFUSED'],
    ];
    for (const [argv, code, exit] of cases) {
      const { stderr, ...ran } = await tonle(...argv.split(' '));
      t.strictSame(ran, { code: exitCode(exit), stdout: '' }, argv);
      t.match(stderr.trimEnd().split('\n').at(-1), new RegExp(`^tonle: .+ \\(${code}\\)$`), argv);
    }
    const token = await tonle('fund', 'dara', '1', 'KHR', '--token', zeros);
    t.match(token, { code: exitCode('REFUSED'), stderr: /\(TOKEN_WRONG\)\n$/ });
    t.strictSame(await told<object>('balance', 'dara'), before);
    const wallets = (await told<{ wallets: { wallet: string }[] }>('wallet', 'list')).wallets;
    t.strictSame(
      wallets.map(({ wallet }) => wallet),
      ['bopha', 'dara', 'sophea'],
      'a refused account leaves no key behind',
    );
  });

  await t.test('a reference pays once, however often the script runs', async (t) => {
    const pay = (...more: string[]) => [
      'pay',
      '012700002',
      '70',
      'KHR',
      '--from',
      'dara',
      '--reference',
      'invoice 7',
      ...more,
    ];
    const first = await told<PaidJson>(...pay());
    t.equal((await told<PaidJson>(...pay())).id, first.id);
    t.equal((await told<PaidJson>(...pay('--via', 'cnb'))).id, first.id, 'through another bank too');
    const other = await tonle('pay', '012700002', '71', 'KHR', '--from', 'dara', '--reference', 'invoice 7');
    t.match(other, { code: exitCode('REFUSED'), stderr: /\(REFERENCE_REUSED\)/ });
    await level(network);
    t.match((await tonle('balance', 'sophea')).stdout, /1,005,070/);
  });

  await t.test('a number that is bound anew does not redirect a payment under way', async (t) => {
    const town = await townOf(network, data);
    const [dara] = town.wallets;
    const client = clientOf(network, 'aclb');
    const payee = await resolvePayee(client, '012 700 003');
    t.equal(payee.account, 'bopha@wing');
    t.match(await tonle('alias', 'release', '012700003', '--wallet', 'bopha'), { code: 0 });
    // Another node is asked, and it may be some milliseconds behind.
    await level(network);
    t.match(await tonle('alias', 'resolve', '012700003'), { code: exitCode('REFUSED'), stderr: /ALIAS_NOT_FOUND/ });
    t.match(await tonle('alias', 'register', '012700003', '--wallet', 'sophea'), { code: 0 });
    await level(network);
    t.match(await tonle('alias', 'resolve', '012700003'), { code: 0, stdout: '+85512700003 is sophea@cnb\n' });
    const amount = readAmount(town.terms, '1', 'KHR');
    const stale = signPayment(town.terms, dara!, { payee, amount, memo: '' }, newNonce(systemRandom));
    await t.rejects(submit(client, stale), { code: 'ALIAS_STALE' });
    t.match(await tonle('alias', 'release', '012700003', '--wallet', 'sophea'), { code: 0 });
    t.match(await tonle('alias', 'register', '012700003', '--wallet', 'bopha'), { code: 0 });
  });

  await t.test('a number is claimed, and its holder and the bank of the holder object', async (t) => {
    const claimed = await tonle('alias', 'claim', '012700003', '--wallet', 'sophea');
    t.match(claimed, { code: 0, stdout: /^\+85512700003 is claimed for sophea@cnb: final in block \d+/ });
    t.match(claimed.stdout, /sophea@cnb claims it: it may be registered from \d{4}-/);
    await level(network);
    t.match(
      (await tonle('alias', 'resolve', '012700003')).stdout,
      /^\+85512700003 is bopha@wing\nsophea@cnb claims it/,
    );
    const register = ['alias', 'register', '012700003', '--wallet', 'sophea'];
    t.match(await tonle(...register), { code: exitCode('REFUSED'), stderr: /CLAIM_NOT_DUE/ });
    const reject = (...argv: string[]) => tonle('alias', 'reject', '012700003', ...argv);
    t.match(await reject('--account', 'sophea@cnb'), { code: exitCode('REFUSED'), stderr: /ALIAS_NOT_YOURS/ });
    t.match(await reject('--wallet', 'bopha'), { code: 0, stdout: /^\+85512700003 stays with bopha@wing: final/ });
    t.match(await tonle(...register), { code: exitCode('REFUSED'), stderr: /ALIAS_TAKEN/ });
    t.match(await tonle('alias', 'claim', '012700003', '--wallet', 'sophea'), { code: 0 });
    await level(network);
    t.match(await reject('--account', 'bopha@wing'), { code: 0, stdout: /stays with bopha@wing/ });
  });

  await t.test('a tier bounds what goes out in a day', async (t) => {
    t.match(
      (await tonle('wallet', 'show', 'sophea')).stdout,
      / tier {8}full; today KHR [\d,]+, USD [\d,.]+ may still go out/,
    );
    t.match(await tonle('wallet', 'tier', 'sophea', 'basic'), {
      code: 0,
      stdout: /^sophea@cnb has the tier basic: final/,
    });
    const pay = (value: string) => tonle('pay', 'dara@aclb', value, 'USD', '--from', 'sophea');
    t.match(await tonle('fund', 'sophea', '100', 'USD'), { code: 0 });
    t.match(await pay('500.01'), { code: exitCode('REFUSED'), stderr: /DAILY_LIMIT/ });
    t.match(
      (await tonle('balance', 'sophea')).stdout,
      /\n\ntier basic; today KHR [\d,]+, USD [\d,.]+ may still go out\n$/,
    );
    t.match(await tonle('wallet', 'tier', 'sophea', 'gold'), { code: exitCode('REFUSED'), stderr: /TIER_UNKNOWN/ });
    t.match(await tonle('wallet', 'tier', 'sophea', 'full'), { code: 0 });
  });

  await t.test('300 payments through all four nodes at once: all final, each exactly once', async (t) => {
    await threeHundred(t, await townOf(network, data));
  });

  await t.test('a dead bank: its customers are told how to pay without it', async (t) => {
    await network.kill('wing' as ParticipantId, 'SIGKILL');
    const alone = await tonle('pay', '012700001', '10', 'KHR', '--from', 'bopha');
    t.match(alone, { code: exitCode('UNREACHABLE'), stdout: '' });
    t.match(alone.stderr, /wing does not answer; nothing was sent\. .*--via nbc or --via aclb or --via cnb/);
    const paid = await told<PaidJson>('pay', '012700001', '10', 'KHR', '--from', 'bopha', '--via', 'cnb');
    t.match((await tonle('status')).stdout, /wing +- +- +does not answer/);
    t.match(await tonle('balance', 'bopha'), { code: 0 }, 'another node answers for it');
    await network.start('wing' as ParticipantId);
    await level(network);
    t.equal((await clientOf(network, 'wing').transaction(paid.id)).state, 'final', 'it caught up');
  });

  await t.test('kill -9 of all four under load: what was answered as final is on every chain', async (t) => {
    await killAll(t, await townOf(network, data));
  });

  const kept = path.join(data, 'kept.receipt');
  await t.test('a receipt is kept, and money given back', async (t) => {
    t.match(await tonle('redeem', 'aclb', '1000', 'KHR'), { code: 0, stdout: /^redeemed KHR 1,000 of aclb: final/ });
    t.match(await tonle('pay', '012700002', '3', 'USD', '--from', 'dara', '--receipt', kept), { code: 0 });
    await assertConserved(t, network);
  });

  await network.stop();

  await t.test('with every node down a receipt convinces, and no changed byte of it does', async (t) => {
    const genesis = homePaths(network.nodes()[0]!.home).genesis;
    const verified = await tonle('receipt', 'verify', kept, '--genesis', genesis);
    t.match(verified, {
      code: 0,
      stdout: /pay USD 3\.00 from dara@aclb to sophea@cnb by phone number[\s\S]*signed by [34] of 4/,
    });
    t.match(await tonle('pay', '012700002', '3', 'USD', '--from', 'dara'), { code: exitCode('UNREACHABLE') });
    const bytes = readFileSync(kept);
    t.equal(forgeryThatConvinces(parseGenesis(readFileSync(genesis, 'utf8')), bytes), null);
    const cut = path.join(data, 'cut.receipt');
    writeFileSync(cut, bytes.subarray(0, -2));
    t.match(await tonle('receipt', 'verify', cut), { code: exitCode('NOT_VALID'), stderr: /\(NOT_VALID\)/ });
  });
});

// ---------------------------------------------------------------- three hundred at once

async function threeHundred(t: Test, { network, terms, wallets }: Town): Promise<void> {
  const nodes = network.nodes().map(({ participant }) => participant);
  const from = (await level(network)).height;
  const before = await Promise.all(wallets.map(({ account }) => minorOf(network, account)));
  const amount = readAmount(terms, '10', 'KHR');
  const sent = Array.from({ length: 300 }, (_, i) => {
    const payer = wallets[i % 3]!;
    const payee = wallets[(i + 1 + (Math.floor(i / 3) % 2)) % 3]!;
    const via = nodes[i % nodes.length]!;
    return {
      transaction: signPayment(terms, payer, { payee, amount, memo: '' }, newNonce(systemRandom)),
      via,
      payer,
      payee,
    };
  });
  const answers = await Promise.all(sent.map(({ transaction, via }) => submit(clientOf(network, via), transaction)));
  t.ok(answers.every(({ receipt }) => receipt.status.code === 0));
  const expected = sent.map(({ transaction }) => transactionId(transaction.body)).sort();
  const { height } = await level(network);
  for (const participant of nodes) {
    t.strictSame((await idsOf(clientOf(network, participant), from, height)).sort(), expected, `on ${participant}`);
  }
  const after = await Promise.all(wallets.map(({ account }) => minorOf(network, account)));
  const deltas = wallets.map(({ account }) => {
    const incoming = sent.filter(({ payee }) => payee.account === account).length;
    return BigInt(10 * (incoming - sent.filter(({ payer }) => payer.account === account).length));
  });
  t.strictSame(
    after,
    before.map((minor, i) => minor + deltas[i]!),
  );
  const historyOfDara = await allOfHistory(clientOf(network, 'aclb'), 'dara@aclb');
  const ofDara = sent.filter(({ payer, payee }) => [payer.account, payee.account].some((id) => id === 'dara@aclb'));
  for (const { transaction } of ofDara) {
    const id = transactionId(transaction.body);
    if (historyOfDara.filter((entry) => entry === id).length !== 1) t.fail(`${id} is not in the history exactly once`);
  }
  await assertConserved(t, network);
}

async function idsOf(client: Client, from: number, to: number): Promise<string[]> {
  const ids: string[] = [];
  for (let height = from + 1; height <= to; height++) {
    const { transactions } = await client.block(height);
    ids.push(...transactions.map(({ id }) => id));
  }
  return ids;
}

async function allOfHistory(client: Client, account: string): Promise<string[]> {
  const ids: string[] = [];
  let before: string | null = null;
  do {
    const { history } = await client.account(account, { limit: 100, ...(before === null ? {} : { before }) });
    ids.push(...history.entries.map(({ id }) => id));
    before = history.next;
  } while (before !== null);
  return ids;
}

// ---------------------------------------------------------------- the death of all

/** Enough to be sure that payments were in every stage of their way when the nodes died. */
const FINAL_BEFORE = 150;
const PAYERS = 12;

async function killAll(t: Test, { network, terms, wallets }: Town): Promise<void> {
  const nodes = network.nodes().map(({ participant }) => participant);
  const final: TransactionId[] = [];
  let isOver = false;
  const amount = readAmount(terms, '1', 'KHR');
  const payers = Array.from({ length: PAYERS }, async (_, i) => {
    const payer = wallets[i % 3]!;
    const payee = wallets[(i + 1) % 3]!;
    const client = clientOf(network, nodes[i % nodes.length]!);
    while (!isOver) {
      const transaction = signPayment(terms, payer, { payee, amount, memo: '' }, newNonce(systemRandom));
      try {
        const answer = await client.submit(transaction);
        if (answer.state === 'final') final.push(transactionId(transaction.body));
      } catch (error) {
        // What the dead answer: nothing. Anything else is news.
        if (!(error instanceof ApiError) || error.code !== 'NODE_UNREACHABLE') throw error;
        if (isOver) return;
      }
    }
  });
  await until('payments become final under load', () => final.length >= FINAL_BEFORE);
  await Promise.all(nodes.map((participant) => network.kill(participant, 'SIGKILL')));
  isOver = true;
  await Promise.all(payers);
  t.ok(network.nodes().every(({ pid }) => pid === null));
  t.ok(final.length >= FINAL_BEFORE);

  await Promise.all(nodes.map((participant) => network.start(participant)));
  await level(network);
  for (const participant of nodes) {
    const client = clientOf(network, participant);
    const missing: TransactionId[] = [];
    for (const id of final) if (!(await isFinal(client, id))) missing.push(id);
    t.strictSame(missing, [], `all ${final.length} are on the chain of ${participant}`);
  }
  const [payer, payee] = wallets;
  const next = signPayment(terms, payer!, { payee: payee!, amount, memo: '' }, newNonce(systemRandom));
  t.equal((await submit(clientOf(network, 'aclb'), next)).state, 'final', 'and payments go on');
  await assertConserved(t, network);
}

async function isFinal(client: Client, id: string): Promise<boolean> {
  try {
    const { state, receipt } = await client.transaction(id);
    return state === 'final' && receipt?.status.code === 0;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'TRANSACTION_NOT_FOUND') return false;
    throw error;
  }
}

// ---------------------------------------------------------------- forgeries

/** Tries other values for every byte, hexadecimal digits among them. @returns the first one that is accepted, or null. */
function forgeryThatConvinces(genesis: Genesis, receipt: Uint8Array): string | null {
  for (const [place, byte] of receipt.entries()) {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    const digits = Number.isNaN(digit) ? [] : [1, 8].map((step) => ((digit + step) % 16).toString(16).charCodeAt(0));
    for (const value of new Set([...digits, byte ^ 0x01, byte ^ 0x20, byte ^ 0x80])) {
      if (value === byte) continue;
      const forged = receipt.with(place, value);
      if (isConvincing(genesis, Buffer.from(forged).toString('utf8'))) return `byte ${place}: ${byte} -> ${value}`;
    }
  }
  return null;
}

// ---------------------------------------------------------------- the town

async function townOf(network: LocalNetworkHandle, data: string): Promise<Town> {
  const client = clientOf(network, 'aclb');
  const wallets = await Promise.all(
    PEOPLE.map(async ({ name, phone }) => {
      const wallet = await unlockWallet(await findWallet(data, name), () => Promise.reject(new Error('not encrypted')));
      return { ...wallet, ...(await resolvePayee(client, phone)) };
    }),
  );
  return { network, data, terms: await readTerms(client, systemClock), wallets };
}

function clientOf(network: LocalNetworkHandle, participant: string): Client {
  return createClient(network.nodes().find((node) => node.participant === participant)!.apiUrl);
}

async function minorOf(network: LocalNetworkHandle, account: string): Promise<bigint> {
  const { balances } = await clientOf(network, 'nbc').account(account);
  return BigInt(balances.find(({ currency }) => currency === 'KHR')!.minor);
}

/** Waits until all nodes have the same last block: what they state then is the same history. */
async function level(network: LocalNetworkHandle): Promise<StatusJson> {
  let statuses: readonly StatusJson[] = [];
  await until('all nodes have the same last block', async () => {
    statuses = await Promise.all(network.nodes().map(({ participant }) => clientOf(network, participant).status()));
    return statuses.every(({ blockHash }) => blockHash === statuses[0]!.blockHash);
  });
  return statuses[0]!;
}

/** Equal roots everywhere; and in every node's own books, issued less redeemed is the sum of all balances. */
async function assertConserved(t: Test, network: LocalNetworkHandle): Promise<void> {
  const { height } = await level(network);
  const roots = new Set<string>();
  for (const { participant } of network.nodes()) {
    const client = clientOf(network, participant);
    const { hash, header } = await client.block(height, { limit: 0 });
    roots.add(`${hash}/${header.writesRoot}/${header.receiptsRoot}`);
    for (const { currency, issued, redeemed, balances } of (await client.supply({ audit: true })).supply) {
      t.equal(BigInt(balances!.minor), BigInt(issued.minor) - BigInt(redeemed.minor), `${currency} on ${participant}`);
    }
  }
  t.equal(roots.size, 1, 'the same roots on every node');
}
