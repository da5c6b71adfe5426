/** Record files against every cut, every flipped bit, every crash and every refusal. */
import fc from 'fast-check';
import t from 'tap';
import { toHex } from '../codec/hex.ts';
import { CodedError } from '../errors.ts';
import type { ChainId } from '../types/index.ts';
import { crashPoints } from './crash-points.ts';
import type { Survival } from './memory-disk.ts';
import { diskError, KEEP_UNSYNCED, keepSectors, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';
import type { RecordFile } from './record-file.ts';
import { openRecordFile, replaceRecordFile } from './record-file.ts';
import type { RecordKind } from './record-format.ts';
import { FILE_HEAD_BYTES, RECORD_HEAD_BYTES, RECORD_KINDS } from './record-format.ts';

const chainId = 'c1'.repeat(32) as ChainId;
const otherChain = 'c2'.repeat(32) as ChainId;
const name = 'x.log';
const once: RecordKind = RECORD_KINDS.blocks;
const twice: RecordKind = RECORD_KINDS.signState;

const openOn = (disk: MemoryDisk, kind = once, chain = chainId) => openRecordFile({ disk, name, kind, chainId: chain });
const payload = (length: number, fill: number) => new Uint8Array(length).map((_, at) => fill + at);
const small = [payload(3, 1), payload(5, 40), payload(4, 90)];
/** Within a sector, across some, and at their edges. */
const varied = [payload(10, 1), payload(2000, 7), payload(464, 9), payload(700, 3), payload(1, 5)];

/** A disk whose file holds these records, and that file's bytes. */
async function written(payloads: readonly Uint8Array[], kind = once): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  const file = await openOn(disk, kind);
  for (const each of payloads) await file.append(each);
  return disk.peek(name) ?? new Uint8Array();
}

function diskWith(content: Uint8Array): MemoryDisk {
  const disk = new MemoryDisk();
  disk.write(name, content);
  return disk;
}

async function readAll(file: RecordFile): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (let ordinal = 1; ordinal <= file.count; ordinal++) found.push((await file.read(ordinal)) ?? new Uint8Array());
  return found;
}

/** The records that an opening finds, as hex, or the code it is refused with. */
async function outcome(disk: MemoryDisk, kind = once): Promise<string[] | string> {
  try {
    return (await readAll(await openOn(disk, kind))).map(toHex);
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

const hex = (payloads: readonly Uint8Array[]) => payloads.map(toHex);

t.test('the bytes are the documented ones', async (t) => {
  t.equal(
    toHex(await written([payload(3, 1)])),
    [
      ['746f6e6c656c6f67', '0100', '0100', 'abc32627', chainId],
      ['03000000', '01000000', '9e9d63bd', 'fa984906', '010203'],
    ]
      .flat()
      .join(''),
  );
});

t.test('what was appended is read, before and after reopening', async (t) => {
  for (const kind of [once, twice]) {
    const disk = new MemoryDisk();
    const file = await openOn(disk, kind);
    t.equal(file.count, 0);
    for (const each of varied) await file.append(each);
    t.same(hex(await readAll(file)), hex(varied));
    t.equal(file.size, disk.peek(name)?.length);
    const again = await openOn(disk, kind);
    t.same(hex(await readAll(again)), hex(varied));
    await again.append(payload(8, 8));
    t.same(await outcome(disk, kind), hex([...varied, payload(8, 8)]));
    t.same(disk.list(), [name]);
  }
});

t.test('there is no record 0, none after the last, none in between', async (t) => {
  const file = await openOn(diskWith(await written(small)));
  for (const ordinal of [0, -1, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) t.equal(await file.read(ordinal), null);
});

t.test('an empty or oversized record is our mistake, and changes nothing', async (t) => {
  const tiny: RecordKind = { ...once, maxBytes: 10 };
  const disk = new MemoryDisk();
  const file = await openOn(disk, tiny);
  await t.rejects(file.append(payload(11, 1)), { name: 'AssertionError' });
  await t.rejects(file.append(new Uint8Array()), { name: 'AssertionError' });
  t.equal(disk.peek(name)?.length, FILE_HEAD_BYTES);
  await file.append(payload(10, 1));
});

t.test('cut at every byte, the whole records before the cut are there and the rest is set aside', async (t) => {
  const content = await written(small);
  const ends = small.map((_, at) =>
    small.slice(0, at + 1).reduce((end, each) => end + RECORD_HEAD_BYTES + each.length, FILE_HEAD_BYTES),
  );
  for (let cut = FILE_HEAD_BYTES; cut <= content.length; cut++) {
    const disk = diskWith(content.subarray(0, cut));
    const whole = ends.filter((end) => end <= cut);
    const end = whole.at(-1) ?? FILE_HEAD_BYTES;
    t.same(await outcome(disk), hex(small.slice(0, whole.length)), `cut at ${cut}`);
    t.equal(disk.peek(name)?.length, end);
    const torn = disk.peek(`${name}.torn-1`);
    t.same(torn && toHex(torn), cut === end ? null : toHex(content.subarray(end, cut)));
  }
});

t.test('cut within its head, a file is refused and left as it is: no crash leaves that', async (t) => {
  const content = await written(small);
  for (let cut = 0; cut < FILE_HEAD_BYTES; cut++) {
    const disk = diskWith(content.subarray(0, cut));
    t.equal(await outcome(disk), 'LOG_CORRUPT');
    t.equal(disk.peek(name)?.length, cut);
    t.same(disk.list(), [name]);
  }
});

t.test('a second torn end is set aside beside the first', async (t) => {
  const content = await written(small);
  const disk = diskWith(content.subarray(0, -1));
  const file = await openOn(disk);
  await file.append(payload(9, 9));
  disk.write(name, disk.peek(name)?.subarray(0, -2) ?? new Uint8Array());
  t.same(await outcome(disk), hex(small.slice(0, 2)));
  t.same(disk.list(), [name, `${name}.torn-1`, `${name}.torn-2`]);
});

t.test('any flipped bit is found: damage is refused untouched, a flawed last record is cut off', async (t) => {
  const content = await written(small);
  const lastStart = content.length - RECORD_HEAD_BYTES - (small[2]?.length ?? 0);
  const all = hex(small);
  for (let bit = 0; bit < content.length * 8; bit++) {
    const flipped = content.slice();
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    const disk = diskWith(flipped);
    const found = await outcome(disk);
    if (bit >>> 3 < FILE_HEAD_BYTES) t.match(found, /^(LOG_FORMAT|LOG_CORRUPT)$/, `bit ${bit}`);
    else if (bit >>> 3 < lastStart) t.equal(found, 'LOG_CORRUPT', `bit ${bit}`);
    else t.same(found, all.slice(0, 2), `bit ${bit}`);
    if (bit >>> 3 < lastStart) t.same([disk.list(), disk.peek(name)], [[name], flipped], `bit ${bit} changes nothing`);
  }
});

t.test('kept twice, every record survives any flipped bit', async (t) => {
  const content = await written(small, twice);
  for (let bit = FILE_HEAD_BYTES * 8; bit < content.length * 8; bit++) {
    const flipped = content.slice();
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    t.same(await outcome(diskWith(flipped), twice), hex(small), `bit ${bit}`);
  }
});

t.test('kept twice, both copies lost in the middle are damage', async (t) => {
  const content = await written(small, twice);
  const size = RECORD_HEAD_BYTES + 3;
  for (const at of [0, 4, 8, 12, RECORD_HEAD_BYTES]) {
    const flipped = content.slice();
    for (const copy of [0, 1]) flipped[FILE_HEAD_BYTES + copy * size + at]! ^= 1;
    t.equal(await outcome(diskWith(flipped), twice), 'SIGN_STATE_CORRUPT', `byte ${at} of both`);
  }
});

t.test('the error names file, byte, record and what to do', async (t) => {
  const content = await written(small);
  content[FILE_HEAD_BYTES + RECORD_HEAD_BYTES + small[0]!.length + RECORD_HEAD_BYTES]! ^= 1;
  await t.rejects(openOn(diskWith(content)), {
    message: /^x\.log: record 2 at byte 67 is damaged .*restore blocks\.log from a copy/,
  });
});

t.test('records that were moved are found', async (t) => {
  const content = await written(small.map(() => payload(4, 1)));
  const size = RECORD_HEAD_BYTES + 4;
  const head = content.subarray(0, FILE_HEAD_BYTES);
  const record = (n: number) => content.subarray(FILE_HEAD_BYTES + n * size, FILE_HEAD_BYTES + (n + 1) * size);
  const other = await written([payload(4, 2), payload(4, 1), payload(4, 1)]);
  const foreign = other.subarray(FILE_HEAD_BYTES + size, FILE_HEAD_BYTES + 2 * size);
  const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['dropped', [record(0), record(2)]],
    ['dropped at the start', [record(1), record(2)]],
    ['swapped', [record(1), record(0), record(2)]],
    ['repeated', [record(0), record(0), record(1)]],
    ['repeated at the end', [record(0), record(1), record(1)]],
    ['spliced in from another file', [record(0), foreign, record(2)]],
    ['bytes between', [record(0), payload(7, 0), record(1)]],
  ];
  for (const [what, parts] of cases) {
    t.equal(await outcome(diskWith(Buffer.concat([head, ...parts]))), 'LOG_CORRUPT', what);
  }
});

t.test('another chain, kind, version or file is told apart', async (t) => {
  const content = await written(small);
  await t.rejects(openOn(diskWith(content), once, otherChain), { code: 'FOLDER_FOREIGN' });
  await t.rejects(openOn(diskWith(content), twice), { code: 'LOG_FORMAT' });
  const version = content.slice();
  version[8] = 3;
  await t.rejects(openOn(diskWith(version)), { code: 'LOG_FORMAT', message: /version 3/ });
  await t.rejects(openOn(diskWith(Buffer.alloc(4096, 'hello'))), { code: 'LOG_FORMAT' });
  await t.rejects(openOn(diskWith(new Uint8Array(4096))), { code: 'LOG_FORMAT' });
});

t.test('more after the last record than one write can leave is damage', async (t) => {
  const tiny: RecordKind = { ...once, maxBytes: 10 };
  const content = await written(small, tiny);
  const end = (extra: number) => Buffer.concat([content, new Uint8Array(extra)]);
  t.same(await outcome(diskWith(end(RECORD_HEAD_BYTES + 10)), tiny), hex(small));
  t.equal(await outcome(diskWith(end(RECORD_HEAD_BYTES + 11)), tiny), 'LOG_CORRUPT');
});

t.test('damage after opening is found on reading', async (t) => {
  const disk = diskWith(await written(small));
  const file = await openOn(disk);
  const rotten = await disk.open(name, false);
  await rotten?.truncate(FILE_HEAD_BYTES + RECORD_HEAD_BYTES + 2);
  await rotten?.append(payload(40, 77));
  await t.rejects(file.read(1), { code: 'LOG_CORRUPT' });
});

t.test('records larger than a chunk of the scan, and many', async (t) => {
  const large = [payload(2_500_000, 1), payload(1, 2), payload(1_048_576, 3), payload(1_048_560, 4)];
  const many = Array.from({ length: 3000 }, (_, n) => payload(1 + (n % 900), n));
  const content = await written([...large, ...many]);
  const found = await openOn(diskWith(content));
  t.equal(found.count, large.length + many.length);
  t.ok((await readAll(found)).every((each, at) => Buffer.from(each).equals((large[at] ?? many[at - large.length])!)));
  const flipped = content.slice();
  flipped[FILE_HEAD_BYTES]! ^= 4;
  t.equal(await outcome(diskWith(flipped)), 'LOG_CORRUPT', 'the next head is found megabytes further on');
  t.same(await outcome(diskWith(content.subarray(0, 2_000_000))), [], 'half of the first record is torn');
});

t.test('a later head is found wherever it lies between two chunks of the search', async (t) => {
  const chunk = 1024 * 1024;
  for (let before = 0; before <= RECORD_HEAD_BYTES; before++) {
    const content = await written([payload(chunk + 1 - RECORD_HEAD_BYTES - before, 1), payload(5, 5)]);
    content[FILE_HEAD_BYTES]! ^= 1;
    t.equal(await outcome(diskWith(content)), 'LOG_CORRUPT', `${before} bytes of it in the first`);
  }
});

/** What a power failure may leave of one unsynced write, and of names. */
const survivals: Readonly<Record<string, Survival>> = {
  'all unsynced lost': LOSE_UNSYNCED,
  'all kept': KEEP_UNSYNCED,
  'names lost, bytes kept': { ...KEEP_UNSYNCED, names: () => 0 },
  'names kept, bytes lost': { ...LOSE_UNSYNCED, names: (pending) => pending },
  'zeros of the new size': keepSectors(() => false),
  'even sectors': keepSectors((sector) => sector % 2 === 0),
  'odd sectors': keepSectors((sector) => sector % 2 === 1),
  'all but every third sector': keepSectors((sector) => sector % 3 !== 0),
};

for (const kind of [once, twice]) {
  t.test(
    `crashed at every point, kept ${kind.copies} times: acknowledged records are there, and no others`,
    async (t) => {
      let told = 0;
      const work = async (disk: MemoryDisk) => {
        told = 0;
        const file = await openOn(disk, kind);
        for (const each of varied) {
          await file.append(each);
          told += 1;
        }
      };
      let points = 0;
      for await (const { disk, stoppedAt } of crashPoints(work)) {
        points += 1;
        for (const [what, survival] of Object.entries(survivals)) {
          const found = disk.afterCrash(survival);
          const records = await outcome(found, kind);
          const where = `${what}, ${stoppedAt?.kind ?? 'at the end'} ${stoppedAt?.ordinal ?? ''}`;
          t.ok(Array.isArray(records) && records.length >= told, `${where}: ${told} told, ${records.length} found`);
          t.same(records, hex(varied.slice(0, records.length)), where);
          const file = await openOn(found, kind);
          await file.append(payload(30, 3));
          t.same(
            await outcome(found.afterCrash(LOSE_UNSYNCED), kind),
            [...records, toHex(payload(30, 3))],
            `${where}: it goes on`,
          );
        }
      }
      t.ok(points > 2 * varied.length + 10, `${points} points`);
    },
  );
}

t.test('crashed at every point while a torn end is cut: nothing more is lost', async (t) => {
  const torn = (await written(varied)).slice(0, -1);
  const work = async (disk: MemoryDisk) => {
    await openOn(disk);
  };
  for await (const { disk } of crashPoints(work, diskWith(torn))) {
    for (const survival of Object.values(survivals)) {
      t.same(await outcome(disk.afterCrash(survival)), hex(varied.slice(0, -1)));
    }
  }
});

t.test('a torn end is durably aside before it is cut off', async (t) => {
  const torn = await written(varied);
  const end = torn.length - RECORD_HEAD_BYTES - 1;
  for await (const { disk, stoppedAt } of crashPoints(
    (disk) => openOn(disk).then(() => undefined),
    diskWith(torn.subarray(0, -1)),
  )) {
    for (const [what, survival] of Object.entries(survivals)) {
      const found = disk.afterCrash(survival);
      const still = (found.peek(name)?.length ?? 0) > end;
      const aside = toHex(found.peek(`${name}.torn-1`) ?? new Uint8Array()) === toHex(torn.subarray(end, -1));
      t.ok(still || aside, `${what} ${stoppedAt?.kind ?? 'at the end'}`);
      if (stoppedAt === null) t.notOk(still, 'it was cut off in the end');
    }
  }
});

t.test('what an opening tells is on the disk, also what the process before had not synced', async (t) => {
  const content = await written(small);
  const named = diskWith(content.subarray(0, -20));
  const file = await named.open(name, false);
  await file?.append(content.subarray(-20));
  t.equal((await openOn(named)).count, 3);
  t.same(await outcome(named.afterCrash(LOSE_UNSYNCED)), hex(small), 'its bytes');

  const unnamed = new MemoryDisk();
  const made = await unnamed.open(name, true);
  await made?.append(content);
  await made?.sync();
  t.equal((await openOn(unnamed)).count, 3);
  t.same(await outcome(unnamed.afterCrash(LOSE_UNSYNCED)), hex(small), 'its name');
});

t.test('crashed at every point while it is replaced: the old file or the new one', async (t) => {
  const options = { name, kind: twice, chainId };
  const old = await written(small, twice);
  for await (const { disk, stoppedAt } of crashPoints(
    (disk) => replaceRecordFile({ ...options, disk }, [payload(600, 6)]),
    diskWith(old),
  )) {
    for (const [what, survival] of Object.entries(survivals)) {
      const found = JSON.stringify(await outcome(disk.afterCrash(survival), twice));
      const allowed = stoppedAt === null ? [[payload(600, 6)]] : [small, [payload(600, 6)]];
      t.ok(
        allowed.some((each) => JSON.stringify(hex(each)) === found),
        `${what} ${stoppedAt?.ordinal}`,
      );
    }
  }
});

t.test('an opening that the disk refuses says so', async (t) => {
  for (const code of ['EIO', 'ENOSPC']) {
    for (let nth = 1; nth <= 6; nth++) {
      const disk = new MemoryDisk(({ ordinal }) => (ordinal === nth ? { error: diskError(code), written: 0 } : null));
      await t.rejects(openOn(disk), { code: 'LOG_FAILED', message: new RegExp(code) }, `${code} at operation ${nth}`);
    }
  }
});

t.test('property: any records, any cut: an exact prefix', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 6 }),
      fc.nat(),
      async (payloads, seed) => {
        const content = await written(payloads);
        const cut = FILE_HEAD_BYTES + (seed % (content.length - FILE_HEAD_BYTES + 1));
        const found = await outcome(diskWith(content.subarray(0, cut)));
        t.same(found, hex(payloads.slice(0, found.length)));
      },
    ),
    { numRuns: 100 },
  );
});

t.test(
  'property: any bytes are opened or refused with a code, and never as records that were not written',
  async (t) => {
    for (const kind of [once, twice]) {
      const content = await written(varied, kind);
      await fc.assert(
        fc.asyncProperty(
          fc.nat(content.length - 1),
          fc.uint8Array({ minLength: 1, maxLength: 700 }),
          fc.boolean(),
          async (at, noise, insert) => {
            const rest = content.subarray(insert ? at : Math.min(content.length, at + noise.length));
            const found = await outcome(diskWith(Buffer.concat([content.subarray(0, at), noise, rest])), kind);
            if (Array.isArray(found)) t.same(found, hex(varied.slice(0, found.length)));
            else t.match(found, /^(LOG_FORMAT|FOLDER_FOREIGN|LOG_CORRUPT|SIGN_STATE_CORRUPT)$/);
          },
        ),
        { numRuns: 150 },
      );
    }
  },
);
