/** What a bank used is the sum of its processes', from the first look on. */
import t from 'tap';
import { BankUse, useOf } from './uses.ts';

const use = (cpuS: number, rssBytes: number) => ({
  cpuS,
  rssBytes,
  allWrittenBytes: cpuS * 10,
  diskWrittenBytes: cpuS,
});

t.test('from the first look on', async (t) => {
  const bank = new BankUse();
  t.equal(bank.spent.cpuS, 0);
  bank.look(1, use(5, 70));
  t.same(bank.spent, { cpuS: 0, rssBytes: 70, allWrittenBytes: 0, diskWrittenBytes: 0 });
  bank.look(1, use(8, 60));
  t.same(bank.spent, { cpuS: 3, rssBytes: 70, allWrittenBytes: 30, diskWrittenBytes: 3 });
});

t.test('a process that takes the place of another has used all that it used', async (t) => {
  const bank = new BankUse();
  bank.look(1, use(5, 70));
  bank.look(1, use(8, 70));
  bank.look(2, use(1, 90));
  bank.look(2, use(2, 80));
  t.same(bank.spent, { cpuS: 5, rssBytes: 90, allWrittenBytes: 50, diskWrittenBytes: 5 });
});

t.test('of a process that has ended nothing is known', async (t) => {
  t.equal(await useOf(2 ** 30), null);
});
