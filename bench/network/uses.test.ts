/** What a bank used is the sum of its processes', from the first look on. */
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { BankUse, useOf } from './uses.ts';

const threadsOf = (cpuS: number) => ({ loop: cpuS - 1, checks: 1, engine: 0, storage: 0, other: 0 });
const NO_TIME = { loop: 0, checks: 0, engine: 0, storage: 0, other: 0 };

const use = (cpuS: number, rssBytes: number) => ({
  cpuS,
  threadsS: threadsOf(cpuS),
  rssBytes,
  allWrittenBytes: cpuS * 10,
  diskWrittenBytes: cpuS,
});

t.test('from the first look on', async (t) => {
  const bank = new BankUse();
  t.equal(bank.spent.cpuS, 0);
  bank.look(1, use(5, 70));
  t.same(bank.spent, { cpuS: 0, threadsS: NO_TIME, rssBytes: 70, allWrittenBytes: 0, diskWrittenBytes: 0 });
  bank.look(1, use(8, 60));
  t.same(bank.spent, {
    cpuS: 3,
    threadsS: { ...NO_TIME, loop: 3 },
    rssBytes: 70,
    allWrittenBytes: 30,
    diskWrittenBytes: 3,
  });
});

t.test('a process that takes the place of another has used all that it used', async (t) => {
  const bank = new BankUse();
  bank.look(1, use(5, 70));
  bank.look(1, use(8, 70));
  bank.look(2, use(1, 90));
  bank.look(2, use(2, 80));
  t.same(bank.spent, {
    cpuS: 5,
    // Of the first process a loop's three seconds; of the second all that it has used.
    threadsS: { ...NO_TIME, loop: 4, checks: 1 },
    rssBytes: 90,
    allWrittenBytes: 50,
    diskWrittenBytes: 5,
  });
});

t.test('what a thread has used is not taken back when it ends', async (t) => {
  const bank = new BankUse();
  bank.look(1, { ...use(5, 70), threadsS: { ...NO_TIME, loop: 3, checks: 2 } });
  bank.look(1, { ...use(8, 70), threadsS: { ...NO_TIME, loop: 4, checks: 4 } });
  bank.look(1, { ...use(9, 70), threadsS: { ...NO_TIME, loop: 5 } });
  t.same(bank.spent.threadsS, { ...NO_TIME, loop: 2, checks: 2 });
});

t.test('of a process that has ended nothing is known', async (t) => {
  t.equal(await useOf(2 ** 30), null);
});

t.test('a process is its loop, and its threads have their kinds', { skip: process.platform !== 'linux' }, async (t) => {
  const worker = new Worker('for (;;);', { eval: true });
  t.teardown(() => worker.terminate());
  for (;;) {
    const used = await useOf(process.pid);
    if (used === null) return t.fail('this process is there');
    const { threadsS, cpuS } = used;
    if (threadsS.checks > 0.05) {
      t.ok(threadsS.loop > 0);
      const sum = Object.values(threadsS).reduce((all, one) => all + one);
      // Each is cut to a hundredth of a second, and threads are read after the process.
      t.ok(sum > cpuS - 0.5 && sum < cpuS + 1, `${sum} of ${cpuS} s`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
