/** Joining past liars: known at their first false word, and no reason not to succeed. */
import t from 'tap';
import { committedBlock } from '../codec/block.ts';
import { MAX_CHUNK_BYTES, MAX_COMMITTED_BLOCK_BYTES, MAX_MANIFEST_BYTES } from '../codec/limits.ts';
import { blocksQuestion, chunkQuestion } from '../codec/messages.ts';
import { decode, encode } from '../codec/schema.ts';
import { snapshotManifest, stateChunk } from '../codec/state.ts';
import type { Question } from '../ports.ts';
import { clusterOfLiars, contentOf, type Frames, grown, INTERVAL, type Lie } from '../testing/joining.ts';
import type { Hash, Header } from '../types/index.ts';

t.test('liars and the lazy are skipped or banned, and the join succeeds through others', async (t) => {
  const lies = new Map<string, Lie>();
  const cluster = await grown(clusterOfLiars(lies), 1_200);
  const manifestOf = (frames: Frames) => decode(snapshotManifest, frames[0] ?? new Uint8Array(), MAX_MANIFEST_BYTES);
  const only = (kind: Question, lie: (frames: Frames, asked: Uint8Array) => Frames | Promise<Frames>): Lie => {
    return (question, frames, asked) => (question === kind && frames.length > 0 ? lie(frames, asked) : frames);
  };
  const aclb = () => cluster.get('aclb').chain;
  const reversed = (roots: readonly Hash[]) => [...roots].reverse();
  const cases: readonly (readonly [what: string, lie: Lie, banned: boolean])[] = [
    ['a manifest that is noise', only('manifest', () => [new Uint8Array(100)]), true],
    ['an empty manifest', only('manifest', () => [new Uint8Array()]), true],
    [
      'chunk digests in another order',
      only('manifest', (frames) => {
        const manifest = manifestOf(frames);
        return [encode(snapshotManifest, { ...manifest, chunkDigests: reversed(manifest.chunkDigests) })];
      }),
      true,
    ],
    [
      'an entry less than there is',
      only('manifest', (frames) => {
        const manifest = manifestOf(frames);
        return [encode(snapshotManifest, { ...manifest, entries: manifest.entries - 1 })];
      }),
      true,
    ],
    [
      'the manifest of another height',
      only('manifest', (frames) => {
        const manifest = manifestOf(frames);
        return [encode(snapshotManifest, { ...manifest, height: manifest.height - INTERVAL })];
      }),
      true,
    ],
    [
      'a height without a checkpoint, whose root no block carries',
      only('manifest', (frames) => {
        const manifest = manifestOf(frames);
        return [encode(snapshotManifest, { ...manifest, height: manifest.height - 1 })];
      }),
      true,
    ],
    [
      'another block of the snapshot',
      only('blocks', ([block = new Uint8Array()]) => [tampered(block, { timeMs: 7 })]),
      true,
    ],
    [
      'a block with another checkpoint root',
      only('blocks', ([block = new Uint8Array()]) => {
        const { checkpointRoot } = decode(committedBlock, block, MAX_COMMITTED_BLOCK_BYTES).block.header;
        return [checkpointRoot === null ? block : tampered(block, { checkpointRoot: 'ab'.repeat(32) as Hash })];
      }),
      true,
    ],
    [
      'the block after the one that vouches',
      only('blocks', async (frames, asked) => {
        const { from } = decode(blocksQuestion, asked, 100);
        return (from - 1 - INTERVAL / 2) % INTERVAL === 0 ? [await read(aclb(), from + 1)] : frames;
      }),
      true,
    ],
    ['blocks that nobody asked for', only('blocks', async () => [await read(aclb(), 1), await read(aclb(), 2)]), true],
    [
      'a balance too high',
      only('chunk', ([chunk = new Uint8Array()]) => {
        const entries = [...decode(stateChunk, chunk, MAX_CHUNK_BYTES)];
        const [entry] = entries;
        if (entry !== undefined) entries[0] = { ...entry, value: entry.value.map((byte) => byte ^ 1) };
        return [encode(stateChunk, entries)];
      }),
      true,
    ],
    ['a chunk that is noise', only('chunk', () => [new Uint8Array(3)]), true],
    [
      'always the first chunk',
      only('chunk', async (_, asked) => {
        const { height } = decode(chunkQuestion, asked, 100);
        return [(await aclb().snapshots.chunk(height, 0)) ?? new Uint8Array()];
      }),
      true,
    ],
    [
      'a chunk of another snapshot',
      only('chunk', async (_, asked) => {
        const { index } = decode(chunkQuestion, asked, 100);
        // The newest is one that no block vouches for yet.
        const newer = aclb().snapshots.heights().at(-1) ?? 0;
        return [(await aclb().snapshots.chunk(newer, index)) ?? new Uint8Array()];
      }),
      true,
    ],
    ['no manifest', only('manifest', () => []), false],
    ['no chunk', only('chunk', () => []), false],
    ['one block at a time', only('blocks', ([block = new Uint8Array()]) => [block]), false],
    ['no blocks', only('blocks', () => []), false],
    ['silence about chunks', only('chunk', () => new Promise(() => undefined)), false],
    ['silence about manifests', only('manifest', () => new Promise(() => undefined)), false],
  ];
  for (const [what, lie, banned] of cases) {
    lies.set('nbc', lie);
    cluster.wipe('wing');
    cluster.wires.bans.length = 0;
    const wing = await cluster.start('wing');
    await cluster.until(() => wing.chain.tip.height === aclb().tip.height, what);
    t.ok(wing.chain.log.first() > 1, `${what}: through a snapshot`);
    const [joining] = wing.events.filter((event) => event.type === 'joining');
    t.ok((joining?.chunks ?? 0) > 1, 'in more than one chunk');
    const bans = new Set(cluster.wires.bans.map(({ by, peer }) => `${by} ${peer}`));
    t.strictSame([...bans], banned ? ['wing nbc'] : [], what);
    t.strictSame(contentOf(cluster, 'wing'), contentOf(cluster, 'aclb'), what);
    lies.clear();
    cluster.wires.heal();
  }
  await cluster.stop();
});

/** The same block under the same certificate, with something else in its header. */
function tampered(block: Uint8Array, change: Partial<Header>): Uint8Array {
  const committed = decode(committedBlock, block, MAX_COMMITTED_BLOCK_BYTES);
  const header = { ...committed.block.header, ...change };
  return encode(committedBlock, { ...committed, block: { ...committed.block, header } });
}

async function read(chain: { log: { read(height: number): Promise<Uint8Array | null> } }, height: number) {
  return (await chain.log.read(height)) ?? new Uint8Array();
}
