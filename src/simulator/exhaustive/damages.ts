/**
 * Every byte at which the disk of a node can be damaged while the node is down, one after the other: the block log ends there, or
 * a bit of any file is another one. The node then opens an exact beginning of its chain with the state that belongs to it, and
 * remembers what its key said last, or it refuses to start by a code; never anything else.
 */
import { createHash } from 'node:crypto';
import { chainIdOf } from '../../crypto/ids.ts';
import { CodedError } from '../../errors.ts';
import { Chain } from '../../node/chain.ts';
import {
  BLOCK_LOG_FILE,
  closeData,
  KEEP_UNSYNCED,
  MemoryDisk,
  MemoryState,
  openData,
  openMemoryStateStore,
} from '../../storage/index.ts';
import { FILE_HEAD_BYTES, RECORD_HEAD_BYTES } from '../../storage/record-format.ts';
import type { ParticipantId } from '../../types/index.ts';
import { BOOT_REFUSALS } from '../faults/damage.ts';
import { planOf } from '../faults/plan.ts';
import { simulate } from '../simulation.ts';
import type { Backup } from '../world/machine.ts';
import { membership } from '../world/members.ts';
import type { PointsOptions } from './crashes.ts';

export interface DamagePointsOptions extends PointsOptions {
  /** Damages every so manieth byte: 1 for all. */
  readonly every: number;
}

export interface DamagePointsReport {
  readonly heights: number;
  /** Bytes of all files: all the points there are for a flipped bit. */
  readonly bytes: number;
  /** Damages that were tried, by what came of them. */
  readonly tried: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
}

interface Damage {
  readonly kind: 'cut' | 'flip';
  readonly file: string;
  readonly at: number;
}

/** What a start on a disk comes to. */
type Start =
  | { readonly refused: string }
  | {
      readonly height: number;
      readonly records: readonly string[];
      readonly state: string;
      readonly said: string;
    };

const BANKS = 4;
const VICTIM = 'bank2' as ParticipantId;
const MAX_STORM_MS = 3_600_000;
const { genesis, verifier } = membership(BANKS, 'stub');
const chainId = chainIdOf(genesis);

/** Damages each byte in turn. @returns what was tried, and where something else came of it than may. */
export async function damageEveryByte(options: DamagePointsOptions): Promise<DamagePointsReport> {
  const { every, share, onProgress } = options;
  const image = await imageAfter(options);
  const files = filesOf(image.disk);
  const truth = await truthOf(image, files);
  const log = files.get(BLOCK_LOG_FILE) ?? new Uint8Array();
  const all: Damage[] = Array.from(log, (_, at) => ({ kind: 'cut', file: BLOCK_LOG_FILE, at }));
  for (const [file, content] of files) for (const at of content.keys()) all.push({ kind: 'flip', file, at });
  const mine = all.filter((_, i) => i % every === 0).filter((_, i) => i % share.of === share.part);
  const tried = new Map<string, number>();
  const failures: string[] = [];
  for (const [done, damage] of mine.entries()) {
    const found = await start(image, damaged(files, damage));
    const what = `${damage.kind} ${damage.file}: ${outcomeOf(found, truth)}`;
    tried.set(what, (tried.get(what) ?? 0) + 1);
    const problem = problemOf(damage, found, truth);
    if (problem !== null) failures.push(`${damage.kind} ${damage.file} at ${damage.at}: ${problem}`);
    onProgress(done + 1, mine.length, failures.length);
  }
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  return { heights: truth.records.length, bytes, tried, failures };
}

/** What should be found: the chain as it is, and for each height where its record ends and what the state is. */
interface Truth {
  readonly records: readonly string[];
  /** Of the file's head, then of each record. */
  readonly ends: readonly number[];
  readonly states: readonly string[];
  readonly said: string;
}

function problemOf({ kind, file, at }: Damage, found: Start, truth: Truth): string | null {
  if ('refused' in found) return BOOT_REFUSALS.has(found.refused) ? null : `it ends with ${found.refused}`;
  const { height, records, state, said } = found;
  if (said !== truth.said) return 'the key remembers something else';
  if (height > truth.records.length || records.some((record, i) => record !== truth.records[i])) return 'another chain';
  if (state !== truth.states[height]) return `the state is not that of height ${height}`;
  const due = expectedHeight(kind, file, at, truth);
  return height === due ? null : `it opens at height ${height}, not ${due}`;
}

/** A log that is cut has the records before the cut; one with a flipped bit those before the bit; other files take nothing away. */
function expectedHeight(kind: Damage['kind'], file: string, at: number, { ends, records }: Truth): number {
  if (file !== BLOCK_LOG_FILE) return records.length;
  const whole = ends.filter((end) => end <= at).length - 1;
  return kind === 'cut' || whole >= 0 ? Math.max(whole, 0) : 0;
}

function outcomeOf(found: Start, { records }: Truth): string {
  if ('refused' in found) return `refused, ${found.refused}`;
  return found.height === records.length ? 'all there' : 'a beginning of the chain';
}

/** What the disk of one bank holds after a calm run. */
async function imageAfter({ seed, heights, turn }: DamagePointsOptions): Promise<Backup> {
  const images: Backup[] = [];
  const probe = {
    crash: null,
    onEffect: () => undefined,
    isOver: (height: number) => height >= heights,
    onOver: (machine: (id: ParticipantId) => { backup(): Backup }) => void images.push(machine(VICTIM).backup()),
  };
  const { violation } = await simulate(planOf(seed, { kinds: [], participants: BANKS, stormMs: MAX_STORM_MS }), {
    turn,
    probe,
  });
  const [image] = images;
  if (violation !== null || image === undefined) throw new Error(`the calm run fails: ${violation?.what}`);
  return image;
}

async function truthOf(image: Backup, files: ReadonlyMap<string, Uint8Array>): Promise<Truth> {
  const whole = await start(image, files);
  if ('refused' in whole) throw new Error(`undamaged, it is refused: ${whole.refused}`);
  const ends = [FILE_HEAD_BYTES];
  for (const record of whole.records) ends.push((ends.at(-1) ?? 0) + RECORD_HEAD_BYTES + record.length / 2);
  const log = files.get(BLOCK_LOG_FILE);
  if (log === undefined || log.length !== ends.at(-1)) throw new Error('the records do not fill the log');
  const states: string[] = [];
  for (const end of ends) {
    const cut = new Map(files).set(BLOCK_LOG_FILE, log.slice(0, end));
    const found = await start({ ...image, state: new MemoryState() }, cut);
    states.push('refused' in found ? found.refused : found.state);
  }
  return { records: whole.records, ends, states, said: whole.said };
}

/** Opens a copy of the image with these files. */
async function start({ state }: Backup, files: ReadonlyMap<string, Uint8Array>): Promise<Start> {
  const disk = new MemoryDisk();
  for (const [name, content] of files) disk.write(name, content);
  const inside = state.copy();
  try {
    const data = await openData({
      disk,
      chainId,
      openState: () => Promise.resolve(openMemoryStateStore(inside)),
      setAsideState: () => {
        inside.clear();
        return Promise.resolve('aside');
      },
      hasPeers: true,
    });
    const chain = await Chain.open({ genesis, ...data, verifier });
    const proof = await chain.proofEnd;
    if (proof?.is === 'failed') await proof.end();
    const records: string[] = [];
    for (let height = 1; height <= chain.tip.height; height++) records.push(hex(await data.log.read(height)));
    const found = { height: chain.tip.height, records, state: digestOf(inside), said: hex(data.signState.last()) };
    await closeData(data);
    return found;
  } catch (error) {
    if (error instanceof CodedError) return { refused: error.code };
    throw error;
  }
}

function filesOf(disk: MemoryDisk): Map<string, Uint8Array> {
  const copy = disk.afterCrash(KEEP_UNSYNCED);
  return new Map(copy.list().map((name) => [name, copy.peek(name)?.slice() ?? new Uint8Array()]));
}

function damaged(files: ReadonlyMap<string, Uint8Array>, { kind, file, at }: Damage): Map<string, Uint8Array> {
  const content = files.get(file) ?? new Uint8Array();
  if (kind === 'cut') return new Map(files).set(file, content.slice(0, at));
  const flipped = content.slice();
  // Another bit in each byte, so that all eight are tried somewhere.
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7));
  return new Map(files).set(file, flipped);
}

function digestOf(state: MemoryState): string {
  const hash = createHash('sha256');
  for (const [key, value] of state.entries.entries()) hash.update(`${key} ${hex(value)}\n`);
  return hash.digest('hex');
}

function hex(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes).toString('hex');
}
