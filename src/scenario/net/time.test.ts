/** Story time as a label over real time, on a clock that the test moves. */
import t from 'tap';
import { turn } from '../../simulator/turn.ts';
import { VirtualClock } from '../../simulator/world/clock.ts';
import { StoryTime } from './time.ts';

const BEGINS_MS = Date.UTC(2026, 0, 5);

/** @returns what the promise gave, and how long that took on the clock. */
async function lived<T>(clock: VirtualClock, promise: Promise<T>): Promise<number> {
  const startMs = clock.now();
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  promise.then(end, end);
  for (await turn(); !isOver; await turn()) if (!clock.fireNext()) throw new Error('whoever waits has a timer');
  await promise;
  return clock.now() - startMs;
}

function world() {
  const clock = new VirtualClock(1_000_000);
  return { clock, time: new StoryTime(clock, BEGINS_MS) };
}

t.test('a short sleep is lived through; of a long one, the rest is leapt over', async (t) => {
  const { clock, time } = world();
  t.equal(time.now(), BEGINS_MS);
  for (const ms of [0, 1, 250, 999]) t.equal(await lived(clock, time.sleep(ms)), ms, `${ms} ms`);
  t.equal(time.now(), BEGINS_MS + 1_250);
  for (const ms of [1_500, 5_000, 86_400_000]) {
    const startMs = time.now();
    t.ok((await lived(clock, time.sleep(ms))) <= 20, `${ms} ms at once`);
    t.equal(time.now() - startMs, ms);
  }
});

t.test('what is under way is waited for, and no longer than two seconds', async (t) => {
  const { clock, time } = world();
  const answer = Promise.withResolvers<void>();
  clock.schedule(700, answer.resolve);
  void time.awaiting(answer.promise);
  const waitedMs = await lived(clock, time.sleep(3_600_000));
  t.ok(waitedMs >= 700 && waitedMs <= 720, `${waitedMs} ms`);

  void time.awaiting(new Promise(() => undefined));
  const startMs = time.now();
  const patientMs = await lived(clock, time.sleep(3_600_000));
  t.ok(patientMs >= 2_000 && patientMs <= 2_020, `${patientMs} ms`);
  t.equal(time.now() - startMs, 3_600_000);
});

t.test('of several sleepers each wakes at its own time, in order', async (t) => {
  const { clock, time } = world();
  const woken: [string, number][] = [];
  const sleep = async (name: string, ms: number) => {
    await time.sleep(ms);
    woken.push([name, time.now() - BEGINS_MS]);
  };
  await lived(clock, Promise.all([sleep('an hour', 3_600_000), sleep('a minute', 60_000), sleep('a blink', 100)]));
  t.strictSame(woken, [
    ['a blink', 100],
    ['a minute', 60_000],
    ['an hour', 3_600_000],
  ]);
});

t.test('what began with the sleep counts, though it shows only a turn later', async (t) => {
  const { clock, time } = world();
  const answer = Promise.withResolvers<void>();
  clock.schedule(300, answer.resolve);
  const asking = Promise.resolve()
    .then(() => undefined)
    .then(() => time.awaiting(answer.promise));
  t.ok((await lived(clock, time.sleep(60_000))) >= 300);
  await asking;
});

t.test('moments of real time have their story time, before and after a leap', async (t) => {
  const { clock, time } = world();
  const startMs = clock.now();
  await lived(clock, time.sleep(500));
  await lived(clock, time.sleep(60_000));
  t.equal(time.elapsedAt(startMs - 10), 0, 'before the start');
  t.equal(time.elapsedAt(startMs + 200), 200);
  t.equal(time.elapsedAt(clock.now()), 60_500);
  t.equal(time.elapsedMs, 60_500);
});

t.test('when it is closed nobody is woken any more', async (t) => {
  const { clock, time } = world();
  let isWoken = false;
  const wake = () => {
    isWoken = true;
  };
  void time.sleep(10).then(wake);
  time.close();
  void time.sleep(10).then(wake);
  while (clock.fireNext()) await turn();
  await turn();
  t.notOk(isWoken);
});
