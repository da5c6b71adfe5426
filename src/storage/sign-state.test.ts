/** The `SignState` port over every disk: whatever happens, it never tells less than it acknowledged. */
import type { Test } from 'tap';
import t from 'tap';
import { toHex } from '../codec/hex.ts';
import { MAX_SIGN_MEMORY_BYTES } from '../codec/limits.ts';
import type { Disk } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import { openBlockLog } from './block-log.ts';
import { crashPoints } from './crash-points.ts';
import { openFileDisk } from './file-disk.ts';
import { diskError, KEEP_UNSYNCED, keepSectors, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';
import { openSignState, SIGN_STATE_FILE } from './sign-state.ts';

const chainId = 'c1'.repeat(32) as ChainId;
const entry = (n: number, length = 300) => new Uint8Array(length).fill(n);
const text = (found: Uint8Array | null) => (found === null ? 'none' : toHex(found.subarray(0, 1)));

const disks: readonly (readonly [string, (folder: string) => Promise<Disk>])[] = [
  ['files', openFileDisk],
  ['memory', () => Promise.resolve(new MemoryDisk())],
];

for (const [name, open] of disks) {
  t.test(`${name}: the last entry is told, before and after reopening`, async (t) => {
    const disk = await open(t.testdir());
    const state = await openSignState(disk, chainId);
    t.equal(state.last(), null);
    for (let n = 1; n <= 5; n++) {
      await state.record(entry(n, n * 1000));
      t.same(state.last(), entry(n, n * 1000));
    }
    await state.close();
    const again = await openSignState(disk, chainId);
    t.same(again.last(), entry(5, 5000));
    await again.close();
    const third = await openSignState(disk, chainId);
    t.same(third.last(), entry(5, 5000));
    await third.close();
  });

  t.test(`${name}: never signed stays never signed`, async (t) => {
    const disk = await open(t.testdir());
    for (const _ of [1, 2]) {
      const state = await openSignState(disk, chainId);
      t.equal(state.last(), null);
      await state.close();
    }
  });

  t.test(`${name}: a lock on the fullest block fits`, async (t) => {
    const disk = await open(t.testdir());
    const state = await openSignState(disk, chainId);
    await state.record(entry(7, MAX_SIGN_MEMORY_BYTES));
    await state.close();
    const again = await openSignState(disk, chainId);
    t.equal(again.last()?.length, MAX_SIGN_MEMORY_BYTES);
    await again.close();
  });

  t.test(`${name}: it does not grow for ever`, async (t) => {
    const disk = await open(t.testdir());
    const state = await openSignState(disk, chainId, 1024 * 1024);
    for (let n = 1; n <= 40; n++) await state.record(entry(n, 60_000));
    const file = await disk.open(SIGN_STATE_FILE, false);
    t.ok(((await file?.size()) ?? 0) < 1_300_000);
    await file?.close();
    await state.close();
    const again = await openSignState(disk, chainId);
    t.same(again.last(), entry(40, 60_000));
    await again.close();
  });

  t.test(`${name}: another chain, another file and use after closing are refused`, async (t) => {
    const disk = await open(t.testdir());
    const state = await openSignState(disk, chainId);
    await state.close();
    await t.rejects(state.record(entry(1)), { code: 'STORAGE_CLOSED' });
    await t.rejects(openSignState(disk, 'c2'.repeat(32) as ChainId), { code: 'FOLDER_FOREIGN' });
    const log = await openBlockLog(disk, chainId);
    await log.close();
    await disk.rename('blocks.log', SIGN_STATE_FILE);
    await t.rejects(openSignState(disk, chainId), { code: 'LOG_FORMAT' });
  });
}

t.test('the entry is copied: its caller may use the bytes again', async (t) => {
  const state = await openSignState(new MemoryDisk(), chainId);
  const bytes = entry(1);
  const recorded = state.record(bytes);
  bytes.fill(9);
  await recorded;
  t.same(state.last(), entry(1));
});

t.test('any flipped bit of the file: the last entry, or a refusal', async (t) => {
  const disk = new MemoryDisk();
  const state = await openSignState(disk, chainId);
  for (let n = 1; n <= 3; n++) await state.record(entry(n, 9));
  const content = disk.peek(SIGN_STATE_FILE)!;
  const verdicts = new Set<string>();
  for (let bit = 0; bit < content.length * 8; bit++) {
    const flipped = content.slice();
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    const spoilt = new MemoryDisk();
    spoilt.write(SIGN_STATE_FILE, flipped);
    verdicts.add(
      await openSignState(spoilt, chainId).then(
        (found) => text(found.last()),
        (error: { code: string }) => error.code,
      ),
    );
  }
  t.same([...verdicts].sort(), ['03', 'LOG_FORMAT', 'SIGN_STATE_CORRUPT']);
});

const survivals = [
  LOSE_UNSYNCED,
  KEEP_UNSYNCED,
  { ...KEEP_UNSYNCED, names: () => 0 },
  { ...LOSE_UNSYNCED, names: (pending: number) => pending },
  ...[0, 1, 2].map((rest) => keepSectors((sector) => sector % 3 === rest)),
  ...[0, 1].map((rest) => keepSectors((sector) => sector % 2 === rest)),
];

/** Crashes `entries` being recorded at every point; @returns how many points there were. */
async function crashEverywhere(t: Test, sizes: readonly number[], compactAboveBytes?: number): Promise<number> {
  let told = 0;
  const work = async (disk: MemoryDisk) => {
    told = 0;
    const state = await openSignState(disk, chainId, compactAboveBytes);
    for (const [at, size] of sizes.entries()) {
      await state.record(entry(at + 1, size));
      told = at + 1;
    }
  };
  let points = 0;
  for await (const { disk, stoppedAt } of crashPoints(work)) {
    points += 1;
    for (const survival of survivals) {
      const found = disk.afterCrash(survival);
      const state = await openSignState(found, chainId);
      const last = state.last()?.[0] ?? 0;
      t.ok(last === told || last === told + 1, `${stoppedAt?.kind} ${stoppedAt?.ordinal}: told ${told}, found ${last}`);
      await state.record(entry(77));
      t.same((await openSignState(found.afterCrash(LOSE_UNSYNCED), chainId)).last(), entry(77), 'it goes on');
    }
  }
  return points;
}

t.test('crashed at every point: the entry acknowledged last, or the one under way', async (t) => {
  const points = await crashEverywhere(t, [300, 1200, 20, 700]);
  t.ok(points > 25, `${points} points`);
});

t.test('crashed at every point of a new beginning: old or new, never nothing', async (t) => {
  const points = await crashEverywhere(t, [600, 700, 300, 900, 1000, 20], 2000);
  t.ok(points > 60, `${points} points`);
});

t.test('a write or sync error is the last, and the entry was not acknowledged for nothing', async (t) => {
  for (let nth = 1; nth <= 12; nth++) {
    const disk = new MemoryDisk();
    const before = await openSignState(disk, chainId);
    await before.record(entry(1));
    await before.close();
    const failing = disk.afterCrash(LOSE_UNSYNCED, ({ ordinal }) =>
      ordinal === nth ? { error: diskError('EIO'), written: 10 } : null,
    );
    const state = await openSignState(failing, chainId).catch((error: { code: string }) => error.code);
    if (typeof state === 'string') {
      t.equal(state, 'LOG_FAILED', `operation ${nth}`);
      t.same((await openSignState(failing.afterCrash(LOSE_UNSYNCED), chainId)).last(), entry(1));
      continue;
    }
    let told = 1;
    for (let n = 2; n <= 4 && told === n - 1; n++) {
      told = await state.record(entry(n)).then(
        () => n,
        () => told,
      );
    }
    t.ok(told < 4, `operation ${nth} fails one of three`);
    await t.rejects(state.record(entry(9)), { code: 'LOG_FAILED' });
    t.same(state.last(), entry(told));
    await state.close();
  }
});

t.test('a sync that failed does not come back as a promise: what a restart tells is on the disk', async (t) => {
  let fail = false;
  const disk = new MemoryDisk(({ kind }) => (fail && kind === 'sync' ? { error: diskError('EIO'), written: 0 } : null));
  const state = await openSignState(disk, chainId);
  await state.record(entry(1));
  fail = true;
  await t.rejects(state.record(entry(2)), { code: 'LOG_FAILED' });
  await state.close();
  fail = false;
  // The page cache shows the second entry, whole, and counts it as clean: a sync alone would not write it.
  const restarted = await openSignState(disk, chainId);
  t.same(restarted.last(), entry(2));
  t.same((await openSignState(disk.afterCrash(LOSE_UNSYNCED), chainId)).last(), entry(2));
});

t.test('a torn last entry was never acknowledged: the one before is told, and the rest set aside', async (t) => {
  const disk = new MemoryDisk();
  const state = await openSignState(disk, chainId);
  await state.record(entry(1));
  const size = disk.peek(SIGN_STATE_FILE)!.length;
  await state.record(entry(2));
  const torn = new MemoryDisk();
  torn.write(SIGN_STATE_FILE, disk.peek(SIGN_STATE_FILE)!.subarray(0, size + 100));
  t.same((await openSignState(torn, chainId)).last(), entry(1));
  t.equal(torn.peek(`${SIGN_STATE_FILE}.torn-1`)?.length, 100);
});
