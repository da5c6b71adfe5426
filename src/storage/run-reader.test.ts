/** Merging takes every record once, in order, however many runs there are and however they end. */
import fc from 'fast-check';
import t from 'tap';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, sortRecords, writePlace } from '../codec/places.ts';
import type { StoredRun } from './place-rows.ts';
import { RunReader, Tournament } from './run-reader.ts';

/** A key that begins like others: in its first, or its second four bytes, or in all but the last. */
const key = fc.constantFrom(
  '00'.repeat(24),
  `${'00'.repeat(23)}01`,
  `0000000000000001${'00'.repeat(16)}`,
  'ff'.repeat(24),
);
const place = fc.record({ key, height: fc.nat(3), index: fc.nat(300) });

function runOf(
  places: readonly { readonly key: string; readonly height: number; readonly index: number }[],
): Uint8Array {
  const records = Buffer.alloc(places.length * PLACE_RECORD_BYTES);
  for (const [n, each] of places.entries()) {
    records.write(each.key, n * PLACE_RECORD_BYTES, PLACE_KEY_BYTES, 'hex');
    writePlace(records, n * PLACE_RECORD_BYTES, each);
  }
  return sortRecords(records);
}

/** Reads its run two records at a time. */
function readerOf(run: Uint8Array): RunReader {
  const rowBytes = 2 * PLACE_RECORD_BYTES;
  const heads = new Float64Array(Math.ceil(run.length / rowBytes));
  return new RunReader({ heads } as StoredRun, (row) =>
    Promise.resolve(run.subarray(row * rowBytes, (row + 1) * rowBytes)),
  );
}

async function merged(runs: readonly Uint8Array[]): Promise<Uint8Array> {
  const readers = runs.map(readerOf);
  for (const reader of readers) await reader.next();
  const tournament = new Tournament(readers);
  const taken: Uint8Array[] = [];
  for (let first = tournament.first; first !== null; first = tournament.first) {
    taken.push(first.row.slice(first.at, first.at + PLACE_RECORD_BYTES));
    if (!first.step()) await first.next();
    tournament.moved();
  }
  return Buffer.concat(taken);
}

t.test('what is merged is what sorting all of it gives', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(place, { maxLength: 12 }), { maxLength: 17 }), async (places) => {
      const whole = runOf(places.flat());
      const got = await merged(places.map(runOf));
      t.equal(Buffer.compare(got, whole), 0);
    }),
  );
});

t.test('of no runs, and of empty ones, there is no first record', async (t) => {
  t.equal(new Tournament([]).first, null);
  t.equal((await merged([new Uint8Array(), new Uint8Array()])).length, 0);
});
