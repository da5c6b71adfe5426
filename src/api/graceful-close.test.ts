/** The server ends while clients hold connections open, and answers what is no HTTP at all. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { Cluster } from '../testing/cluster.ts';
import { testApi } from './testing.ts';

async function listening(t: Test) {
  const cluster = new Cluster();
  await cluster.startAll();
  const api = testApi(cluster, 'aclb');
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => cluster.stop());
  const { port } = api.app.server.address() as AddressInfo;
  const open = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  return { app: api.app, open };
}

t.test('connections that were never used, half-used or kept alive do not hold it up', async (t) => {
  const { app, open } = await listening(t);
  const [silent, half, kept] = await Promise.all([open(), open(), open()]);
  half.write('POST /api/v1/transactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-l');
  kept.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(kept, 'data');
  const ended = Promise.all([silent, half, kept].map((socket) => once(socket.resume(), 'close')));
  const startMs = performance.now();
  await app.close();
  await ended;
  t.ok(performance.now() - startMs < 10_000, 'long before any of them times out');
});

t.test('what is no HTTP gets the same envelope, and the connection ends', async (t) => {
  const { app, open } = await listening(t);
  t.teardown(() => app.close());
  const long = `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`;
  for (const [sent, status, code] of [
    ['pay dara\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['GET /healthz HTTP/9.9\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    [long, 431, 'HEADERS_TOO_LARGE'],
  ] as const) {
    const socket = await open();
    socket.write(sent);
    const answer = await text(socket);
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    t.match(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))), { error: { code } });
  }
});
