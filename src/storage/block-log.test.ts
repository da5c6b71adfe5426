/** The `BlockLog` port over every disk, and what it does when the disk fails. */
import t from 'tap';
import type { CodedError } from '../errors.ts';
import type { BlockLog, Disk } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import { BLOCK_LOG_FILE, openBlockLog, salvageBlockLog } from './block-log.ts';
import { crashPoints } from './crash-points.ts';
import { openFileDisk } from './file-disk.ts';
import { diskError, KEEP_UNSYNCED, keepSectors, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';

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

for (const [name, open] of disks) {
  t.test(`${name}: a log can begin at any height, in the place of another, which is kept`, async (t) => {
    const disk = await open(t.testdir());
    const log = await openBlockLog(disk, chainId);
    t.strictSame([log.first(), log.length()], [1, 0]);
    await log.beginAnew(40, [entry(40), entry(41)]);
    t.notOk(
      (await disk.names()).some((file) => file.includes('replaced')),
      'an empty one is not worth it',
    );
    t.strictSame([log.first(), log.length()], [40, 41]);
    await log.append(entry(42));
    t.equal(await log.read(39), null);
    for (const height of [40, 41, 42]) t.same(await log.read(height), entry(height));
    await log.close();
    const again = await openBlockLog(disk, chainId);
    t.strictSame([again.first(), again.length()], [40, 42]);
    t.same(await again.read(41), entry(41));
    await again.beginAnew(1, []);
    t.strictSame([again.first(), again.length()], [1, 0]);
    t.ok((await disk.names()).includes('blocks.log.replaced-1'));
    await again.append(entry(1));
    await again.close();
  });
}

t.test('beginning anew is crashed at every point: the old log, an empty one, or the new one', async (t) => {
  const start = new MemoryDisk();
  const before = await openBlockLog(start, chainId);
  for (const height of [1, 2, 3]) await before.append(entry(height));
  const found = new Set<string>();
  const work = async (disk: MemoryDisk) => {
    const log = await openBlockLog(disk, chainId);
    await log.beginAnew(70, [entry(70), entry(71)]);
    await log.append(entry(72));
  };
  for await (const { disk } of crashPoints(work, start)) {
    for (const survival of [LOSE_UNSYNCED, KEEP_UNSYNCED, keepSectors((sector) => sector % 2 === 1)]) {
      const log = await openBlockLog(disk.afterCrash(survival), chainId);
      found.add(`${log.first()}..${log.length()}`);
      for (let height = log.first(); height <= log.length(); height++) t.same(await log.read(height), entry(height));
    }
  }
  t.strictSame([...found].sort(), ['1..0', '1..3', '70..71', '70..72']);
});

t.test('a log that begins later, cut or flipped anywhere: entries as they were, or a refusal', async (t) => {
  const start = new MemoryDisk();
  const log = await openBlockLog(start, chainId);
  const short = (height: number) => new Uint8Array(20).fill(height);
  await log.beginAnew(70, [short(70), short(71), short(72)]);
  const content = start.peek(BLOCK_LOG_FILE) ?? new Uint8Array();
  const check = async (bytes: Uint8Array, what: string) => {
    const disk = new MemoryDisk();
    disk.write(BLOCK_LOG_FILE, bytes);
    try {
      const found = await openBlockLog(disk, chainId);
      t.equal(found.first(), 70, what);
      for (let height = 70; height <= found.length(); height++) t.same(await found.read(height), short(height), what);
      return found.length();
    } catch (error) {
      t.match(error, { code: /^LOG_(CORRUPT|FORMAT)$|^FOLDER_FOREIGN$/ }, what);
      return null;
    }
  };
  t.equal(await check(content, 'whole'), 72);
  for (let size = 0; size < content.length; size++) await check(content.subarray(0, size), `cut at ${size}`);
  for (let bit = 0; bit < content.length * 8; bit++) {
    const flipped = content.map((byte, i) => (i === bit >>> 3 ? byte ^ (1 << (bit & 7)) : byte));
    t.not(await check(flipped, `bit ${bit}`), 72, `bit ${bit}`);
  }
});

t.test(
  'a salvaged log has the entries before the damage, and the whole file is kept; at each crash as well',
  async (t) => {
    const start = new MemoryDisk();
    const log = await openBlockLog(start, chainId);
    const short = (height: number) => new Uint8Array(20).fill(height);
    for (const height of [1, 2, 3, 4]) await log.append(short(height));
    const content = start.peek(BLOCK_LOG_FILE) ?? new Uint8Array();
    const recordBytes = (content.length - 48) / 4;
    for (let at = 0; at < 48 + 3 * recordBytes; at += 5) {
      const damaged = content.map((byte, i) => (i === at ? byte ^ 64 : byte));
      // Magic, version, kind and chain of a head are somebody else's before they are damage.
      const disk = new MemoryDisk();
      disk.write(BLOCK_LOG_FILE, damaged);
      const code = await openBlockLog(disk, chainId).then(
        () => 'opened',
        (error: CodedError) => error.code,
      );
      if (code !== 'LOG_CORRUPT') {
        t.ok(at < 12, `byte ${at} ${code}`);
        continue;
      }
      const whole = Math.max(0, Math.floor((at - 48) / recordBytes));
      for await (const { disk: stopped, stoppedAt } of crashPoints(
        (on) => salvageBlockLog(on, chainId).then(() => undefined),
        disk,
      )) {
        const after = stopped.afterCrash(at % 2 === 0 ? LOSE_UNSYNCED : KEEP_UNSYNCED);
        const isDone = stoppedAt === null || !(await isDamaged(after));
        if (!isDone) await salvageBlockLog(after, chainId);
        const salvaged = await openBlockLog(after, chainId);
        t.equal(salvaged.length(), whole, `byte ${at}`);
        for (let height = 1; height <= whole; height++) t.same(await salvaged.read(height), short(height));
        const copies = after.list().filter((name) => name.includes('.damaged-'));
        t.same(after.peek(copies.at(-1) ?? ''), damaged, `byte ${at}: the last copy is whole`);
      }
    }
  },
);

async function isDamaged(disk: MemoryDisk): Promise<boolean> {
  return await openBlockLog(disk, chainId).then(
    () => false,
    () => true,
  );
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
