import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { FrameDecoder } from '../../src/codec/frames.ts';
import { toHex } from '../../src/codec/hex.ts';
import { MAX_TRANSACTION_BYTES } from '../../src/codec/limits.ts';
import { decode } from '../../src/codec/schema.ts';
import { transaction } from '../../src/codec/transaction.ts';
import { transactionId } from '../../src/crypto/ids.ts';
import type { ChainId, ParticipantId } from '../../src/types/index.ts';
import { generate } from './generate.ts';
import type { Order } from './generator.ts';

/** A node that answers each payment when `answerAt` says, in milliseconds since its first one. */
async function fakeNode(t: Test, answerAt: (sinceMs: number) => number) {
  const ids: string[] = [];
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
    const frames = new FrameDecoder(MAX_TRANSACTION_BYTES);
    let n = 0;
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) answer(frame, n++, response);
    });
  });
  let firstMs = Number.NaN;
  const answer = (frame: Uint8Array, n: number, response: ServerResponse) => {
    const id = transactionId(decode(transaction, frame, MAX_TRANSACTION_BYTES).body);
    ids.push(id);
    if (Number.isNaN(firstMs)) firstMs = performance.now();
    const sinceMs = performance.now() - firstMs;
    setTimeout(
      () => response.write(`${JSON.stringify({ n, id, state: 'final', height: 9, index: n, status: 'OK' })}\n`),
      answerAt(sinceMs) - sinceMs,
    );
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  return { apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ids };
}

async function offered(t: Test, apiUrls: readonly string[]) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tonle-generator-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const endsFile = path.join(folder, 'ends');
  const order: Order = {
    plan: {
      seed: 7,
      loadNumber: 0,
      chainId: '00'.repeat(32) as ChainId,
      banks: apiUrls.map((_, i) => `bank${i}` as ParticipantId),
      accounts: 50,
      distribution: 'uniform',
      arrivals: 'constant',
      perS: 200,
      warmUpS: 1,
      measuredS: 2,
      capMs: 5_000,
    },
    targets: apiUrls.map((apiUrl) => ({ apiUrl, isAlive: true })),
    endsFile,
  };
  const { figures } = await generate(order, { onSigned: () => undefined, onSecond: () => Promise.resolve() });
  return { figures, ends: await readFile(endsFile) };
}

t.test('every payment is sent once, and what was told final is written down', async (t) => {
  const nodes = [await fakeNode(t, (at) => at + 20), await fakeNode(t, (at) => at + 20)];
  const { figures, ends } = await offered(
    t,
    nodes.map(({ apiUrl }) => apiUrl),
  );
  const ids = nodes.flatMap((node) => node.ids);
  t.equal(ids.length, 600);
  t.equal(new Set(ids).size, 600);
  t.strictSame([figures.planned, figures.final, figures.timedOut], [400, 400, 0]);
  t.ok(
    nodes.every((node) => node.ids.length > 200),
    'each to its bank',
  );
  t.ok(figures.latencyMs.p50 >= 19, `a delay of 20 ms is seen: ${figures.latencyMs.p50}`);
  const written = Array.from({ length: ends.length / 36 }, (_, i) => toHex(ends.subarray(i * 36, i * 36 + 32)));
  t.strictSame(written.sort(), [...ids].sort());
  t.equal(ends.readUInt32LE(32), 9);
});

t.test('a server that stalls for a second slows all that was due meanwhile, not one payment', async (t) => {
  const { apiUrl } = await fakeNode(t, (at) => (at > 1_500 && at < 2_500 ? 2_500 : at + 1));
  const { figures } = await offered(t, [apiUrl]);
  t.ok(figures.latencyMs.p90 > 600, `p90 ${figures.latencyMs.p90}`);
  t.ok(figures.latencyMs.max > 900, `max ${figures.latencyMs.max}`);
  t.equal(figures.final, 400);
});
