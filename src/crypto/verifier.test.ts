import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { test } from 'tap';
import type { SignatureCheck, Verifier } from '../ports.ts';
import type { PublicKey } from '../types/index.ts';
import { createSigner } from './ed25519.ts';
import type { ThreadedVerifier } from './verifier.ts';
import { createInlineVerifier, createVerifier } from './verifier.ts';
import { packChecks, verifyPacked } from './verify-packet.ts';

const signers = Array.from({ length: 5 }, (_, i) => createSigner(new Uint8Array(32).fill(i + 1)));

function goodCheck(i: number): SignatureCheck {
  const signer = signers[i % signers.length]!;
  const message = new Uint8Array(i % 300).fill(i);
  return { publicKey: signer.publicKey, message, signature: signer.sign(message) };
}

/** Every way of being wrong that a packet could hide. */
const SPOILED: [string, (check: SignatureCheck) => SignatureCheck][] = [
  ['another message', (check) => ({ ...check, message: Uint8Array.of(...check.message, 0) })],
  ['a bit of R', (check) => ({ ...check, signature: check.signature.map((byte, i) => (i === 3 ? byte ^ 4 : byte)) })],
  ['a bit of S', (check) => ({ ...check, signature: check.signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) })],
  ['a short signature', (check) => ({ ...check, signature: check.signature.subarray(0, 63) })],
  ['a long signature', (check) => ({ ...check, signature: Uint8Array.of(...check.signature, 0) })],
  ['no signature', (check) => ({ ...check, signature: new Uint8Array() })],
  ['the key in uppercase', (check) => ({ ...check, publicKey: check.publicKey.toUpperCase() as PublicKey })],
  ['a short key', (check) => ({ ...check, publicKey: check.publicKey.slice(0, 62) as PublicKey })],
  ['another key', (check) => ({ ...check, publicKey: createSigner(new Uint8Array(32)).publicKey })],
  ['zeros', (check) => ({ ...check, publicKey: '00'.repeat(32) as PublicKey, signature: new Uint8Array(64) })],
];

/** Good and spoiled checks in turn, with the verdicts they must get. */
function mixture(length: number): { checks: SignatureCheck[]; verdicts: boolean[] } {
  const rows = Array.from({ length }, (_, i) => {
    const spoil = SPOILED[(i / 2) % SPOILED.length];
    return i % 2 === 0 && spoil !== undefined
      ? { check: spoil[1](goodCheck(i)), good: false }
      : { check: goodCheck(i), good: true };
  });
  return { checks: rows.map(({ check }) => check), verdicts: rows.map(({ good }) => good) };
}

/** A line of a script that lies elsewhere. */
function importing(name: string, file: string): string {
  return `import { ${name} } from '${new URL(file, import.meta.url)}';`;
}

/** What the port promises, over each implementation. */
function portSuite(name: string, create: () => { verifier: Verifier; close: () => Promise<void> }): void {
  test(`${name}: good is good and each spoiled one is not`, async (t) => {
    const { verifier, close } = create();
    t.teardown(close);
    t.equal(verifier.verify(goodCheck(7)), true);
    for (const [what, spoil] of SPOILED) {
      const spoiled = spoil(goodCheck(7));
      t.equal(verifier.verify(spoiled), false, what);
      t.same(await verifier.verifyAll([spoiled]), [false], what);
      t.same(
        await verifier.verifyAll([...Array(9).fill(goodCheck(7)), spoiled]),
        [...Array(9).fill(true), false],
        what,
      );
    }
  });

  test(`${name}: one verdict each, in order, whatever the number`, async (t) => {
    const { verifier, close } = create();
    t.teardown(close);
    for (const length of [0, 1, 2, 3, 4, 5, 8, 31, 100]) {
      const { checks, verdicts } = mixture(length);
      t.same(await verifier.verifyAll(checks), verdicts, `${length} checks`);
    }
  });

  test(`${name}: many calls at once do not mix`, async (t) => {
    const { verifier, close } = create();
    t.teardown(close);
    const calls = [40, 3, 17, 1, 64, 8].map(mixture);
    const answers = await Promise.all(calls.map(({ checks }) => verifier.verifyAll(checks)));
    t.same(
      answers,
      calls.map(({ verdicts }) => verdicts),
    );
  });

  test(`${name}: what it was given stays as it was`, async (t) => {
    const { verifier, close } = create();
    t.teardown(close);
    const { checks } = mixture(12);
    const before = structuredClone(checks);
    await verifier.verifyAll(checks);
    t.same(checks, before);
  });
}

portSuite('inline', () => ({ verifier: createInlineVerifier(), close: async () => undefined }));
for (const threads of [1, 3]) {
  portSuite(`${threads} threads`, () => {
    const verifier = createVerifier({ threads });
    return { verifier, close: () => verifier.close() };
  });
}

test('a packet says what its checks say', async () => {
  const check = fc.record({
    i: fc.nat(1000),
    spoil: fc.constantFrom(null, ...SPOILED.map(([, spoil]) => spoil)),
  });
  fc.assert(
    fc.property(fc.array(check, { maxLength: 6 }), (rows) => {
      const checks = rows.map(({ i, spoil }) => (spoil === null ? goodCheck(i) : spoil(goodCheck(i))));
      const verdicts = [...verifyPacked(packChecks(checks))];
      return (
        verdicts.length === rows.length && verdicts.every((verdict, i) => verdict === (rows[i]?.spoil === null ? 1 : 0))
      );
    }),
    { numRuns: 60 },
  );
});

test('when a thread dies its callers are told, and the next call has another', async (t) => {
  const { checks, verdicts } = mixture(20);
  // Dies of the first request it gets; its successors find the mark and work.
  const folder = t.testdir({
    'once.mjs': `
      import { existsSync, writeFileSync } from 'node:fs';
      import { parentPort } from 'node:worker_threads';
      import { writeSync } from 'node:fs';
      ${importing('verifyPacked', './verify-packet.ts')}
      const mark = new URL('./died', import.meta.url);
      parentPort.on('message', ({ id, packet }) => {
        if (existsSync(mark)) return parentPort.postMessage({ id, verdicts: verifyPacked(packet) });
        writeFileSync(mark, '');
        throw new Error('planted');
      });`,
  });
  const verifier = createVerifier({ threads: 1, workerUrl: pathToFileURL(`${folder}/once.mjs`) });
  t.teardown(() => verifier.close());
  const [first, second] = await Promise.allSettled([verifier.verifyAll(checks), verifier.verifyAll(checks)]);
  t.match(first, { status: 'rejected', reason: { code: 'VERIFIER_FAILED', cause: { message: 'planted' } } });
  t.match(second, { status: 'rejected', reason: { code: 'VERIFIER_FAILED' } });
  t.same(await verifier.verifyAll(checks), verdicts);
});

test('a thread that ends by itself or never starts is a failure too', async (t) => {
  const folder = t.testdir({ 'exit.mjs': `process.exit(0);` });
  for (const script of ['exit.mjs', 'absent.mjs']) {
    const verifier = createVerifier({ threads: 2, workerUrl: pathToFileURL(`${folder}/${script}`) });
    t.teardown(() => verifier.close());
    await t.rejects(verifier.verifyAll(mixture(20).checks), { code: 'VERIFIER_FAILED' }, script);
  }
});

test('the process waits for verdicts, and for nothing after them', async (t) => {
  const folder = t.testdir({
    'run.mjs': `
      ${importing('createSigner', './ed25519.ts')}
      ${importing('createVerifier', './verifier.ts')}
      const signer = createSigner(new Uint8Array(32));
      const message = Uint8Array.of(1);
      const checks = Array(20).fill({ publicKey: signer.publicKey, message, signature: signer.sign(message) });
      const verdicts = await createVerifier({ threads: 2 }).verifyAll(checks);
      process.stdout.write(String(verdicts.every(Boolean)));`,
  });
  const child = spawn(process.execPath, [`${folder}/run.mjs`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
  t.equal(Buffer.concat(output).toString(), 'true');
  t.equal(code, 0);
});

test('what is asked while a thread works travels together', async (t) => {
  // A thread that tells how many checks each of its packets had.
  const folder = t.testdir({
    'counting.mjs': `
      import { parentPort } from 'node:worker_threads';
      import { writeSync } from 'node:fs';
      ${importing('verifyPacked', './verify-packet.ts')}
      let before = '';
      parentPort.on('message', ({ id, packet }) => {
        const verdicts = verifyPacked(packet);
        before += verdicts.length + ' ';
        // A thread's own console passes through the main thread, which may end before it has printed.
        writeSync(1, before + '\\n');
        parentPort.postMessage({ id, verdicts });
      });`,
    'run.mjs': `
      ${importing('createSigner', './ed25519.ts')}
      ${importing('createVerifier', './verifier.ts')}
      const signer = createSigner(new Uint8Array(32));
      const message = Uint8Array.of(1);
      const check = { publicKey: signer.publicKey, message, signature: signer.sign(message) };
      const verifier = createVerifier({ threads: 1, workerUrl: new URL('./counting.mjs', import.meta.url) });
      const call = (length) => verifier.verifyAll(Array(length).fill(check));
      await Promise.all([call(14), call(15), ...Array.from({ length: 60 }, () => call(10)), call(1), call(2)]);
      await Promise.all([call(4), call(4), call(4)]);
      await Promise.all([call(4), call(4), call(5)]);`,
  });
  const child = spawn(process.execPath, [`${folder}/run.mjs`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
  t.equal(code, 0);
  const packets = Buffer.concat(output).toString().trim().split('\n').at(-1)?.trim();
  t.equal(packets, '14 15 256 256 91 13', 'twelve in a turn of an idle verifier reach no thread, thirteen do');
});

test('a small call does not wait for all of a large one', async (t) => {
  const verifier = createVerifier({ threads: 1 });
  t.teardown(() => verifier.close());
  const order: string[] = [];
  const large = verifier.verifyAll(mixture(2000).checks).then(() => order.push('large'));
  const small = verifier.verifyAll(mixture(5).checks).then(() => order.push('small'));
  const single = verifier.verifyAll(mixture(1).checks).then(() => order.push('single'));
  await Promise.all([large, small, single]);
  t.same(order, ['small', 'single', 'large']);
});

test('too much at once is refused, and what was accepted is still answered', async (t) => {
  const verifier = createVerifier({ threads: 1 });
  t.teardown(() => verifier.close());
  const { checks, verdicts } = mixture(20);
  const accepted = verifier.verifyAll(checks);
  const flood = Array<SignatureCheck>(32_760).fill(goodCheck(1));
  await t.rejects(verifier.verifyAll(flood), { code: 'VERIFIER_BUSY' });
  t.same(await accepted, verdicts);
  t.same(await verifier.verifyAll(checks), verdicts, 'and it goes on');
});

test('closing rejects what is pending and what comes after', async (t) => {
  const verifier: ThreadedVerifier = createVerifier({ threads: 2 });
  const pending = verifier.verifyAll(mixture(200).checks);
  const rejected = t.rejects(pending, { code: 'VERIFIER_CLOSED' });
  await verifier.close();
  await rejected;
  await t.rejects(verifier.verifyAll(mixture(20).checks), { code: 'VERIFIER_CLOSED' });
  await t.rejects(verifier.verifyAll(mixture(1).checks), { code: 'VERIFIER_CLOSED' });
  await verifier.close();
});
