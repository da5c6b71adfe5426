import { rm } from 'node:fs/promises';
import t from 'tap';
import { readFlags } from './flags.ts';
import { GROUPS } from './groups/index.ts';

for (const group of GROUPS) {
  t.test(`${group.name}: each of its benchmarks runs, twice`, async (t) => {
    const folder = t.testdir({});
    const { benchmarks, close } = await group.open(folder);
    t.ok(benchmarks.length > 0);
    try {
      for (const { name, run } of benchmarks) {
        await run();
        await t.resolves(Promise.resolve(run()), name);
      }
      const names = benchmarks.map(({ name }) => name);
      t.equal(new Set(names).size, names.length, 'no two have one name');
    } finally {
      await close();
      await rm(folder, { recursive: true });
    }
  });
}

t.test('flags', async (t) => {
  const names = (...args: string[]) => readFlags(args).groups.map(({ name }) => name);
  t.strictSame(
    names(),
    GROUPS.map(({ name }) => name),
  );
  t.strictSame(names('--only', 'ledger,codec'), ['codec', 'ledger']);
  t.match(readFlags(['--json', 'a.json']), { json: 'a.json', isHelp: false });
  t.equal(readFlags(['--help']).isHelp, true);
  t.throws(() => readFlags(['--only', 'codecs']), {
    code: 'FLAG_WRONG',
    message: /^--only codecs: the groups are codec, /,
  });
  for (const wrong of [['--onyl', 'codec'], ['codec'], ['--json']])
    t.throws(() => readFlags(wrong), { code: 'FLAG_WRONG' });
});
