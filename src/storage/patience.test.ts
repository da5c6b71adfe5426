/** A quick disk is waited for, a slow one is not, until it is tried again. */
import t from 'tap';
import { Patience } from './patience.ts';

const RECORD = 4_096;

/** @returns how many of the next records the disk is waited for, each so long. */
function waits(patience: Patience, records: number, ms: number): number {
  let count = 0;
  for (let i = 0; i < records; i += 1) {
    if (!patience.has(RECORD)) continue;
    count += 1;
    patience.waited(ms);
  }
  return count;
}

t.test('a quick disk is waited for, also where a record takes long now and then', async (t) => {
  const patience = new Patience();
  t.equal(waits(patience, 10_000, 0.5), 10_000);
  t.equal(waits(patience, 1, 40), 1);
  t.equal(waits(patience, 100, 0.5), 100);
});

t.test('a large record goes to the pool, and says nothing of the disk', async (t) => {
  const patience = new Patience();
  t.equal(patience.has(64 * 1_024), true);
  t.equal(patience.has(64 * 1_024 + 1), false);
  t.equal(patience.has(RECORD), true);
});

t.test('a slow disk is given up after a few records, tried again, and given up again', async (t) => {
  const patience = new Patience();
  const before = waits(patience, 1_000, 10);
  t.ok(before > 1 && before < 20, `${before} records`);
  t.equal(waits(patience, 1_024 - (1_000 - before), 10), 0, 'nobody waits for the next ones');
  t.equal(waits(patience, 1_024, 10), before, 'then it is given another chance');
});

t.test('a disk that was slow for a while is waited for again', async (t) => {
  const patience = new Patience();
  waits(patience, 1_024 + waits(patience, 10, 10), 10);
  const later = waits(patience, 10_000, 0.5);
  t.ok(later > 8_000, `${later} of 10,000`);
});
