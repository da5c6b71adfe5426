/** The index of places over a disk and a database in memory: each flipped byte, each refusal, a crash at any moment. */
import { mkdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { Chance } from '../simulator/world/random.ts';
import {
  type DiskOperation,
  diskError,
  KEEP_UNSYNCED,
  keepSectors,
  LOSE_UNSYNCED,
  MemoryDisk,
  type Survival,
} from './memory-disk.ts';
import { filterSpan, isInFile, rowSpan, runName } from './place-rows.ts';
import {
  amiss,
  Book,
  FAN_IN,
  failureOf,
  fileOf,
  type Home,
  keyOf,
  merged,
  NO_KEY,
  openHome,
  rowsIn,
  runsIn,
  sizeOf,
  writeAlmostTwoLevels,
} from './place-runs.suite.ts';
import { type Around, MemoryDatabase, through, writing } from './stand-ins.suite.ts';
import { SEAL_BYTES } from './state-values.ts';

interface MemoryHome extends Home {
  readonly database: MemoryDatabase;
  readonly disk: MemoryDisk;
}

const memoryHome = (): MemoryHome => ({ database: new MemoryDatabase(), disk: new MemoryDisk() });

/** What a crash leaves of it. */
const left = ({ database, disk }: MemoryHome, survival: Survival): MemoryHome => ({
  database: database.copy(),
  disk: disk.afterCrash(survival),
});

t.test('a file with a flipped byte, or cut anywhere, is told, and leads nobody to a wrong place', async (t) => {
  const chance = new Chance(12, 'harm');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const home = memoryHome();
  const book = await Book.open(t, home);
  for (let run = 0; run < 2; run++) {
    await book.writeRuns(FAN_IN, pool, 70);
    await merged(home, book.runs);
  }
  await book.writeRuns(2, pool, 70);
  const [run] = await runsIn(home.database);
  t.ok(run?.level === 1 && run.heads.length === 3 && run.filterRows === 1);
  const name = fileOf(run!.name);
  const content = home.disk.peek(name) ?? new Uint8Array();
  const filterAt = filterSpan(run!, 0).at;
  // Of every row there are some.
  const keys = [...pool, NO_KEY, ...Array.from({ length: 80 }, () => chance.pick(book.keys))];
  /** How many look-ups were told, or that the opening was; what else is found is right. */
  const told = async (harmed: Uint8Array, memory: number | undefined, what: string): Promise<number | 'opening'> => {
    const after = left(home, KEEP_UNSYNCED);
    after.disk.write(name, harmed);
    try {
      await book.openedIn(after, memory);
    } catch (error) {
      t.match(error, { name: 'CodedError', code: 'STATE_CORRUPT' }, what);
      return 'opening';
    }
    const { runs } = await book.openedIn(after, memory);
    let count = 0;
    const wrong: unknown[] = [];
    for (const key of keys) {
      try {
        const found = await runs.newest(key, null, 1_000);
        if (JSON.stringify(found) !== JSON.stringify(book.due(key, null, 1_000))) wrong.push({ key, found });
      } catch (error) {
        if ((error as { code?: string }).code === 'STATE_CORRUPT') count += 1;
        else wrong.push(error);
      }
    }
    t.strictSame(wrong, [], what);
    return count;
  };
  t.strictSame([await told(content, undefined, 'whole'), await told(content, 0, 'whole')], [0, 0]);
  const edges = [0, rowSpan(run!, 1).at, rowSpan(run!, 2).at, filterAt, content.length].flatMap((at) =>
    [-SEAL_BYTES - 1, -SEAL_BYTES, -1, 0].map((more) => at + more),
  );
  const many = Array.from({ length: content.length / 397 }, (_, n) => 397 * n);
  for (const at of new Set([...edges, ...many])) {
    if (at < 0) continue;
    const flipped = content.map((byte, n) => (n === at ? byte ^ (1 << (at & 7)) : byte));
    if (at < content.length) {
      for (const memory of [undefined, 0]) t.equal(await told(flipped, memory, `${at}`), 'opening', `byte ${at}`);
    }
    const cut = content.subarray(0, at);
    for (const memory of [undefined, 0]) {
      t.equal(await told(cut, memory, `cut at ${at}`), at === content.length ? 0 : 'opening', `cut at ${at}`);
    }
  }
});

/** What a disk may refuse, a database as well: the first time or a later one. */
type Refused = DiskOperation['kind'] | 'open' | 'read' | 'names' | 'write';

const TO_MERGE = [...Array.from({ length: FAN_IN - 1 }, () => 1), ...Array.from({ length: FAN_IN }, () => 0)];

const FILES_TO_MERGE = Array.from({ length: FAN_IN }, () => 1);

/** What is merged has its rows or files still, until it is opened anew. */
const LEFTOVER = 'is left';

const refusals: readonly (readonly [Refused, nth: number, levels: readonly number[], typeof LEFTOVER?])[] = [
  ...(['open', 'create', 'truncate', 'append', 'sync', 'syncFolder'] as const).flatMap((kind) => [
    [kind, 1, TO_MERGE] as const,
    [kind, 2, FILES_TO_MERGE] as const,
  ]),
  ['read', 1, FILES_TO_MERGE],
  ['read', FAN_IN, FILES_TO_MERGE],
  ['names', 1, [2], LEFTOVER],
  ['remove', 1, [2], LEFTOVER],
  ['remove', FAN_IN, [2], LEFTOVER],
  ['write', 1, TO_MERGE],
  ['write', 2, FILES_TO_MERGE, LEFTOVER],
  ['write', 3, FILES_TO_MERGE],
];

/** A home that refuses one operation, once it is told to, and lets all others happen. */
function refusing(start: MemoryHome) {
  let next: { readonly kind: Refused; left: number } | null = null;
  let opened = 0;
  const isRefused = (kind: Refused) => {
    if (next?.kind !== kind) return false;
    next.left -= 1;
    if (next.left > 0) return false;
    next = null;
    return true;
  };
  const error = diskError('ENOSPC');
  const disk = start.disk.afterCrash(KEEP_UNSYNCED, ({ kind }) => (isRefused(kind) ? { error, written: 100 } : null));
  const database = start.database.copy();
  const counting: Around = async (kind, _path, work) => {
    if ((kind === 'open' || kind === 'read' || kind === 'names') && isRefused(kind)) throw error;
    const result = await work();
    if (kind === 'open' && result !== null) opened += 1;
    if (kind === 'close') opened -= 1;
    return result;
  };
  const write = (write: () => Promise<void>) => (isRefused('write') ? Promise.reject(error) : write());
  return {
    under: { database, disk },
    home: { database: writing(database, write), disk: through(disk, counting) },
    refuse: (kind: Refused, nth: number) => {
      next = { kind, left: nth };
    },
    hasRefused: () => next === null,
    /** How many files are open. */
    opened: () => opened,
  };
}

/** Enough runs of both levels that the merge of those of the first is followed by one of those of the second. */
async function dueTwice(t: Test, keys: readonly Uint8Array[]): Promise<{ readonly home: MemoryHome; book: Book }> {
  const home = memoryHome();
  const book = await Book.open(t, home);
  await writeAlmostTwoLevels(home, book, keys, 2);
  await book.writeRuns(1, keys, 2);
  await book.runs.stop();
  return { home, book };
}

t.test('a disk that refuses ends the merge, which is told; what is there is found, and merged later', async (t) => {
  const chance = new Chance(13, 'refused');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const { home: start, book } = await dueTwice(t, pool);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 12 }, () => chance.pick(book.keys))];
  for (const [kind, nth, levels, leftover] of refusals) {
    const what = `${kind} ${nth}`;
    const { home, under, refuse, hasRefused } = refusing(start);
    const seen = await book.openedIn(home);
    const check = async (when: string) => {
      t.strictSame(await seen.wrong(keys), [], `${what}: ${when}`);
      const after = left(under, LOSE_UNSYNCED);
      const reopened = await seen.openedIn(after);
      t.strictSame(await reopened.wrong(keys), [], `${what}: ${when}, after a crash`);
      t.strictSame(await amiss(after), [], `${what}: ${when}, after a crash`);
    };
    const levelsNow = async () => (await runsIn(under.database)).map(({ level }) => level);
    refuse(kind, nth);
    t.match(await failureOf(seen.runs), { code: 'ENOSPC' }, what);
    t.ok(hasRefused());
    t.strictSame(await levelsNow(), levels, what);
    await check('refused');
    if (leftover === LEFTOVER) {
      t.not((await amiss(under)).length, 0);
      await seen.reopen();
    }
    await merged(under, seen.runs);
    t.strictSame(await levelsNow(), [2]);
    await check('merged later');
    await seen.runs.close();
  }
});

t.test('files: a name that cannot be made a file ends the merge, which is told', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await book.writeRuns(FAN_IN, [NO_KEY], 20);
  const before = await rowsIn(home.database);
  const folder = path.join(t.testdirName, 'places', fileOf(runName(book.range.first, book.range.last)));
  await mkdir(folder);
  t.match(await failureOf(book.runs), { code: 'EISDIR' });
  t.strictSame(await rowsIn(home.database), before);
  t.strictSame(await book.wrong(book.keys), []);
  await rmdir(folder);
  await merged(home, book.runs);
  t.strictSame(await book.wrong(book.keys), []);
});

t.test('whatever was refused or damaged, no file stays open', async (t) => {
  const { home: start, book } = await dueTwice(t, [NO_KEY]);
  for (const [kind, nth] of refusals) {
    const { home, refuse, opened } = refusing(start);
    const seen = await book.openedIn(home);
    t.equal(opened(), FAN_IN - 1);
    refuse(kind, nth);
    await failureOf(seen.runs);
    await seen.runs.close();
    t.equal(opened(), 0, `${kind} ${nth} was refused`);
  }
  const last = start.disk.list().at(-1) ?? '';
  const content = start.disk.peek(last) ?? new Uint8Array();
  for (const [what, harmed] of [
    ['cut', content.subarray(0, 9)],
    ['lost', null],
  ] as const) {
    const { home, under, opened } = refusing(start);
    if (harmed === null) await under.disk.remove(last);
    else under.disk.write(last, harmed);
    await t.rejects(book.openedIn(home), { code: 'STATE_CORRUPT' });
    t.equal(opened(), 0, `the opening found a file ${what}`);
  }
});

const survivals: readonly (readonly [string, Survival])[] = [
  ['all that was not synced is lost', LOSE_UNSYNCED],
  ['nothing is lost', KEEP_UNSYNCED],
  ['every other sector is lost', keepSectors((sector) => sector % 2 === 0)],
  ['names are kept, and content is lost', { ...LOSE_UNSYNCED, names: (pending) => pending }],
  ['half of the names are kept', { ...KEEP_UNSYNCED, names: (pending) => pending >>> 1 }],
  ['the end is lost', { ...KEEP_UNSYNCED, content: ({ written }) => written.subarray(0, -1) }],
  [
    'half of the content is lost',
    { ...KEEP_UNSYNCED, content: ({ written }) => written.subarray(0, written.length / 2) },
  ],
];

/** What a restart finds after a crash at some moment. */
interface Image {
  readonly when: string;
  readonly home: MemoryHome;
}

/** As the home, with what a crash would leave at each moment at which something changes, or at one of them only. */
function filmed(start: MemoryHome, only: number | null = null) {
  const images: Image[] = [];
  let moments = 0;
  const database = start.database.copy();
  const take = (moment: string) => {
    if (only === null || moments === only) {
      for (const [what, survival] of survivals) {
        images.push({ when: `${moment}, ${what}`, home: left({ database, disk }, survival) });
      }
    }
    moments += 1;
    return null;
  };
  const disk = start.disk.afterCrash(KEEP_UNSYNCED, ({ kind, path: name }) => take(`before ${kind} ${name}`));
  const film = async (write: () => Promise<void>) => {
    take('before a batch');
    await write();
    take('after a batch');
  };
  return { home: { database: writing(database, film), disk }, images };
}

t.test('a crash at any moment leaves what opens, finds what was written, and is merged on', async (t) => {
  const chance = new Chance(14, 'crash');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const { home: start, book } = await dueTwice(t, pool);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 12 }, () => chance.pick(book.keys))];
  const check = async (home: Home, when: string, memory?: number) => {
    const seen = await book.openedIn(home, memory);
    t.strictSame(await seen.wrong(keys, null, [1, 1_000]), [], when);
    t.strictSame(await amiss(home), [], when);
    return seen;
  };
  const { home: running, images } = filmed(start);
  await merged(running, (await book.openedIn(running)).runs);
  t.ok(images.length > 25 * survivals.length, `${images.length} images`);
  const levels = new Set<string>();
  let twice = 0;
  for (const [n, { when, home }] of images.entries()) {
    const runs = await runsIn(home.database);
    levels.add(runs.map(({ level }) => level).join(''));
    // A run that the database names has its file, all of it, before anybody opens it.
    for (const run of runs.filter(isInFile)) {
      t.equal(home.disk.peek(fileOf(run.name))?.length, sizeOf(run), `${when}: ${run.name}`);
    }
    await check(left(home, KEEP_UNSYNCED), when, 0);
    const again = filmed(home, n % 37);
    const seen = await check(again.home, when);
    await merged(again.home, seen.runs);
    t.strictSame(await seen.wrong(keys, null, [1, 1_000]), [], `${when}, merged on`);
    // Another crash, while it was opened or merged on.
    const second = again.images[n % survivals.length];
    if (second === undefined) continue;
    twice += 1;
    await check(second.home, `${when}, then ${second.when}`);
  }
  t.strictSame([...levels].sort(), ['2', FILES_TO_MERGE.join(''), TO_MERGE.join('')].sort());
  t.ok(twice > images.length / 4, `${twice} crashed twice`);
});
