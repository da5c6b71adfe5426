/** `tonle up` from outside: it makes a network, keeps it, and leaves no process behind. */
import path from 'node:path';
import { test } from 'tap';
import { createClient } from '../api/client.ts';
import type { WalletRow } from './dev-wallets.ts';
import { type LocalNode, readLocalNetwork } from './local-network.ts';
import { isAlive, Tonle, tonle, until } from './processes.suite.ts';
import { systemClock, systemRandom } from './system.ts';
import { newNonce, readAmount, readTerms, resolvePayee, signPayment, submit } from './wallet.ts';
import { findWallet, unlockWallet } from './wallet-files.ts';

interface UpDocument {
  readonly ready: true;
  readonly chainId: string;
  readonly nodes: readonly LocalNode[];
  readonly wallets: readonly WalletRow[];
}

const pidsOf = (nodes: readonly LocalNode[]) => nodes.map((node) => node.pid ?? 0);
const balancesOf = (wallets: readonly WalletRow[]) =>
  wallets.map(({ name, balances }) => [name, ...balances.map(({ currency, value }) => `${value} ${currency}`)]);

test('`tonle up` makes a network with wallets, stops it, and resumes it with the same balances', async (t) => {
  const data = path.join(t.testdir(), 'net');
  const up = (...more: string[]) => {
    const process = new Tonle(['up', '--json', '--data', data, ...more]);
    t.teardown(() => process.kill('SIGKILL'));
    return process;
  };

  const first = up('--port', '0');
  const made = await first.firstDocument<UpDocument>();
  t.match(made, { ready: true, nodes: { length: 4 }, wallets: { length: 6 } });
  t.ok(made.wallets.every(({ phone }) => /^\+8551200000\d$/.test(phone ?? '')));
  t.strictSame(balancesOf(made.wallets)[0], ['dara', '4000000 KHR', '1000.00 USD']);

  const payer = createClient(made.nodes[1]!.apiUrl);
  const terms = await readTerms(payer, systemClock);
  const dara = await unlockWallet(await findWallet(data, 'dara'), () => Promise.reject(new Error('encrypted')));
  const payee = await resolvePayee(payer, made.wallets[5]!.phone ?? '');
  const payment = { payee, amount: readAmount(terms, '5000', 'KHR'), memo: '' };
  await submit(payer, signPayment(terms, dara, payment, newNonce(systemRandom)));

  const second = await tonle(['up', '--json', '--data', data]);
  t.equal(second.code, 13, second.stdout);
  t.match(JSON.parse(second.stdout), { error: { code: 'FOLDER_IN_USE' } });

  first.kill('SIGTERM');
  t.match(await first.ended, { code: 0, signal: null });
  t.strictSame(pidsOf(made.nodes).filter(isAlive), [], 'no process is left');
  t.ok((await readLocalNetwork(data)).nodes.every(({ pid }) => pid === null));

  const again = up();
  const resumed = await again.firstDocument<UpDocument>();
  t.equal(resumed.chainId, made.chainId);
  t.strictSame(
    resumed.nodes.map(({ apiUrl }) => apiUrl),
    made.nodes.map(({ apiUrl }) => apiUrl),
    'at the same addresses',
  );
  const paid = balancesOf(made.wallets).map(([name, riel, dollars]) => {
    if (name === 'dara') return [name, '3995000 KHR', dollars];
    return name === 'rithy' ? [name, '4005000 KHR', dollars] : [name, riel, dollars];
  });
  t.strictSame(balancesOf(resumed.wallets), paid);

  again.kill('SIGKILL');
  await again.ended;
  await until('nodes end when their parent is gone', () => pidsOf(resumed.nodes).filter(isAlive).length === 0);
});
