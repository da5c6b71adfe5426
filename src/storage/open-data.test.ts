/** Opening a real folder with LevelDB in it: order, repairs, and what is left open after a refusal. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Test, test } from 'tap';
import type { ChainId, Hash } from '../types/index.ts';
import { openFileDisk } from './file-disk.ts';
import { setAsideStateStore } from './leveldb.ts';
import { closeData, type DataOptions, openData } from './open-data.ts';
import { openStateStore } from './state-store.ts';

const chainId = 'c1'.repeat(32) as ChainId;
const entry = (height: number) => new Uint8Array(2_000).fill(height);

async function optionsOf(folder: string, changes: Partial<DataOptions> = {}): Promise<DataOptions> {
  const state = path.join(folder, 'state');
  return {
    disk: await openFileDisk(folder),
    chainId,
    openState: () => openStateStore(state),
    setAsideState: () => setAsideStateStore(state),
    hasPeers: true,
    ...changes,
  };
}

/** A folder with five blocks. */
async function folderOf(t: Test, chain: Hash = chainId): Promise<string> {
  const folder = t.testdir();
  const data = await openData(await optionsOf(folder));
  t.strictSame(data.repairs, []);
  for (let height = 0; height <= 5; height++) {
    if (height > 0) await data.log.append(entry(height));
    await data.store.apply(height, { entries: [], forget: null }, { rows: [], places: new Uint8Array() }, chain);
  }
  await data.signState.record(entry(9));
  await closeData(data);
  return folder;
}

function flip(file: string, at: number): Buffer {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  return bytes;
}

test('a damaged log is kept and cut down, and the state that is ahead of it set aside', async (t) => {
  const folder = await folderOf(t);
  const damaged = flip(path.join(folder, 'blocks.log'), 5_000);
  const data = await openData(await optionsOf(folder));
  t.match(data.repairs, [
    { part: 'log', reason: /record 3 at byte/, setAside: 'blocks.log.damaged-1' },
    { part: 'state', reason: /5 blocks, the block log only 2/, setAside: /state\.damaged-1$/ },
  ]);
  t.strictSame([data.log.length(), data.store.height()], [2, null]);
  t.same(data.signState.last(), entry(9));
  t.same(readFileSync(path.join(folder, 'blocks.log.damaged-1')), damaged);
  await closeData(data);
  const again = await openData(await optionsOf(folder));
  t.strictSame(again.repairs, []);
  await closeData(again);
});

test('a damaged state is set aside', async (t) => {
  const folder = await folderOf(t);
  const state = path.join(folder, 'state');
  const manifest = readdirSync(state).find((name) => name.startsWith('MANIFEST')) ?? '';
  flip(path.join(state, manifest), 5);
  const data = await openData(await optionsOf(folder));
  t.match(data.repairs, [{ part: 'state', setAside: /state\.damaged-1$/ }]);
  t.strictSame([data.log.length(), data.store.height()], [5, null]);
  await closeData(data);
});

test('a refusal leaves nothing open and nothing changed', async (t) => {
  const folder = await folderOf(t);
  const contents = () =>
    ['blocks.log', 'sign-state.log'].map((name) => readFileSync(path.join(folder, name)).toString('base64'));
  flip(path.join(folder, 'blocks.log'), 5_000);
  const before = contents();
  for (let i = 0; i < 2; i++) {
    await t.rejects(openData(await optionsOf(folder, { hasPeers: false })), { code: 'LOG_CORRUPT' });
    await t.rejects(openData(await optionsOf(folder, { chainId: 'c2'.repeat(32) as ChainId })), {
      code: 'FOLDER_FOREIGN',
    });
  }
  t.strictSame(contents(), before);
});

test("another network's state beside an empty log is left alone", async (t) => {
  const folder = await folderOf(t, 'ee'.repeat(32) as Hash);
  writeFileSync(path.join(folder, 'blocks.log'), readFileSync(path.join(folder, 'blocks.log')).subarray(0, 48));
  const data = await openData(await optionsOf(folder));
  t.strictSame([data.repairs, data.store.height()], [[], 5]);
  await closeData(data);
});
