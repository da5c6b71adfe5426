import t from 'tap';
import { logBytes } from './leveldb.ts';

t.test('a larger database gathers more before it writes a table, and no two of a size need agree', (t) => {
  const MIB = 1024 * 1024;
  for (const [tables, least, most] of [
    [0, 2.8, 4],
    [8, 2.8, 4],
    [16, 5.6, 8],
    [32, 11.2, 16],
    [4_096, 11.2, 16],
  ] as const) {
    t.equal(logBytes(tables * MIB, 0), most * MIB, `${tables} MiB of tables`);
    t.equal(logBytes(tables * MIB, 1), Math.floor(least * MIB), `${tables} MiB, by the other chance`);
  }
  t.end();
});
