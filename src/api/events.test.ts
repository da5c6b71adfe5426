/** The event stream: over a real connection with the client, and piece by piece on a virtual clock. */
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { transactionId } from '../crypto/ids.ts';
import { Cluster } from '../testing/cluster.ts';
import { account, issue, open, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { Transaction } from '../types/index.ts';
import { BlockFeed } from './block-feed.ts';
import { createClient } from './client.ts';
import type { ApiOptions } from './context.ts';
import { eventStream } from './event-stream.ts';
import { type TestApi, testApi } from './testing.ts';
import type { EventJson } from './types.ts';

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
  return { cluster, api, url: `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}` };
}

async function final({ api }: World, transaction: Transaction): Promise<string> {
  const { status, body } = await api.post('/api/v1/transactions?wait=final', encode(transactionSchema, transaction));
  if (status !== 200) throw new Error(JSON.stringify(body));
  return transactionId(transaction.body);
}

const issued = (world: World, minor = 1_000n) =>
  final(world, transactionOf(world.cluster.network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), minor)]));
const paid = (world: World, to: string) =>
  final(world, transactionOf(world.cluster.network, ['operator/aclb'], [transfer('settlement@aclb', to, 1n)]));

async function take(events: AsyncIterator<EventJson, void>, count: number): Promise<EventJson[]> {
  const taken: EventJson[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done || value === undefined) break;
    taken.push(value);
  }
  return taken;
}

/** Begins to listen, and waits until the server has the stream. */
async function listen(world: World, options: Parameters<ReturnType<typeof createClient>['events']>[0] = {}) {
  const before = await streams(world);
  const events = createClient(world.url).events(options);
  const first = events.next();
  while ((await streams(world)) === before) await new Promise(setImmediate);
  return { first, events };
}

async function streams({ api }: World): Promise<number> {
  const { body } = await api.get<string>('/metrics');
  return Number(/^tonle_event_streams (\d+)$/m.exec(body)?.[1]);
}

t.test('receipts, then their block, as they become final', async (t) => {
  const world = await listening(t);
  const { first, events } = await listen(world);
  const id = await issued(world);
  t.match(await first, {
    value: {
      type: 'receipt',
      data: { id, height: 1, index: 0, status: { name: 'OK' }, commands: [{ type: 'issue', to: 'settlement@aclb' }] },
    },
  });
  t.match(await take(events, 1), [{ type: 'block', data: { height: 1, transactions: 1 } }]);
  const second = await paid(world, 'settlement@cnb');
  t.match(await take(events, 2), [{ data: { id: second } }, { type: 'block', data: { height: 2 } }]);
  await events.return();
  while ((await streams(world)) > 0) await new Promise(setImmediate);
});

t.test('from any height on, every event again in the same order', async (t) => {
  const world = await listening(t);
  const { first, events } = await listen(world);
  await issued(world);
  for (const bank of ['cnb', 'wing', 'nbc', 'cnb', 'wing']) await paid(world, `settlement@${bank}`);
  const live = [(await first).value, ...(await take(events, 11))];
  t.strictSame(
    live.map((event) => `${event?.type} ${event?.data.height}`),
    [1, 2, 3, 4, 5, 6].flatMap((height) => [`receipt ${height}`, `block ${height}`]),
  );
  for (const after of [0, 1, 4]) {
    const again = createClient(world.url).events({ after });
    t.strictSame(await take(again, 12 - 2 * after), live.slice(2 * after), `after ${after}`);
    await again.return();
  }
  await events.return();
});

t.test('for one account: its receipts, and every block', async (t) => {
  const world = await listening(t);
  await issued(world);
  await final(
    world,
    transactionOf(world.cluster.network, ['operator/aclb'], [open(world.cluster.network, 'dara@aclb')]),
  );
  const { first, events } = await listen(world, { account: 'dara@aclb' });
  await paid(world, 'settlement@cnb');
  const id = await paid(world, 'dara@aclb');
  t.match(
    [(await first).value, ...(await take(events, 2))],
    [
      { type: 'block', data: { height: 3, transactions: 1 } },
      { type: 'receipt', data: { id, height: 4, commands: [{ to: 'dara@aclb' }] } },
      { type: 'block', data: { height: 4 } },
    ],
  );
  await events.return();
});

t.test('as many streams as are served, and no more', async (t) => {
  const world = await listening(t, { limits: { eventStreams: 1 } });
  const { first, events } = await listen(world);
  const refused = createClient(world.url).events();
  await t.rejects(refused.next(), { code: 'STREAMS_FULL', httpStatus: 503 });
  await issued(world);
  await first;
  await events.return();
  while ((await streams(world)) > 0) await new Promise(setImmediate);
  const { events: next } = await listen(world);
  await world.api.app.close();
  await next.return();
});

t.test('closing the server ends the streams', async (t) => {
  const world = await listening(t);
  const { first } = await listen(world);
  await world.api.app.close();
  t.strictSame(await first, { done: true, value: undefined });
});

t.test('as it stands on the wire', async (t) => {
  const world = await listening(t);
  await issued(world);
  const { port } = new URL(world.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nlast-event-id: 0\r\n\r\n');
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes('event: block')) break;
  }
  t.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(text, /content-type: text\/event-stream\r\n/);
  t.match(text, /cache-control: no-store\r\n/);
  t.match(text, /retry: 1000\n\n[\s\S]*event: receipt\ndata: \{.*\}\n\n/);
  t.match(text, /event: block\nid: 1\ndata: \{"height":1,.*\}\n\n/);
});

t.test('on a silent stream a heartbeat; a reader that takes nothing is cut off', async (t) => {
  const cluster = new Cluster();
  await cluster.startAll();
  const { node } = cluster.get('aclb');
  const feed = new BlockFeed(node, cluster.network.genesis.currencies);
  t.teardown(async () => {
    feed.close();
    await cluster.stop();
  });
  const end = new AbortController();
  let stalls = 0;
  const stream = eventStream({
    feed,
    clock: cluster.clock,
    from: 1,
    account: account('dara@aclb'),
    heartbeatMs: 15_000,
    stallMs: 30_000,
    end: end.signal,
    onStall: () => {
      stalls += 1;
    },
  });
  t.equal((await stream.next()).value, 'retry: 1000\n\n');
  const startMs = cluster.clock.now();
  const beat = await cluster.during(stream.next());
  t.equal(beat.value, ': heartbeat\n\n');
  t.equal(cluster.clock.now() - startMs, 15_000);
  await cluster.pass(29_999);
  t.equal(stalls, 0);
  await cluster.pass(1);
  t.equal(stalls, 1);
  const last = stream.next();
  end.abort();
  t.equal((await last).done, true);
  const { length } = cluster.get('aclb').events;
  await cluster.pass(100_000);
  t.ok(cluster.get('aclb').events.length >= length);
  t.equal(stalls, 1, 'an ended stream has no timers left');
});

t.test('a full block comes in pieces, whoever reads it from the record or as it happens', async (t) => {
  const cluster = new Cluster();
  await cluster.startAll();
  const { node } = cluster.get('aclb');
  const { currencies } = cluster.network.genesis;
  const live = new BlockFeed(node, currencies);
  t.teardown(() => cluster.stop());
  const funds = transactionOf(cluster.network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1_000n)]);
  await cluster.during(node.submit(funds));
  await cluster.allAt(1);
  const payments = Array.from({ length: 200 }, () =>
    transactionOf(cluster.network, ['operator/aclb'], [transfer('settlement@aclb', 'settlement@cnb', 1n)]),
  );
  await cluster.during(Promise.all(payments.map((each) => node.submit(each))));
  await cluster.until(() => node.status().pool.transactions === 0);
  const recorded = new BlockFeed(node, currencies);
  const texts: string[] = [];
  for (const feed of [live, recorded]) {
    const end = new AbortController();
    const options = { feed, clock: cluster.clock, from: 2, account: null, heartbeatMs: 1_000, stallMs: 1_000 };
    const stream = eventStream({ ...options, end: end.signal, onStall: () => undefined });
    let text = '';
    const last = `id: ${node.status().height}\n`;
    while (!text.includes(last)) {
      const piece = (await stream.next()).value ?? '';
      t.ok(piece.length < 32 * 1024, 'a piece is small');
      text += piece;
    }
    await stream.return();
    texts.push(text);
    t.equal(text.split('event: receipt').length - 1, 200);
  }
  t.equal(texts[0], texts[1]);
});
