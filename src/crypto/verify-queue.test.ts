import fc from 'fast-check';
import { test } from 'tap';
import { CodedError } from '../errors.ts';
import type { SignatureCheck } from '../ports.ts';
import type { PublicKey } from '../types/index.ts';
import { createVerifyQueue, type Packet } from './verify-queue.ts';

/** A check that only has a number; an even one is good. */
function check(number: number): SignatureCheck {
  return { publicKey: String(number) as PublicKey, message: new Uint8Array(), signature: new Uint8Array() };
}

function isGood({ publicKey }: SignatureCheck): boolean {
  return Number(publicKey) % 2 === 0;
}

function checks(from: number, length: number): SignatureCheck[] {
  return Array.from({ length }, (_, i) => check(from + i));
}

const planted = new CodedError('VERIFIER_FAILED', 'planted');

test('small calls share a packet, in the order of their asking', async (t) => {
  const queue = createVerifyQueue();
  const answers = [queue.add(checks(0, 2)), queue.add(checks(5, 3)), queue.add(checks(8, 1))];
  const packet = queue.take(256)!;
  t.same(
    packet.checks.map(({ publicKey }) => publicKey),
    ['0', '1', '5', '6', '7', '8'],
  );
  t.equal(queue.take(256), null, 'nothing waits any more');
  t.match(queue, { waiting: 0, pending: 6 });
  packet.answer([1, 0, 0, 1, 0, 1]);
  t.same(await Promise.all(answers), [[true, false], [false, true, false], [true]]);
  t.equal(queue.pending, 0);
});

test('a small call waits for a part of a large one, not for all of it', async (t) => {
  const queue = createVerifyQueue();
  const large = queue.add(checks(0, 1000));
  const small = queue.add(checks(5000, 4));
  const first = queue.take(100)!;
  t.same(
    first.checks.slice(62, 70).map(({ publicKey }) => publicKey),
    ['62', '63', '5000', '5001', '5002', '5003', '64', '65'],
  );
  first.answer(first.checks.map(isGood));
  t.same(await small, [true, false, true, false]);
  for (let packet = queue.take(100); packet !== null; packet = queue.take(100))
    packet.answer(packet.checks.map(isGood));
  t.same(await large, checks(0, 1000).map(isGood));
});

test('a call fails once, and takes what waits of it along', async (t) => {
  const queue = createVerifyQueue();
  const [large, other] = [queue.add(checks(0, 300)), queue.add(checks(300, 2))];
  const [first, second] = [queue.take(64)!, queue.take(66)!];
  first.fail(planted);
  await t.rejects(large, { code: 'VERIFIER_FAILED' });
  t.match(queue, { waiting: 0, pending: 2 });
  t.equal(queue.take(256), null);
  second.answer(second.checks.map(isGood));
  t.same(await other, [true, false], 'what shares a packet with its other part is answered');
  t.equal(queue.pending, 0);
});

test('whatever the packets and the order of their answers, each call has its own verdicts or one failure', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 12 });
  const steps = fc.array(fc.record({ most: fc.integer({ min: 1, max: 150 }), at: fc.nat(5), fails: fc.nat(9) }));
  await fc.assert(
    fc.asyncProperty(sizes, steps, fc.boolean(), async (lengths, moves, ends) => {
      const queue = createVerifyQueue();
      const calls = lengths.map((length, i) => checks(1000 * i, length));
      const answers = calls.map((call) => queue.add(call));
      const settled = Promise.allSettled(answers);
      const failed = new Set<string>();
      const underWay: Packet[] = [];
      const finish = (packet: Packet, fails: boolean): void => {
        if (!fails) {
          packet.answer(packet.checks.map((each) => Number(isGood(each))));
          return;
        }
        for (const { publicKey } of packet.checks) failed.add(String(Math.floor(Number(publicKey) / 1000)));
        packet.fail(planted);
      };
      for (const { most, at, fails } of moves) {
        const packet = queue.take(most);
        if (packet !== null) underWay.push(packet);
        for (const done of underWay.splice(at, 1)) finish(done, fails === 0);
      }
      if (ends) queue.failAll(planted);
      else {
        for (let packet = queue.take(256); packet !== null; packet = queue.take(256)) underWay.push(packet);
        for (const packet of underWay) finish(packet, false);
      }
      const results = await settled;
      const right = results.every((result, i) =>
        result.status === 'fulfilled'
          ? !failed.has(String(i)) && JSON.stringify(result.value) === JSON.stringify(calls[i]?.map(isGood))
          : ends || failed.has(String(i)),
      );
      return right && queue.pending === 0 && queue.waiting === 0;
    }),
  );
});
