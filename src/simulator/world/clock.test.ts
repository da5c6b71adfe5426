import t from 'tap';
import { VirtualClock } from './clock.ts';

t.test('timers fire in the order of their times, and at them', async (t) => {
  const clock = new VirtualClock(1_000);
  const fired: [string, number][] = [];
  for (const [name, delayMs] of [
    ['late', 30],
    ['soon', 10],
    ['next', 20],
  ] as const) {
    clock.schedule(delayMs, () => fired.push([name, clock.now()]));
  }
  const cancel = clock.schedule(15, () => fired.push(['cancelled', clock.now()]));
  cancel();
  while (clock.fireNext());
  t.strictSame(fired, [
    ['soon', 1_010],
    ['next', 1_020],
    ['late', 1_030],
  ]);
});

t.test('a leap shows later time, fires nothing, and leaves every timer as long to wait as it had', async (t) => {
  const clock = new VirtualClock(1_000);
  const fired: [string, number][] = [];
  clock.schedule(50, () => fired.push(['old', clock.now()]));
  clock.schedule(10, () => clock.leap(86_400_000));
  t.ok(clock.fireNext());
  t.equal(clock.now(), 86_401_010);
  t.strictSame(fired, []);
  clock.schedule(39, () => fired.push(['new', clock.now()]));
  while (clock.fireNext());
  t.strictSame(fired, [
    ['new', 86_401_049],
    ['old', 86_401_050],
  ]);
  t.throws(() => clock.leap(-1), { name: 'AssertionError' });
});
