/** Many payments over one request: over real connections with the client, on a virtual network. */
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { encodeFrame } from '../codec/frames.ts';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { transactionId } from '../crypto/ids.ts';
import { Cluster } from '../testing/cluster.ts';
import { issue, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { Transaction } from '../types/index.ts';
import type { ApiError } from './client-errors.ts';
import type { ApiOptions } from './context.ts';
import { openSubmissionStream } from './stream-client.ts';
import { type TestApi, testApi } from './testing.ts';
import type { SubmissionAnswer } from './types.ts';

interface World {
  readonly cluster: Cluster;
  readonly api: TestApi;
  readonly url: string;
}

async function listening(t: Test, changes: Partial<ApiOptions> = {}): Promise<World> {
  const cluster = new Cluster();
  await cluster.startAll();
  const api = testApi(cluster, 'aclb', changes);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => {
    await api.app.close();
    await cluster.stop();
  });
  const world = { cluster, api, url: `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}` };
  const funds = transactionOf(cluster.network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1_000n)]);
  await cluster.during(cluster.get('aclb').node.submit(funds));
  await cluster.allAt(1);
  return world;
}

function opened({ cluster, url }: World) {
  const answers: SubmissionAnswer[] = [];
  let end: { readonly error: ApiError | null } | null = null;
  const sender = openSubmissionStream(url, {
    onAnswers: (more) => answers.push(...more),
    onEnd: (error) => {
      end = { error };
    },
  });
  const send = (...transactions: readonly Transaction[]) => sender.push(Buffer.concat(transactions.map(frameOf)));
  const ended = async () => {
    await cluster.until(() => end !== null);
    return end!.error;
  };
  const answered = (count: number) => cluster.until(() => answers.length >= count);
  return { ...sender, answers, send, ended, answered };
}

const frameOf = (transaction: Transaction) => encodeFrame(encode(transactionSchema, transaction));
const payment = ({ cluster }: World, minor = 1n, to = 'settlement@cnb') =>
  transactionOf(cluster.network, ['operator/aclb'], [transfer('settlement@aclb', to, minor)]);

t.test('each transaction has its line, as soon as it has ended', async (t) => {
  const world = await listening(t);
  const stream = opened(world);
  const first = payment(world);
  stream.send(first);
  await stream.answered(1);
  const id = transactionId(first.body);
  t.strictSame(stream.answers, [{ n: 0, id, state: 'final', height: 2, index: 0, status: 'OK' }]);
  const many = Array.from({ length: 50 }, () => payment(world));
  stream.send(...many);
  stream.send(first);
  stream.end();
  t.equal(await stream.ended(), null);
  t.equal(stream.answers.length, 52);
  t.strictSame(
    stream.answers.map(({ n }) => n).sort((a, b) => a - b),
    Array.from({ length: 52 }, (_, n) => n),
  );
  t.ok(stream.answers.every(({ state }) => state === 'final'));
  t.strictSame(
    stream.answers.find(({ n }) => n === 51),
    { ...stream.answers[0], n: 51 },
    'submitted again, it has the same end',
  );
});
