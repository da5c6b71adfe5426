/** A short run of the nemesis on real processes: a bank that nobody hears, then one that loses its data; nothing else is lost. */
import tap, { test } from 'tap';
import { plainEnv } from '../cli/processes.suite.ts';
import { systemClock, systemRandom } from '../cli/system.ts';
import { describeReport } from './report.ts';
import { runNemesis } from './run.ts';

// Some 20 s on two idle cores; the whole suite shares them.
tap.setTimeout(180_000);

test('payments survive a clogged bank and one that is wiped', async (t) => {
  const lines: string[] = [];
  const report = await runNemesis({
    seed: 18,
    banks: 4,
    folder: t.testdir(),
    forMs: 60_000,
    maxFaults: 2,
    kinds: ['clogNode', 'wipe'],
    clock: systemClock,
    random: systemRandom,
    env: plainEnv,
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
  });
  t.strictSame(report.violations, []);
  t.strictSame(report.occurrences.map(({ fault }) => fault.kind).sort(), ['clogNode', 'wipe']);
  t.ok(report.payments.acknowledged >= 10);
  t.equal(report.payments.unresolved, 0);
  t.ok(report.transactions >= report.payments.acknowledged);
  t.equal(lines.filter((line) => /#\d (?:clogNode|wipe) .*; all well/.test(line)).length, 2, 'a line for each fault');
  t.match(describeReport(report).join('\n'), /^lost +0$[\s\S]*^forks +0$[\s\S]*^conservation held$[\s\S]*^OK/m);
});
