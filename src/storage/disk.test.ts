/** What every `Disk` does alike, then what only one of them can be asked. */
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import type { Disk, DiskFile } from '../ports.ts';
import { openFileDisk } from './file-disk.ts';
import { diskError, KEEP_UNSYNCED, keepSectors, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (found: Uint8Array | null) => (found === null ? null : new TextDecoder().decode(found));

async function make(disk: Disk, name: string, content: string): Promise<DiskFile> {
  const file = await disk.open(name, true);
  if (file === null) throw new Error('a file that may be made is made');
  await file.append(bytes(content));
  return file;
}

const disks: readonly (readonly [string, (folder: string) => Promise<Disk>])[] = [
  ['files', openFileDisk],
  ['memory', () => Promise.resolve(new MemoryDisk())],
];

for (const [name, open] of disks) {
  t.test(`${name}: a file is there once it is made`, async (t) => {
    const disk = await open(t.testdir());
    t.equal(await disk.open('a', false), null);
    await (await make(disk, 'a', 'one')).close();
    const file = await disk.open('a', false);
    t.equal(await file?.size(), 3);
    await file?.close();
    const same = await disk.open('a', true);
    t.equal(await same?.size(), 3, 'opening to create keeps what is there');
    await same?.close();
  });

  t.test(`${name}: appends follow each other, reads stop at the end`, async (t) => {
    const disk = await open(t.testdir());
    const file = await make(disk, 'a', 'one');
    await file.append(bytes('two'));
    await file.append(bytes(''));
    await file.sync();
    t.equal(text(await file.read(0, 6)), 'onetwo');
    t.equal(text(await file.read(2, 2)), 'et');
    t.equal(text(await file.read(4, 100)), 'wo');
    t.equal(text(await file.read(6, 10)), '');
    t.equal(text(await file.read(99, 10)), '');
    await file.close();
    const again = await disk.open('a', false);
    await again?.append(bytes('three'));
    t.equal(text((await again?.read(0, 99)) ?? null), 'onetwothree', 'a reopened file goes on at its end');
    await again?.close();
  });

  t.test(`${name}: synced appends follow each other, small and large`, async (t) => {
    const disk = await open(t.testdir());
    const file = await make(disk, 'a', 'begin');
    // A large one is written by another thread than a small one (patience.ts).
    const large = 'x'.repeat(100_000);
    for (const part of ['one', large, 'two', '', 'three']) await file.appendSynced(bytes(part));
    await file.append(bytes('end'));
    await file.close();
    await t.rejects(file.appendSynced(bytes('late')), 'a closed file takes nothing');
    const again = await disk.open('a', false);
    t.equal(text((await again?.read(0, 200_000)) ?? null), `beginone${large}twothreeend`);
    await again?.close();
  });

  t.test(`${name}: a truncated file goes on where it was cut`, async (t) => {
    const file = await make(await open(t.testdir()), 'a', 'onetwo');
    await file.truncate(3);
    t.equal(await file.size(), 3);
    await file.append(bytes('X'));
    t.equal(text(await file.read(0, 99)), 'oneX');
    await file.truncate(0);
    t.equal(await file.size(), 0);
    await file.close();
  });

  t.test(`${name}: a rename replaces, an open file stays what it was`, async (t) => {
    const disk = await open(t.testdir());
    const old = await make(disk, 'a', 'old');
    await (await make(disk, 'b', 'new')).close();
    await disk.rename('b', 'a');
    await disk.syncFolder();
    const file = await disk.open('a', false);
    t.equal(text((await file?.read(0, 9)) ?? null), 'new');
    t.equal(text(await old.read(0, 9)), 'old');
    t.equal(await disk.open('b', false), null);
    await file?.close();
    await old.close();
    await disk.remove('a');
    t.equal(await disk.open('a', false), null);
    await t.rejects(disk.remove('a'), { code: 'ENOENT' });
    await t.rejects(disk.rename('a', 'c'), { code: 'ENOENT' });
  });

  t.test(`${name}: a large append is whole`, async (t) => {
    const file = await make(await open(t.testdir()), 'a', '');
    const large = new Uint8Array(3_000_000).map((_, at) => at % 251);
    await file.append(large);
    await file.append(large);
    t.ok(Buffer.from(large).equals(await file.read(0, large.length)));
    t.ok(Buffer.from(large).equals(await file.read(large.length, large.length)));
    await file.close();
  });
}

t.test('files: folder and files are their owner’s alone', async (t) => {
  const folder = path.join(t.testdir(), 'deep', 'home');
  const disk = await openFileDisk(folder);
  await (await make(disk, 'a', 'x')).close();
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  t.equal((await stat(path.join(folder, 'a'))).mode & 0o777, 0o600);
  t.equal(await readFile(path.join(folder, 'a'), 'utf8'), 'x');
});

t.test('files: a folder that cannot be one is refused with a sentence', async (t) => {
  const folder = t.testdir({ file: 'x' });
  await t.rejects(openFileDisk(path.join(folder, 'file')), { code: 'FOLDER_UNUSABLE' });
  await t.rejects(openFileDisk(path.join(folder, 'file', 'below')), { code: 'FOLDER_UNUSABLE' });
});

t.test('files: other errors of opening are not taken for absence', async (t) => {
  const folder = t.testdir();
  await mkdir(path.join(folder, 'folder'));
  const disk = await openFileDisk(folder);
  await t.rejects(disk.open('folder', false), { code: 'EISDIR' });
});

t.test('files: a name that leads out of the folder is our mistake', async (t) => {
  const disk = await openFileDisk(t.testdir());
  for (const name of ['../a', 'a/b', '..', '', '/a']) {
    await t.rejects(disk.open(name, true), { name: 'AssertionError' }, name);
  }
});

t.test('files: a lax mode of an older file is left alone', async (t) => {
  const folder = t.testdir();
  await writeFile(path.join(folder, 'a'), 'x');
  await chmod(path.join(folder, 'a'), 0o640);
  await (await make(await openFileDisk(folder), 'a', 'y')).close();
  t.equal((await stat(path.join(folder, 'a'))).mode & 0o777, 0o640);
});

t.test('memory: a crash loses what was not synced', async (t) => {
  const disk = new MemoryDisk();
  const file = await make(disk, 'a', 'one');
  await file.sync();
  t.same(disk.afterCrash(LOSE_UNSYNCED).list(), [], 'the name was not synced');
  t.same(disk.afterCrash(KEEP_UNSYNCED).list(), ['a']);
  await disk.syncFolder();
  await file.append(bytes('two'));
  t.equal(text(disk.afterCrash(LOSE_UNSYNCED).peek('a')), 'one');
  t.equal(text(disk.afterCrash(KEEP_UNSYNCED).peek('a')), 'onetwo');
  t.equal(text(disk.afterCrash(keepSectors(() => false)).peek('a')), 'one\0\0\0', 'the size may come before the bytes');
  await file.sync();
  t.equal(text(disk.afterCrash(LOSE_UNSYNCED).peek('a')), 'onetwo');
  await file.truncate(1);
  t.equal(text(disk.afterCrash(LOSE_UNSYNCED).peek('a')), 'onetwo');
  await file.append(bytes('!'));
  await file.sync();
  t.equal(text(disk.afterCrash(LOSE_UNSYNCED).peek('a')), 'o!');
});

t.test('memory: names come back in the order of their changes', async (t) => {
  const disk = new MemoryDisk();
  disk.write('a', bytes('old'));
  await (await make(disk, 'b', 'new')).sync();
  await disk.rename('b', 'a');
  await disk.remove('a');
  const after = (names: number) => {
    const found = disk.afterCrash({ ...KEEP_UNSYNCED, names: () => names });
    return found.list().map((name) => `${name}:${text(found.peek(name))}`);
  };
  t.same([0, 1, 2, 3].map(after), [['a:old'], ['a:old', 'b:new'], ['a:new'], []]);
});

t.test('memory: what a failed sync gave up, a later one does not bring back', async (t) => {
  const disk = new MemoryDisk(({ ordinal }) => (ordinal === 3 ? { error: diskError('EIO'), written: 0 } : null));
  const file = await make(disk, 'a', 'lost');
  await t.rejects(file.sync(), { code: 'EIO' });
  await file.append(bytes('kept'));
  await file.sync();
  await disk.syncFolder();
  t.equal(text(await file.read(0, 9)), 'lostkept', 'the page cache still shows it');
  t.equal(text(disk.afterCrash(LOSE_UNSYNCED).peek('a')), '\0\0\0\0kept');
});

t.test('memory: an append can be refused in the middle', async (t) => {
  const disk = new MemoryDisk(({ kind }) => (kind === 'append' ? { error: diskError('ENOSPC'), written: 2 } : null));
  await t.rejects(make(disk, 'a', 'one'), { code: 'ENOSPC' });
  t.equal(text(disk.peek('a')), 'on');
  t.equal(disk.operations, 2);
});
