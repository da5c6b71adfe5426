/** Many payments over one request: over real connections, on a virtual network. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { encodeFrame } from '../codec/frames.ts';
import { MAX_TRANSACTION_BYTES } from '../codec/limits.ts';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { signTransaction } from '../crypto/sign.ts';
import { CodedError } from '../errors.ts';
import { Refusal } from '../node/refusals.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { idOf, issue, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { ParticipantId, Transaction } from '../types/index.ts';
import type { ApiError } from './client-errors.ts';
import type { ApiLimits } from './context.ts';
import { ERROR_STATUS, type ErrorCode } from './errors.ts';
import type { NodeFace } from './node-face.ts';
import { openSubmissionStream } from './stream-client.ts';
import { type TestApi, testApi } from './testing.ts';
import type { ErrorJson, SubmissionAnswer } from './types.ts';

const PATH = '/api/v1/transactions/stream';
const TYPE = 'application/vnd.tonle.transactions';
/** Sockets take real time and the network virtual time, which passes faster: no limit is met unless a test is about it. */
const PATIENT = { submissionIdleMs: 1e9, stallMs: 1e9, maxWaitMs: 1e9 };

interface World {
  readonly cluster: Cluster;
  readonly api: TestApi;
  readonly url: string;
}

interface Changes {
  readonly limits?: Partial<ApiLimits>;
  readonly alter?: (node: NodeFace) => NodeFace;
}

/** A bank with a thousand riel, and its server. */
async function listening(t: Test, { limits = {}, alter = (node) => node }: Changes = {}): Promise<World> {
  const cluster = new Cluster();
  await cluster.startAll();
  const { node } = cluster.get('aclb');
  const api = testApi(cluster, 'aclb', { limits: { ...PATIENT, ...limits }, node: alter(node) });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => {
    await api.app.close();
    await cluster.stop();
  });
  const funds = transactionOf(cluster.network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1_000n)]);
  await cluster.during(node.submit(funds));
  await cluster.allAt(1);
  return { cluster, api, url: `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}` };
}

/** Lets sockets do what they have to, and then time pass, until the condition holds. */
async function until({ cluster }: World, condition: () => boolean): Promise<void> {
  while (!condition()) {
    for (let turn = 0; turn < 50 && !condition(); turn += 1) await new Promise(setImmediate);
    if (!condition()) cluster.clock.fireNext();
  }
}

/** Lets sockets do what they have to until the condition holds; no time passes. */
async function meanwhile(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

function opened(world: World) {
  const answers: SubmissionAnswer[] = [];
  const turns: number[] = [];
  let end: { readonly error: ApiError | null } | null = null;
  let drains = 0;
  const sender = openSubmissionStream(world.url, {
    onAnswers: (more) => {
      answers.push(...more);
      turns.push(more.length);
    },
    onEnd: (error) => {
      if (end !== null) throw new Error('it ends once');
      end = { error };
    },
    onDrain: () => {
      drains += 1;
    },
  });
  return {
    ...sender,
    answers,
    turns,
    drains: () => drains,
    isOver: () => end !== null,
    error: () => end?.error ?? null,
    send: (...transactions: readonly Transaction[]) => sender.push(Buffer.concat(transactions.map(frameOf))),
    answered: (count: number) => until(world, () => answers.length >= count),
    ended: async () => {
      await until(world, () => end !== null);
      return end!.error;
    },
  };
}

const frameOf = (transaction: Transaction) => encodeFrame(encode(transactionSchema, transaction));
const payment = ({ cluster }: World, minor = 1n, validUntilMs?: number) =>
  transactionOf(
    cluster.network,
    ['operator/aclb'],
    [transfer('settlement@aclb', 'settlement@cnb', minor)],
    validUntilMs,
  );
const payments = (world: World, count: number) => Array.from({ length: count }, () => payment(world));
const pool = ({ cluster }: World) => cluster.get('aclb').node.status().pool.transactions;
const numbers = (answers: readonly SubmissionAnswer[]) => answers.map(({ n }) => n).sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const cutOff = ({ cluster }: World) =>
  cluster.wires.cut(['aclb'] as ParticipantId[], ['nbc', 'cnb', 'wing'] as ParticipantId[]);

async function gauge({ api }: World, name: string): Promise<number> {
  const { body } = await api.get<string>('/metrics');
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1]);
}

/** A request whose head is out, on a bare socket. */
async function rawStream({ url }: World): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${TYPE}\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  return socket;
}

const chunk = (bytes: Uint8Array) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

t.test('each transaction has its line as soon as it has ended, and those of a block come together', async (t) => {
  const world = await listening(t);
  const stream = opened(world);
  const first = payment(world);
  stream.send(first);
  await stream.answered(1);
  t.strictSame(stream.answers, [{ n: 0, id: idOf(first), state: 'final', height: 2, index: 0, status: 'OK' }]);
  stream.send(...payments(world, 50), first);
  stream.end();
  t.equal(await stream.ended(), null);
  t.strictSame(numbers(stream.answers), upTo(52));
  t.ok(stream.answers.every(({ state }) => state === 'final'));
  const again = stream.answers.find(({ n }) => n === 51);
  t.strictSame(again, { ...stream.answers[0], n: 51 }, 'submitted again, it has the same end');
  t.ok(stream.turns.length < 10, `${stream.turns} lines at a time`);
  t.equal(await gauge(world, 'tonle_submission_streams'), 0);
});

t.test('the answer begins before anything is sent', async (t) => {
  const world = await listening(t);
  const socket = await rawStream(world);
  const [head] = await once(socket, 'data');
  t.match(String(head), /^HTTP\/1\.1 200 OK\r\ncontent-type: application\/x-ndjson\r\n/);
  socket.end('0\r\n\r\n');
  await once(socket.resume(), 'close');
});

t.test('refusals are those of POST /transactions, and stop nothing', async (t) => {
  const world = await listening(t);
  const { network } = world.cluster;
  const good = payment(world);
  const damaged = { ...good, signatures: good.signatures.map((s) => ({ ...s, signature: new Uint8Array(64) })) };
  const pay = [transfer('settlement@aclb', 'settlement@cnb', 2n)];
  const elsewhere = transactionOf(testNetwork(4, { checkpointInterval: 99 }), ['operator/aclb'], pay);
  const reused = signTransaction({ ...good.body, commands: pay }, [network.signer('operator/aclb')]);
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [Uint8Array.of(0x80), 'FIELD_INVALID'],
    [Uint8Array.of(0xff), 'BYTES_MALFORMED'],
    [Buffer.concat([encode(transactionSchema, good), Buffer.of(0)]), 'BYTES_MALFORMED'],
    [encode(transactionSchema, damaged), 'SIGNATURE_INVALID'],
    [encode(transactionSchema, elsewhere), 'CHAIN_MISMATCH'],
    [encode(transactionSchema, payment(world, 1_001n)), 'INSUFFICIENT_FUNDS'],
    [encode(transactionSchema, payment(world, 1n, 5)), 'EXPIRED'],
  ];
  const stream = opened(world);
  for (const [bytes] of cases) stream.push(encodeFrame(bytes));
  await stream.answered(cases.length);
  for (const [n, [bytes, code]] of cases.entries()) {
    const answer = stream.answers.find((each) => each.n === n);
    const posted = await world.api.post('/api/v1/transactions', bytes);
    t.match(answer, { state: 'refused', error: { code } });
    t.strictSame(answer!.state === 'refused' && answer!.error, posted.body.error, code);
    t.equal(answer!.id === null, n < 3, 'what is no transaction has no id');
  }
  stream.send(good);
  await stream.answered(cases.length + 1);
  stream.send(reused);
  stream.end();
  t.equal(await stream.ended(), null);
  t.match(stream.answers.slice(-2), [
    { n: cases.length, state: 'final', status: 'OK' },
    { n: cases.length + 1, state: 'refused', error: { code: 'REFERENCE_REUSED' } },
  ]);
});

t.test('what takes part in a block and is refused there has its status', async (t) => {
  const world = await listening(t);
  const stream = opened(world);
  stream.send(payment(world, 600n), payment(world, 600n));
  stream.end();
  t.equal(await stream.ended(), null);
  t.strictSame(
    stream.answers.map((answer) => answer.state === 'final' && answer.status),
    ['OK', 'INSUFFICIENT_FUNDS'],
  );
});

t.test('what expires is told so', async (t) => {
  const world = await listening(t);
  cutOff(world);
  const stream = opened(world);
  stream.send(payment(world, 1n, world.cluster.clock.now() + 5_000));
  stream.end();
  await meanwhile(() => pool(world) === 1);
  await world.cluster.pass(10_000);
  world.cluster.wires.heal();
  const more = transactionOf(world.cluster.network, ['officer/1', 'officer/2'], [issue(settlement('cnb'), 1n)]);
  await world.cluster.during(world.cluster.get('nbc').node.submit(more));
  t.equal(await stream.ended(), null);
  t.match(stream.answers, [{ n: 0, state: 'expired' }]);
});

t.test('the same transaction on several streams is answered on each', async (t) => {
  const world = await listening(t);
  const both = [opened(world), opened(world)];
  const shared = payment(world);
  for (const stream of both) {
    stream.send(shared, shared);
    stream.end();
  }
  for (const stream of both) {
    t.equal(await stream.ended(), null);
    t.strictSame(numbers(stream.answers), [0, 1]);
    t.match(stream.answers, [
      { id: idOf(shared), height: 2 },
      { id: idOf(shared), height: 2 },
    ]);
  }
});

t.test('a frame that is none ends the stream after the lines of those before it', async (t) => {
  const world = await listening(t);
  const tooLong = Buffer.alloc(4);
  tooLong.writeUInt32BE(MAX_TRANSACTION_BYTES + 1);
  for (const [what, bytes] of [
    ['no bytes', Buffer.alloc(4)],
    ['too many', tooLong],
    ['the largest length there is', Buffer.alloc(4, 255)],
  ] as const) {
    const stream = opened(world);
    const [before, after] = payments(world, 2);
    stream.push(Buffer.concat([frameOf(before!), bytes, frameOf(after!)]));
    t.match(await stream.ended(), { code: 'FRAME_INVALID' }, what);
    t.match(stream.answers, [{ n: 0, id: idOf(before!), state: 'final' }], what);
  }
  const cut = opened(world);
  const bytes = frameOf(payment(world));
  cut.push(bytes.subarray(0, 100));
  cut.end();
  t.match(await cut.ended(), { code: 'FRAME_INVALID', message: /ended inside a frame/ });
  t.strictSame(cut.answers, []);
});

t.test('whatever bytes come, each whole frame has its line, and the last line says what was wrong', async (t) => {
  const world = await listening(t);
  const transaction = encode(transactionSchema, payment(world));
  let refused = 0;
  const frame = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.nat(transaction.length - 1).map((at) => transaction.with(at, (transaction[at] ?? 0) ^ 1)),
  );
  const tail = fc.constantFrom([], [0], [0, 0, 0, 0], [0, 0, 1, 0, 7], [255, 255, 255, 255, 1]);
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 8 }), tail, async (frames, rest) => {
      const body = Buffer.concat([...frames.map(encodeFrame), Uint8Array.from(rest)]);
      const answer = await world.api.send<string>({
        method: 'POST',
        url: PATH,
        headers: { 'content-type': TYPE },
        body,
      });
      const lines = answer.body.split('\n').slice(0, -1);
      const found = lines.map((line) => JSON.parse(line) as SubmissionAnswer | ErrorJson);
      const own = found.filter((each) => 'n' in each);
      refused += own.length;
      t.strictSame(numbers(own), upTo(frames.length));
      t.ok(own.every((each) => each.state === 'refused' && ERROR_STATUS[each.error.code as ErrorCode] < 500));
      const last = found.at(-1);
      t.equal(rest.length > 0, last !== undefined && !('n' in last) && last.error.code === 'FRAME_INVALID');
    }),
    { numRuns: 100 },
  );
  t.ok(refused > 100);
});

t.test('it takes no more than may be in flight, and goes on when there is room', async (t) => {
  const world = await listening(t, { limits: { submissionsInFlight: 4 } });
  cutOff(world);
  const stream = opened(world);
  stream.send(...payments(world, 10));
  await meanwhile(() => pool(world) === 4);
  // More than all buffers between take.
  const filler = Buffer.concat(payments(world, 1_000).map(frameOf));
  for (let before = -1; before < stream.drains(); ) {
    before = stream.drains();
    while (stream.push(filler));
    await turns(200);
  }
  t.equal(pool(world), 4, 'nothing of the rest is read');
  world.cluster.wires.heal();
  await until(world, () => upTo(10).every((n) => stream.answers.some((answer) => answer.n === n)));
  t.ok(stream.answers.filter(({ n }) => n < 10).every(({ state }) => state === 'final'));
  stream.destroy();
});

t.test('a full pool refuses nothing here: what waits is taken when there is room', async (t) => {
  let room = 2;
  const alter = (node: NodeFace): NodeFace => ({
    ...faceOf(node),
    get room() {
      return room;
    },
  });
  const world = await listening(t, { alter });
  cutOff(world);
  const streams = [opened(world), opened(world)];
  for (const stream of streams) stream.send(...payments(world, 5));
  await meanwhile(() => pool(world) === 2);
  room = 0;
  await turns(100);
  t.equal(pool(world), 2);
  t.ok(streams.every(({ answers }) => answers.length === 0));
  room = 100;
  world.cluster.wires.heal();
  for (const stream of streams) {
    stream.end();
    t.equal(await stream.ended(), null);
    t.strictSame(numbers(stream.answers), upTo(5));
    t.ok(stream.answers.every(({ state }) => state === 'final'));
  }
});

t.test('a full pool that shows only when asked, and a busy verifier, are waited for as well', async (t) => {
  const reasons = [new Refusal('POOL_FULL'), new CodedError('VERIFIER_BUSY', 'too much')];
  const alter = (node: NodeFace): NodeFace => ({
    ...faceOf(node),
    submitAll: (applicants) => {
      const reason = reasons.pop();
      if (reason === undefined) node.submitAll(applicants);
      else for (const applicant of applicants) applicant.refused(reason);
    },
  });
  const world = await listening(t, { alter });
  const stream = opened(world);
  stream.send(...payments(world, 3));
  stream.end();
  t.equal(await stream.ended(), null);
  t.strictSame(reasons, []);
  t.strictSame(numbers(stream.answers), [0, 1, 2]);
});

t.test('POST /transactions says 429 and when to come again', async (t) => {
  const alter = (node: NodeFace): NodeFace => ({
    ...faceOf(node),
    submit: () => Promise.reject(new Refusal('POOL_FULL')),
  });
  const world = await listening(t, { alter });
  const { status, body, headers } = await world.api.post(
    '/api/v1/transactions',
    encode(transactionSchema, payment(world)),
  );
  t.match({ status, body }, { status: 429, body: { error: { code: 'POOL_FULL' } } });
  t.equal(headers['retry-after'], '1');
  t.strictSame(world.api.undocumented, []);
});

t.test('a wait that is over, and a server that closes, leave pending what has no end yet', async (t) => {
  const world = await listening(t, { limits: { maxWaitMs: 60_000 } });
  cutOff(world);
  const long = opened(world);
  long.send(...payments(world, 3));
  const short = opened(world);
  short.send(...payments(world, 2));
  short.end();
  await meanwhile(() => pool(world) === 5);
  await world.cluster.pass(60_000);
  t.equal(await short.ended(), null);
  t.match(short.answers, [
    { n: 0, state: 'pending' },
    { n: 1, state: 'pending' },
  ]);
  t.strictSame(long.answers, [], 'as long as more may come, the wait is not over');
  await world.api.app.close();
  await meanwhile(() => long.isOver());
  t.equal(long.error(), null);
  t.strictSame(
    long.answers.map(({ state }) => state),
    ['pending', 'pending', 'pending'],
  );
  const late = opened(world);
  t.match(await late.ended(), { code: 'NODE_UNREACHABLE' });
});

t.test('a stream that its client forgot is ended', async (t) => {
  const world = await listening(t, { limits: { submissionIdleMs: 60_000 } });
  const stream = opened(world);
  await meanwhile(async () => (await gauge(world, 'tonle_submission_streams')) === 1);
  cutOff(world);
  await world.cluster.pass(50_000);
  stream.send(payment(world, 1n, world.cluster.clock.now() + 300_000));
  await meanwhile(() => pool(world) === 1);
  await world.cluster.pass(100_000);
  t.notOk(stream.isOver(), 'something is under way');
  world.cluster.wires.heal();
  await stream.answered(1);
  t.match(await stream.ended(), { code: 'SUBMISSIONS_IDLE' });
});

t.test('as many streams as are served, and no more', async (t) => {
  const world = await listening(t, { limits: { submissionStreams: 1 } });
  const only = opened(world);
  await meanwhile(async () => (await gauge(world, 'tonle_submission_streams')) === 1);
  const refused = opened(world);
  while (!refused.isOver()) {
    refused.push(new Uint8Array(1_000));
    await new Promise(setImmediate);
  }
  t.match(refused.error(), { code: 'SUBMISSIONS_FULL', httpStatus: 503 });
  only.destroy();
  t.equal(only.error(), null);
  await meanwhile(async () => (await gauge(world, 'tonle_submission_streams')) === 0);
  const next = opened(world);
  next.end();
  t.equal(await next.ended(), null);
});

t.test('whoever does not read the answers is read no more, and cut off', async (t) => {
  const world = await listening(t, { limits: { stallMs: 30_000 } });
  const socket = await rawStream(world);
  socket.on('error', () => undefined);
  let isClosed = false;
  socket.once('close', () => {
    isClosed = true;
  });
  socket.pause();
  // Each of five bytes has an answer of a hundred: they fill the buffers on the way back, then nothing more goes out.
  const nonsense = chunk(Buffer.concat(Array.from({ length: 10_000 }, () => encodeFrame(Uint8Array.of(0xff)))));
  while (socket.writableLength === 0) {
    socket.write(nonsense);
    await turns(200);
  }
  await world.cluster.pass(30_000);
  // It is seen when it is written to.
  while (!isClosed) {
    if (socket.writable) socket.write(nonsense);
    await turns(1);
  }
  await meanwhile(async () => (await gauge(world, 'tonle_submission_streams')) === 0);
});

t.test('who leaves is forgotten, what was taken goes on', async (t) => {
  const world = await listening(t);
  cutOff(world);
  const stream = opened(world);
  const sent = payments(world, 5);
  stream.send(...sent);
  await meanwhile(() => pool(world) === 5);
  stream.destroy();
  await meanwhile(async () => (await gauge(world, 'tonle_submission_streams')) === 0);
  world.cluster.wires.heal();
  await until(world, () => pool(world) === 0);
  const again = opened(world);
  again.send(...sent);
  again.end();
  t.equal(await again.ended(), null);
  t.ok(again.answers.every(({ state }) => state === 'final'));
});

t.test('a request that is none of these is refused before anything is read', async (t) => {
  const { api } = await listening(t);
  const json = await api.post(PATH, { transactions: [] });
  t.match(json, { status: 415, body: { error: { code: 'MEDIA_TYPE_UNSUPPORTED' } } });
  t.match(await api.send({ method: 'POST', url: PATH }), { status: 400, body: { error: { code: 'BODY_MISSING' } } });
  const other = await api.post('/api/v1/transactions', new Uint8Array(4), { 'content-type': TYPE });
  t.match(other, { status: 415 }, 'and no other route takes frames');
  t.strictSame(api.undocumented, []);
});

t.test('only a stream may take longer than a request', async (t) => {
  const world = await listening(t);
  const sockets: Socket[] = [];
  world.api.app.server.on('connection', (socket) => sockets.push(socket));
  const stream = await rawStream(world);
  await once(stream, 'data');
  const { port } = new URL(world.url);
  const slow = connect(Number(port), '127.0.0.1');
  slow.write('POST /api/v1/transactions HTTP/1.1\r\nhost: localhost\r\n');
  await once(slow, 'connect');
  // As the HTTP server does with whoever takes too long; it looks every half minute.
  await meanwhile(() => sockets.length === 2);
  const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  for (const socket of sockets) world.api.app.server.emit('clientError', late, socket);
  t.match(await text(slow), /^HTTP\/1\.1 408 /);
  stream.write(chunk(frameOf(payment(world))));
  let line = '';
  stream.on('data', (bytes) => {
    line += String(bytes);
  });
  await until(world, () => line.includes('"state":"final"'));
  stream.destroy();
});

function faceOf(node: NodeFace): NodeFace {
  return {
    queries: node.queries,
    submit: (transaction) => node.submit(transaction),
    submitAll: (applicants) => node.submitAll(applicants),
    get room() {
      return node.room;
    },
    standing: (id) => node.standing(id),
    settled: (id, signal) => node.settled(id, signal),
    subscribe: (listener) => node.subscribe(listener),
    status: () => node.status(),
  };
}
