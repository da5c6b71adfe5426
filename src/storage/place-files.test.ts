/** Files of runs over every disk, then at every crash and refusal: what was finished is whole, so is the next one. */
import t from 'tap';
import type { Disk } from '../ports.ts';
import { crashPoints } from './crash-points.ts';
import { openFileDisk } from './file-disk.ts';
import type { DiskOperation, Survival } from './memory-disk.ts';
import { diskError, KEEP_UNSYNCED, keepSectors, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';
import { PlaceFiles } from './place-files.ts';
import { openValue, SEAL_BYTES, sealValue } from './state-values.ts';

/** What is written at once. */
const WRITE_BYTES = 256 * 1024;

type Part = readonly [key: string, value: Uint8Array];

const partsOf = (run: string, ...sizes: readonly number[]): readonly Part[] =>
  sizes.map((size, n) => [`p/${run}/row/${n}`, new Uint8Array(size).map((_, at) => at + n + run.length)]);

/** Rows and filters as they are, then all that is small, and more than there is room for at first. */
const parts = partsOf('a', 16_384, 16_384, 0, 1, 1_020, 1_021, 65_536, 600_000, 3);
const others = partsOf('other', 16_384, 700, 65_536);

async function write(files: PlaceFiles, run: string, content: readonly Part[]): Promise<void> {
  const writer = await files.begin(run);
  for (const [key, value] of content) {
    const lent = value.slice();
    writer.put(key, lent);
    lent.fill(0xee);
    await writer.flush();
  }
  await files.finish(run, writer);
}

/** Whether the parts of a run are read, all of them as they were put; none of them is no failure. */
async function isThere(files: PlaceFiles, run: string, content: readonly Part[]): Promise<boolean> {
  const found: (Uint8Array | null)[] = [];
  let at = 0;
  for (const [key, value] of content) {
    const sealed = await files.read(run, at, value.length + SEAL_BYTES);
    found.push(sealed === null ? null : openValue(key, sealed));
    at += value.length + SEAL_BYTES;
  }
  if (found.every((value) => value === null)) return false;
  t.ok(
    content.every(([, value], n) => Buffer.from(value).equals(found[n] ?? Buffer.from('nothing'))),
    `what is read of ${run} is what was put`,
  );
  return true;
}

const disks: readonly (readonly [string, (folder: string) => Promise<Disk>])[] = [
  ['files', openFileDisk],
  ['memory', () => Promise.resolve(new MemoryDisk())],
];

for (const [name, open] of disks) {
  t.test(`${name}: what was finished is read, across openings, until it is removed`, async (t) => {
    const disk = await open(t.testdir());
    const files = new PlaceFiles(disk);
    t.equal(await files.open('a'), false, 'nothing is there');
    t.equal(await files.read('a', 0, 1), null);
    await write(files, 'a', parts);
    await write(files, 'other', others);
    await write(files, 'empty', []);
    t.ok(await isThere(files, 'a', parts));
    t.ok(await isThere(files, 'other', others));
    t.strictSame([...(await disk.names())].sort(), ['a.places', 'empty.places', 'other.places']);
    await files.close();
    await files.close();

    const again = new PlaceFiles(disk);
    t.notOk(await isThere(again, 'a', parts), 'not opened');
    t.equal(await again.open('a'), true);
    t.equal(await again.open('empty'), true);
    t.ok(await isThere(again, 'a', parts));
    t.equal((await again.read('empty', 0, 9))?.length, 0);
    await again.keep(new Set(['other', 'a']));
    t.ok(await isThere(again, 'a', parts), 'what is kept stays open');
    t.equal(await again.read('empty', 0, 9), null);
    t.equal(await again.open('empty'), false);
    t.equal(await again.open('other'), true, 'what is kept need not be open');
    t.ok(await isThere(again, 'other', others));
    await again.keep(new Set());
    for (const run of ['a', 'other']) t.equal(await again.read(run, 0, 9), null);
    t.strictSame(await disk.names(), []);
    await again.close();
  });

  t.test(`${name}: what was begun is not read before it is finished, and half of it is overwritten`, async (t) => {
    const disk = await open(t.testdir());
    const first = new PlaceFiles(disk);
    const writer = await first.begin('a');
    for (const [key, value] of parts) writer.put(key, value);
    await writer.flush();
    t.equal(await first.read('a', 0, 9), null);
    await writer.file.close();
    // Whatever has the name: a half, or more than there will be.
    for (const size of [9, 2_000_000]) {
      const file = await disk.open('a.places', true);
      await file?.truncate(0);
      await file?.append(new Uint8Array(size).fill(7));
      await file?.close();
      const files = new PlaceFiles(disk);
      await write(files, 'a', others);
      const same = await disk.open('a.places', false);
      const sealed = Buffer.concat(others.map(([key, value]) => sealValue(key, value)));
      t.ok(sealed.equals((await same?.read(0, 3_000_000)) ?? new Uint8Array()), 'its bytes are the parts, each sealed');
      await same?.close();
      await files.keep(new Set(['a']));
      t.ok(await isThere(files, 'a', others), `over ${size} bytes`);
      await files.close();
    }
  });

  t.test(`${name}: what is not of the index is left alone`, async (t) => {
    const disk = await open(t.testdir());
    const files = new PlaceFiles(disk);
    for (const name of ['places', 'a.places.new', 'LOCK', 'a.places']) await (await disk.open(name, true))?.close();
    await files.keep(new Set());
    t.strictSame([...(await disk.names())].sort(), ['LOCK', 'a.places.new', 'places']);
  });

  t.test(`${name}: who reads a file while it is removed reads to the end`, async (t) => {
    const files = new PlaceFiles(await open(t.testdir()));
    await write(files, 'a', parts);
    const [[key, value]] = parts as readonly [Part];
    const reading = Array.from({ length: 40 }, () => files.read('a', 0, value.length + SEAL_BYTES));
    const removed = files.keep(new Set());
    t.equal(await files.read('a', 0, value.length), null, 'and who comes later hears that it is gone');
    for (const sealed of await Promise.all(reading)) {
      t.ok(sealed !== null && Buffer.from(openValue(key, sealed)).equals(value));
    }
    await removed;
  });

  t.test(`${name}: past the end there is nothing, which is no sealed value`, async (t) => {
    const files = new PlaceFiles(await open(t.testdir()));
    await write(files, 'a', partsOf('a', 10));
    t.equal((await files.read('a', 0, 99))?.length, 10 + SEAL_BYTES);
    const past = await files.read('a', 500, 99);
    t.equal(past?.length, 0);
    t.throws(() => openValue('p/a/row/0', past ?? sealValue('p/a/row/0', new Uint8Array())), { code: 'STATE_CORRUPT' });
    await files.close();
  });
}

t.test('it writes much at a time, and what is finished is synced before its name is', async (t) => {
  const operations: DiskOperation[] = [];
  const disk = new MemoryDisk((operation) => {
    operations.push(operation);
    return null;
  });
  const files = new PlaceFiles(disk);
  const rows = partsOf('a', ...Array.from({ length: 70 }, () => 16_384));
  await write(files, 'a', rows);
  const appends = operations.filter(({ kind }) => kind === 'append').map(({ length }) => length);
  t.equal(
    appends.reduce((sum, length) => sum + length, 0),
    rows.length * (16_384 + SEAL_BYTES),
  );
  t.equal(appends.length, 5);
  t.ok(appends.slice(0, -1).every((length) => length >= WRITE_BYTES && length < 2 * WRITE_BYTES));
  t.strictSame(
    operations.filter(({ kind }) => kind !== 'append').map(({ kind }) => kind),
    ['create', 'truncate', 'sync', 'syncFolder'],
  );
  t.ok(operations.findLastIndex(({ kind }) => kind === 'append') < operations.findIndex(({ kind }) => kind === 'sync'));
});

const survivals: readonly Survival[] = [
  LOSE_UNSYNCED,
  KEEP_UNSYNCED,
  keepSectors((sector) => sector % 2 === 0),
  { ...KEEP_UNSYNCED, names: (pending) => pending >>> 1 },
  { ...LOSE_UNSYNCED, names: (pending) => pending },
];

t.test('a crash at every point leaves what was finished, whole, and the next one of a name is whole', async (t) => {
  const start = new MemoryDisk();
  await write(new PlaceFiles(start), 'old', others);
  start.write('a.places', new Uint8Array(3_000).fill(9));
  const short = partsOf('a', 16_384, 300, 40);
  let told = { isFinished: false, isKept: false };
  const work = async (disk: MemoryDisk) => {
    told = { isFinished: false, isKept: false };
    const files = new PlaceFiles(disk);
    await write(files, 'a', short);
    told.isFinished = true;
    await files.keep(new Set(['a']));
    told.isKept = true;
  };
  let points = 0;
  let finished = 0;
  for await (const { disk } of crashPoints(work, start)) {
    for (const survival of survivals) {
      points += 1;
      const after = disk.afterCrash(survival);
      const files = new PlaceFiles(after);
      if (told.isFinished) {
        finished += 1;
        t.ok((await files.open('a')) && (await isThere(files, 'a', short)), 'told to be durable, it is');
      } else t.ok((await files.open('old')) && (await isThere(files, 'old', others)), 'the old one is left alone');
      await files.keep(new Set(['a']));
      await write(files, 'a', short);
      const last = new PlaceFiles(after.afterCrash(LOSE_UNSYNCED));
      t.ok((await last.open('a')) && (await isThere(last, 'a', short)), 'written anew, it is durable');
      await last.keep(new Set(['a']));
      t.equal(await last.open('old'), false);
    }
  }
  t.ok(points >= 50 && finished > 0 && finished < points, `${points} points, ${finished} of them finished`);
});

t.test('a disk that refuses is an error, and what it refused is not read', async (t) => {
  for (const kind of ['create', 'truncate', 'append', 'sync', 'syncFolder'] as const) {
    let isRefused = true;
    const disk = new MemoryDisk((operation) =>
      isRefused && operation.kind === kind ? { error: diskError('ENOSPC'), written: 100 } : null,
    );
    const files = new PlaceFiles(disk);
    await t.rejects(write(files, 'a', parts), { code: 'ENOSPC' }, kind);
    t.equal(await files.read('a', 0, 9), null, kind);
    isRefused = false;
    await write(files, 'a', others);
    t.ok(await isThere(files, 'a', others));
    const after = new PlaceFiles(disk.afterCrash(LOSE_UNSYNCED));
    t.ok((await after.open('a')) && (await isThere(after, 'a', others)), `after ${kind}, what was synced is durable`);
  }
  const disk = new MemoryDisk(({ kind }) => (kind === 'remove' ? { error: diskError('EIO'), written: 0 } : null));
  const files = new PlaceFiles(disk);
  await write(files, 'a', others);
  await t.rejects(files.keep(new Set()), { code: 'EIO' });
  t.equal(await files.read('a', 0, 9), null, 'it is let go all the same');
});
