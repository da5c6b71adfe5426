/** The `BlockLog` port over every disk, and what it does when the disk fails. */
import t from 'tap';
import type { BlockLog, Disk } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import { BLOCK_LOG_FILE, openBlockLog } from './block-log.ts';
import { openFileDisk } from './file-disk.ts';
import { diskError, KEEP_UNSYNCED, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';

const chainId = 'c1'.repeat(32) as ChainId;
const entry = (height: number) => new Uint8Array(height * 100).fill(height);

const disks: readonly (readonly [string, (folder: string) => Promise<Disk>])[] = [
  ['files', openFileDisk],
  ['memory', () => Promise.resolve(new MemoryDisk())],
];

for (const [name, open] of disks) {
  t.test(`${name}: entries are heights from 1, kept across openings`, async (t) => {
    const disk = await open(t.testdir());
    const log = await openBlockLog(disk, chainId);
    t.equal(log.length(), 0);
    t.equal(await log.read(1), null);
    for (let height = 1; height <= 20; height++) {
      await log.append(entry(height));
      t.equal(log.length(), height);
    }
    await log.close();
    const again = await openBlockLog(disk, chainId);
    t.equal(again.length(), 20);
    await again.append(entry(21));
    for (let height = 1; height <= 21; height++) t.same(await again.read(height), entry(height));
    for (const none of [0, 22, -1, 1.5]) t.equal(await again.read(none), null);
    await again.close();
  });

  t.test(`${name}: appends that overlap keep their order, and length counts the synced`, async (t) => {
    const log = await openBlockLog(await open(t.testdir()), chainId);
    const appends = [1, 2, 3].map((height) => log.append(entry(height)));
    t.equal(log.length(), 0);
    t.equal(await log.read(1), null);
    await Promise.all(appends);
    t.same(await Promise.all([1, 2, 3].map((height) => log.read(height))), [1, 2, 3].map(entry));
    await log.close();
  });

  t.test(`${name}: another chain's log is refused and left alone`, async (t) => {
    const disk = await open(t.testdir());
    const log = await openBlockLog(disk, chainId);
    await log.append(entry(1));
    await log.close();
    await t.rejects(openBlockLog(disk, 'c2'.repeat(32) as ChainId), { code: 'FOLDER_FOREIGN' });
    const again = await openBlockLog(disk, chainId);
    t.equal(again.length(), 1);
    await again.close();
  });

  t.test(`${name}: closed is closed`, async (t) => {
    const log = await openBlockLog(await open(t.testdir()), chainId);
    const last = log.append(entry(1));
    await log.close();
    await last;
    await log.close();
    await t.rejects(log.append(entry(2)), { code: 'STORAGE_CLOSED' });
    await t.rejects(log.read(1), { code: 'STORAGE_CLOSED' });
  });
}

for (const code of ['EIO', 'ENOSPC']) {
  t.test(`${code} at the nth write or sync: the log ends there, and all it told is kept`, async (t) => {
    for (let nth = 1; nth <= 6; nth++) {
      let count = 0;
      const disk = new MemoryDisk(({ kind, path }) => {
        if (path !== BLOCK_LOG_FILE || (kind !== 'append' && kind !== 'sync')) return null;
        count += 1;
        return count === nth + 1 ? { error: diskError(code), written: 50 } : null;
      });
      const log = await openBlockLog(disk, chainId);
      const told = await appendUntilRefused(log);
      t.equal(told, Math.floor((nth - 1) / 2), `operation ${nth}`);
      t.equal(log.length(), told);
      await t.rejects(log.append(entry(1)), { code: 'LOG_FAILED', message: new RegExp(code) });
      await t.rejects(log.read(1), { code: 'LOG_FAILED', message: new RegExp(code) });
      await log.close();
      for (const survival of [LOSE_UNSYNCED, KEEP_UNSYNCED]) {
        const after = await openBlockLog(disk.afterCrash(survival), chainId);
        t.ok(after.length() >= told && after.length() <= told + 1);
        for (let height = 1; height <= after.length(); height++) t.same(await after.read(height), entry(height));
      }
    }
  });
}

async function appendUntilRefused(log: BlockLog): Promise<number> {
  for (let height = 1; ; height++) {
    try {
      await log.append(entry(height));
    } catch {
      return height - 1;
    }
  }
}
