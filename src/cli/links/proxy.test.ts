/** The proxy between two banks: it changes when bytes arrive, or whether, and never which bytes or in which order. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { type Test, test } from 'tap';
import { until } from '../processes.suite.ts';
import { systemClock } from '../system.ts';
import { TcpProxy } from './proxy.ts';
import { OPEN_FLOW } from './pump.ts';

/** A listener that keeps what it hears, and a proxy before it. */
interface Stage {
  readonly proxy: TcpProxy;
  readonly inbound: { readonly socket: Socket; bytes: Buffer; ended: boolean; closed: boolean }[];
  dial(): Promise<Dialled>;
}

interface Dialled {
  readonly socket: Socket;
  bytes: Buffer;
  closed: boolean;
}

const STALLED = { stalled: true, delayMs: 0 };

async function stage(t: Test): Promise<Stage> {
  const inbound: Stage['inbound'] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const entry = { socket, bytes: Buffer.alloc(0), ended: false, closed: false };
    inbound.push(entry);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      entry.bytes = Buffer.concat([entry.bytes, bytes]);
    });
    socket.on('end', () => {
      entry.ended = true;
    });
    socket.on('close', () => {
      entry.closed = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy = await TcpProxy.listen('127.0.0.1', { host: '127.0.0.1', port }, systemClock);
  const dialled: Socket[] = [];
  t.teardown(async () => {
    for (const socket of [...dialled, ...inbound.map((entry) => entry.socket)]) socket.destroy();
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const dial = async (): Promise<Dialled> => {
    const socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
    dialled.push(socket);
    const entry: Dialled = { socket, bytes: Buffer.alloc(0), closed: false };
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      entry.bytes = Buffer.concat([entry.bytes, bytes]);
    });
    socket.on('close', () => {
      entry.closed = true;
    });
    // A reset may come before it is told of the connection.
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
    return entry;
  };
  return { proxy, inbound, dial };
}

test('bytes go both ways, in order, and an end goes with them', async (t) => {
  const { proxy, inbound, dial } = await stage(t);
  const dialler = await dial();
  const long = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251));
  dialler.socket.end(long);
  await until('the listener hears all of it', () => inbound[0]?.ended === true);
  t.ok(inbound[0]!.bytes.equals(long));
  t.equal(dialler.closed, false, 'the other direction is still open');
  inbound[0]!.socket.end(long);
  await until('the dialler hears all of it', () => dialler.closed);
  t.ok(dialler.bytes.equals(long));
  await until('nothing is kept', () => proxy.connections === 0);
});

test('a stalled direction holds bytes back, the other one goes on, and nothing is lost when it is let go', async (t) => {
  const { proxy, inbound, dial } = await stage(t);
  const dialler = await dial();
  dialler.socket.write('a');
  await until('it is connected', () => inbound[0]?.bytes.toString() === 'a');
  proxy.setFlow('forth', STALLED);
  dialler.socket.write('b');
  inbound[0]!.socket.write('x');
  await until('the other direction goes on', () => dialler.bytes.toString() === 'x');
  dialler.socket.end('c');
  inbound[0]!.socket.write('y');
  await until('and on', () => dialler.bytes.toString() === 'xy');
  t.equal(inbound[0]!.bytes.toString(), 'a');
  t.equal(inbound[0]!.ended, false, 'a stalled link tells of no end either');
  proxy.setFlow('forth', OPEN_FLOW);
  await until('it arrives', () => inbound[0]!.ended);
  t.equal(inbound[0]!.bytes.toString(), 'abc');
});

test('while a direction is stalled no connection reaches the other end; then it does', async (t) => {
  const { proxy, inbound, dial } = await stage(t);
  const before = await dial();
  before.socket.write('1');
  await until('the first is through', () => inbound.length === 1);
  proxy.setFlow('back', STALLED);
  const held = await dial();
  held.socket.write('2');
  before.socket.write('3');
  await until('an open connection still carries what is not stalled', () => inbound[0]!.bytes.toString() === '13');
  t.equal(inbound.length, 1);
  proxy.setFlow('back', OPEN_FLOW);
  await until('the held one is through', () => inbound[1]?.bytes.toString() === '2');
});

test('a cut resets what is open and refuses what comes; mended, it lets through', async (t) => {
  const { proxy, inbound, dial } = await stage(t);
  const open = await dial();
  open.socket.write('1');
  await until('it is connected', () => inbound[0]?.bytes.length === 1);
  proxy.setCut(true);
  await until('both ends hear of it', () => open.closed && inbound[0]!.closed);
  const refused = await dial();
  await until('a new one is reset', () => refused.closed);
  t.equal(inbound.length, 1);
  proxy.setCut(false);
  const again = await dial();
  again.socket.write('2');
  await until('it is let through', () => inbound[1]?.bytes.toString() === '2');
  proxy.drop();
  await until('dropped', () => again.closed && inbound[1]!.closed);
  const last = await dial();
  last.socket.write('3');
  await until('the next one is not', () => inbound[2]?.bytes.toString() === '3');
});

test('a dead listener is a reset for who dials; the death of one end is told to the other', async (t) => {
  const { proxy, inbound, dial } = await stage(t);
  const dialler = await dial();
  dialler.socket.write('1');
  await until('it is connected', () => inbound.length === 1);
  inbound[0]!.socket.resetAndDestroy();
  await until('the dialler hears of it', () => dialler.closed);
  const nowhere = await TcpProxy.listen('127.0.0.1', { host: '127.0.0.1', port: await unusedPort() }, systemClock);
  t.teardown(() => nowhere.close());
  const socket = connect({ host: '127.0.0.1', port: nowhere.port });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  t.equal(nowhere.connections, 0);
  await until('nothing is kept', () => proxy.connections === 0);
});

test('whatever is done to the flow on the way, what arrives is what was sent', async (t) => {
  const { proxy, inbound, dial } = await stage(t);
  const move = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 2_000 }).map((bytes) => ({ bytes })),
    fc.record({ stalled: fc.boolean(), delayMs: fc.integer({ min: 0, max: 3 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 20 }), async (moves) => {
      const number = inbound.length;
      const { socket } = await dial();
      const sent: Uint8Array[] = [];
      for (const each of moves) {
        if ('bytes' in each) {
          sent.push(each.bytes);
          socket.write(each.bytes);
        } else proxy.setFlow('forth', each);
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end();
      proxy.setFlow('forth', OPEN_FLOW);
      await until('it has ended', () => inbound[number]?.ended === true);
      inbound[number]!.socket.end();
      return inbound[number]!.bytes.equals(Buffer.concat(sent));
    }),
    { numRuns: 40 },
  );
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
