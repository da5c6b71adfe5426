/** Files of a disk that lies: what is read from a record file is a beginning of what was written, or a code says what is wrong. */
import fc from 'fast-check';
import t from 'tap';
import { Chance } from '../simulator/world/random.ts';
import { fuzzRuns, refusalProblem } from '../testing/fuzz.ts';
import type { ChainId } from '../types/index.ts';
import { MemoryDisk } from './memory-disk.ts';
import { openRecordFile } from './record-file.ts';
import { RECORD_KINDS, type RecordKind } from './record-format.ts';
import { decodeTip, encodeTip, openValue, sealValue } from './state-values.ts';

const chainId = 'c1'.repeat(32) as ChainId;
const name = 'x.log';
const CODES = ['LOG_FORMAT', 'LOG_CORRUPT', 'SIGN_STATE_CORRUPT', 'SNAPSHOT_CORRUPT', 'FOLDER_FOREIGN'];

for (const [kindName, kind] of Object.entries(RECORD_KINDS) as [string, RecordKind][]) {
  t.test(`${kindName}: a damaged file`, async (t) => {
    const lengths = [40, 1, 700, 16, 3_000, 48];
    const payloads = lengths.map((length, i) => new Chance(i, 'payload').bytes(length));
    const file = await written(kind, payloads);
    const other = await written(kind, payloads.toReversed());
    const property = fc.asyncProperty(fc.nat(), async (seed) => {
      const bytes = damaged(new Chance(seed, 'disk'), file, other);
      const problem = await problemOf(kind, bytes, payloads, Buffer.compare(bytes, file) === 0);
      if (problem !== null) throw new Error(`${problem}\n${Buffer.from(bytes.subarray(0, 400)).toString('hex')}`);
    });
    await fc.assert(property, fuzzRuns(500));
    t.equal(await problemOf(kind, file, payloads, true), null, 'the true file is read whole');
  });
}

t.test('sealed values and the tip', async (t) => {
  const tip = encodeTip({ height: 77, chain: chainId });
  const sealed = sealValue('balance/dara@aclb/KHR', Uint8Array.of(1, 2, 3));
  const property = fc.property(fc.nat(), (seed) => {
    const chance = new Chance(seed, 'value');
    const value = damaged(chance, sealed, tip);
    const opened = outcome(() => openValue('balance/dara@aclb/KHR', value), ['STATE_CORRUPT']);
    if (opened !== null && Buffer.compare(sealValue('balance/dara@aclb/KHR', opened), value) !== 0)
      throw new Error('lost');
    const place = damaged(chance, tip, sealed);
    const read = outcome(() => decodeTip(place), ['STATE_CORRUPT']);
    if (read !== null && Buffer.compare(encodeTip(read), place) !== 0) throw new Error(`a tip at ${read.height}`);
  });
  fc.assert(property, fuzzRuns(3_000));
  t.pass('laws hold');
});

async function written(kind: RecordKind, payloads: readonly Uint8Array[]): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  const file = await openRecordFile({ disk, name, kind, chainId });
  for (const payload of payloads) await file.append(payload);
  return disk.peek(name) ?? new Uint8Array();
}

async function problemOf(
  kind: RecordKind,
  content: Uint8Array,
  payloads: readonly Uint8Array[],
  isTrue: boolean,
): Promise<string | null> {
  const disk = new MemoryDisk();
  disk.write(name, content);
  try {
    const file = await openRecordFile({ disk, name, kind, chainId });
    if (file.count > payloads.length || (isTrue && file.count < payloads.length)) return `${file.count} records`;
    for (let ordinal = 1; ordinal <= file.count; ordinal++) {
      const found = (await file.read(ordinal)) ?? new Uint8Array();
      if (Buffer.compare(found, payloads[ordinal - 1] as Uint8Array) !== 0) return `another record ${ordinal}`;
    }
    return null;
  } catch (error) {
    return isTrue ? String(error) : refusalProblem(error, CODES);
  }
}

/** Cuts, flips, zeroes, repeats, and takes pieces from another file. */
function damaged(chance: Chance, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = chance.below(bytes.length + 1);
  const length = chance.pick([1, 2, 4, 8, 16, 48, 512]);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  const from = chance.below(other.length);
  const parts = chance.pick([
    () => [before],
    () => [before, chance.bytes(length), after.subarray(length)],
    () => [before, new Uint8Array(Math.min(length, after.length)), after.subarray(length)],
    () => [before, new Uint8Array(length).fill(0xff), after.subarray(length)],
    () => [before, after.subarray(length)],
    () => [before, before.subarray(-length), after],
    () => [before, other.subarray(from, from + length), after],
    () => [before, other.subarray(from)],
    () => [before, other.subarray(at, at + length), after.subarray(length)],
    () => [chance.bytes(length)],
  ])();
  return new Uint8Array(Buffer.concat(parts));
}

function outcome<T>(read: () => T, codes: readonly string[]): T | null {
  try {
    return read();
  } catch (error) {
    const problem = refusalProblem(error, codes);
    if (problem !== null) throw new Error(problem);
    return null;
  }
}
