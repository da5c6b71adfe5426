/** The `Snapshots` port over every disk, then at every crash, cut and flipped bit: what it gives is what was put in, or nothing. */
import t from 'tap';
import type { Disk, Snapshots } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import { crashPoints } from './crash-points.ts';
import { openFileDisk } from './file-disk.ts';
import { diskError, KEEP_UNSYNCED, keepSectors, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';
import { openSnapshots } from './snapshots.ts';

const chainId = 'c1'.repeat(32) as ChainId;
const chunk = (height: number, index: number) => new Uint8Array(50 + index).fill(height + index);
const manifest = (height: number) => new Uint8Array(9).fill(height);
const CHUNKS = 3;

async function put(snapshots: Snapshots, height: number): Promise<void> {
  const writer = await snapshots.begin(height);
  for (let index = 0; index < CHUNKS; index++) await writer.append(chunk(height, index));
  await writer.finish(manifest(height));
}

/** Whether a snapshot is there, whole and true; neither is a failure. */
async function isThere(snapshots: Snapshots, height: number): Promise<boolean> {
  const found = [await snapshots.manifest(height)];
  for (let index = 0; index <= CHUNKS; index++) found.push(await snapshots.chunk(height, index));
  if (found.every((bytes) => bytes === null)) return false;
  const due = [manifest(height), ...[0, 1, 2].map((index) => chunk(height, index)), null];
  t.strictSame(found, due, `snapshot ${height}`);
  return true;
}

const disks: readonly (readonly [string, (folder: string) => Promise<Disk>])[] = [
  ['files', openFileDisk],
  ['memory', () => Promise.resolve(new MemoryDisk())],
];

for (const [name, open] of disks) {
  t.test(`${name}: what was finished is there, across openings, until it is removed`, async (t) => {
    const disk = await open(t.testdir());
    const snapshots = await openSnapshots(disk, chainId);
    t.strictSame(snapshots.heights(), []);
    t.equal(await snapshots.manifest(40), null);
    for (const height of [80, 40, 120]) await put(snapshots, height);
    t.strictSame(snapshots.heights(), [40, 80, 120]);
    const writer = await snapshots.begin(160);
    await writer.append(chunk(160, 0));
    t.equal(await isThere(snapshots, 160), false, 'begun is not there');
    await writer.abandon();
    await snapshots.close();

    const again = await openSnapshots(disk, chainId);
    t.strictSame(again.heights(), [40, 80, 120]);
    for (const height of [40, 80, 120]) t.ok(await isThere(again, height));
    t.equal(await again.chunk(40, -1), null);
    await put(again, 80);
    t.ok(await isThere(again, 80), 'made anew');
    await again.keep([80, 120, 999]);
    t.strictSame(again.heights(), [80, 120]);
    t.equal(await isThere(again, 40), false);
    await again.setAside(120);
    t.strictSame(again.heights(), [80]);
    await again.close();
    t.strictSame([...(await disk.names())].sort(), ['120.snapshot.damaged-1', '80.snapshot']);
    const foreign = await openSnapshots(disk, 'c2'.repeat(32) as ChainId);
    t.equal(await foreign.manifest(80), null);
    await foreign.close();
  });
}

t.test('a crash at every point leaves the old ones, or the whole new one', async (t) => {
  const start = new MemoryDisk();
  const first = await openSnapshots(start, chainId);
  for (const height of [10, 20]) await put(first, height);
  let points = 0;
  let finished = 0;
  let told = false;
  const work = async (disk: MemoryDisk) => {
    told = false;
    const snapshots = await openSnapshots(disk, chainId);
    await put(snapshots, 30);
    await put(snapshots, 20);
    told = true;
    await snapshots.keep([20, 30]);
  };
  for await (const { disk } of crashPoints(work, start)) {
    for (const survival of [LOSE_UNSYNCED, KEEP_UNSYNCED, keepSectors((sector) => sector % 2 === 0)]) {
      points += 1;
      const after = disk.afterCrash(survival);
      const found = await openSnapshots(after, chainId);
      const there = found.heights();
      t.ok(there.includes(20), 'the old one of that height stays until the new one is whole');
      for (const height of there) t.ok(await isThere(found, height), `${height}`);
      if (told) t.ok(there.includes(30));
      if (there.includes(30)) finished += 1;
      t.notOk(
        after.list().some((name) => name.endsWith('.new')),
        'nothing unfinished is left',
      );
    }
  }
  t.ok(points > 30 && finished > 0 && finished < points, `${points} points`);
});

t.test('cut or flipped anywhere, it is set aside', async (t) => {
  const start = new MemoryDisk();
  await put(await openSnapshots(start, chainId), 10);
  const content = start.peek('10.snapshot') ?? new Uint8Array();
  const harmed = async (bytes: Uint8Array) => {
    const disk = new MemoryDisk();
    disk.write('10.snapshot', bytes);
    const snapshots = await openSnapshots(disk, chainId);
    return { there: (await isThere(snapshots, 10)) || (await isThere(snapshots, 10)), disk, snapshots };
  };
  for (let bit = 0; bit < content.length * 8; bit += 3) {
    const flipped = content.map((byte, i) => (i === bit >>> 3 ? byte ^ (1 << (bit & 7)) : byte));
    const { there, disk, snapshots } = await harmed(flipped);
    t.notOk(there, `bit ${bit}`);
    t.strictSame(snapshots.heights(), []);
    t.ok(disk.list().includes('10.snapshot.damaged-1'));
  }
  t.ok((await harmed(content)).there);
  // Cut between two records, it looks whole from here; its manifest is then a chunk, which nobody takes for one.
  const ends = [0, 1, 2].map((index) => 16 + chunk(10, index).length);
  const between = new Set(ends.map((_, i) => ends.slice(0, i + 1).reduce((sum, bytes) => sum + bytes, 48)));
  for (let size = 0; size < content.length; size++) {
    const cut = content.subarray(0, size);
    if (!between.has(size)) t.notOk((await harmed(cut)).there, `cut at ${size}`);
  }
});

t.test('damaged while it is open, it is set aside as well', async (t) => {
  const disk = new MemoryDisk();
  const snapshots = await openSnapshots(disk, chainId);
  await put(snapshots, 10);
  const file = await disk.open('10.snapshot', false);
  await file?.truncate(120);
  t.equal(await snapshots.manifest(10), null);
  t.strictSame(snapshots.heights(), []);
});

t.test('a disk that refuses is an error and not an absent snapshot', async (t) => {
  let refuse = false;
  const disk = new MemoryDisk(() => (refuse ? { error: diskError('EIO'), written: 0 } : null));
  const snapshots = await openSnapshots(disk, chainId);
  await put(snapshots, 10);
  refuse = true;
  await t.rejects(put(snapshots, 20), { code: 'LOG_FAILED' });
  await t.rejects(snapshots.manifest(10), { code: 'LOG_FAILED' });
  await snapshots.close();
});
