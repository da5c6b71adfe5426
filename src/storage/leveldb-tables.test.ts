import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import t from 'tap';
import { checkTables, crc32c, tableFlaw } from './leveldb-tables.ts';

t.test('CRC-32C agrees with RFC 3720 appendix B.4', async (t) => {
  const ascending = Uint8Array.from({ length: 32 }, (_, at) => at);
  const vectors: readonly (readonly [Uint8Array, number])[] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(255), 0x62a8ab43],
    [ascending, 0x46dd794e],
    [ascending.toReversed(), 0x113fdb5c],
  ];
  for (const [bytes, crc] of vectors) t.equal(crc32c(bytes), crc);
});

/** A table of some blocks, as LevelDB writes it; the content is the same each time. */
async function writtenTable(folder: string, compression = false): Promise<Buffer> {
  const options = { compression, keyEncoding: 'utf8', valueEncoding: 'view' } as const;
  const database = new Level<string, Uint8Array>(folder, options);
  await database.open();
  const batch = database.batch();
  for (let n = 0; n < 120; n++) batch.put(`key/${1000 + n}`, new Uint8Array(100).fill(n));
  await batch.write();
  await database.close();
  // Opening writes what the log holds into a table.
  const again = new Level(folder, options);
  await again.open();
  await again.close();
  const name = (await readdir(folder)).find((each) => each.endsWith('.ldb'));
  return await readFile(path.join(folder, name!));
}

t.test('a table with one bit flipped anywhere that matters is found', async (t) => {
  const table = await writtenTable(t.testdir());
  t.equal(tableFlaw(table), null);
  t.ok(table.length > 12_000, 'it has several blocks');
  const harmless: number[] = [];
  for (let at = 0; at < table.length; at += at < table.length - 600 ? 7 : 1) {
    table[at]! ^= 1 << (at & 7);
    if (tableFlaw(table) === null) harmless.push(at - table.length);
    table[at]! ^= 1 << (at & 7);
  }
  t.ok(
    harmless.every((fromEnd) => fromEnd >= -44),
    'only in the padding and the magic of the footer, which LevelDB checks',
  );
});

t.test('doubled, stretched or compressed, it is no good either', async (t) => {
  const table = await writtenTable(t.testdir());
  t.equal(tableFlaw(Buffer.concat([table, table.subarray(-48)])), 'its blocks do not fill it');
  const inserted = Buffer.concat([table.subarray(0, -48), Buffer.alloc(3), table.subarray(-48)]);
  t.equal(tableFlaw(inserted), 'its blocks do not fill it');
  t.ok(tableFlaw(table.subarray(-48)), 'a footer alone');
  t.match(tableFlaw(await writtenTable(path.join(t.testdir(), 'c'), true)), /compressed/);
});

t.test('a table that was never finished is none', async (t) => {
  const table = await writtenTable(t.testdir());
  for (const length of [0, 47, 48, 5000, table.length - 1]) t.equal(tableFlaw(table.subarray(0, length)), null);
});

t.test('any bytes are a table or none, without an exception', async (t) => {
  const table = await writtenTable(t.testdir());
  let seed = 1;
  for (let n = 0; n < 300; n++) {
    const spoilt = Buffer.from(table);
    for (let k = 0; k < 8; k++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      spoilt[spoilt.length - 1 - (seed % 400)] = (seed >>> 9) & 255;
    }
    t.doesNotThrow(() => tableFlaw(spoilt));
  }
});

t.test('a folder is checked table by table, and the error names the file', async (t) => {
  const folder = t.testdir();
  t.equal(await checkTables(folder), 0);
  const table = await writtenTable(folder);
  t.equal(await checkTables(folder), table.length);
  await writeFile(path.join(folder, '000099.ldb'), 'unfinished');
  t.equal(await checkTables(folder), table.length + 'unfinished'.length);
  table[99]! ^= 1;
  await writeFile(path.join(folder, '000098.ldb'), table);
  await t.rejects(checkTables(folder), {
    code: 'STATE_CORRUPT',
    message: /000098\.ldb: the block at byte 0 is damaged/,
  });
});
