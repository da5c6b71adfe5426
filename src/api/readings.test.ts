/** Readings that are shared: how many there are, of which block, and what one that fails does to the next. */
import t from 'tap';
import type { NodeFace } from './node-face.ts';
import { Readings } from './readings.ts';

/** A node at a height, and readings of it that end when a test says so. */
function make() {
  const under: PromiseWithResolvers<{ readonly height: number }>[] = [];
  const at = { height: 1 };
  const node = { status: () => at } as unknown as Pick<NodeFace, 'status'>;
  const readings = new Readings(node, () => {
    const reading = Promise.withResolvers<{ readonly height: number }>();
    under.push(reading);
    return reading.promise;
  });
  return { at, readings, under };
}

t.test('one at a time, shared, and none of an earlier block than the last', async (t) => {
  const { at, readings, under } = make();
  const first = [readings.latest(), readings.latest()];
  at.height = 3;
  const second = [readings.latest(), readings.latest()];
  t.equal(under.length, 1);
  under[0]?.resolve({ height: 2 });
  t.strictSame(await Promise.all(first), [{ height: 2 }, { height: 2 }]);
  second.push(readings.latest());
  t.equal(under.length, 2);
  under[1]?.resolve({ height: 4 });
  t.strictSame(await Promise.all(second), [{ height: 4 }, { height: 4 }, { height: 4 }]);
  t.strictSame(await readings.latest(), { height: 4 });
  at.height = 4;
  t.strictSame(await readings.latest(), { height: 4 }, 'a block may be in the state before the node says so');
  t.equal(under.length, 2);
});

t.test('one that fails is an error for who asked for it, and for nobody else', async (t) => {
  const { at, readings, under } = make();
  const first = readings.latest();
  at.height = 2;
  const second = readings.latest();
  under[0]?.reject(new Error('the state is damaged'));
  await t.rejects(first, { message: 'the state is damaged' });
  t.equal(under.length, 2);
  under[1]?.reject(new Error('still'));
  await t.rejects(second, { message: 'still' });
  const third = readings.latest();
  under[2]?.resolve({ height: 2 });
  t.strictSame(await third, { height: 2 });
});
