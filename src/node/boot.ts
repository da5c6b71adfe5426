/**
 * Opens what the disk holds: verifies the record and proves the state, as far back as the newest snapshot that a certified
 * block vouches for, or from the record's first block on where there is none.
 *
 * | found | then |
 * |---|---|
 * | a snapshot not above the state, its root in a certified header of the record (half an interval later) | blocks from there on are verified; the state must be the snapshot with those blocks run over it |
 * | no such snapshot, a record from block 1 | every block is verified, and what the state lacks is applied |
 * | a state that is not what it must be, or none | it is made anew: from the genesis and every block (so that the indexes are whole), or from the snapshot that the record begins with |
 * | a record that begins at a snapshot, and neither state nor snapshot, or not yet the block that vouches for it | the node starts over with an empty chain, and asks its peers |
 * | a checkpoint that no block of the record vouches for yet, passed, its snapshot not finished | the state of then is made anew: from a snapshot before it, or by making the whole state anew |
 */
import { CodecError } from '../codec/schema.ts';
import type { SnapshotManifest } from '../codec/state.ts';
import { batchDigest } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import { genesisWrites, type Rules } from '../ledger/ledger.ts';
import type { BlockLog, Snapshots, StateStore } from '../ports.ts';
import type { ChainId, ChainTip, CommittedBlock, Genesis, Hash } from '../types/index.ts';
import { type Checkpoints, certifierOf, openCheckpoint } from './checkpoints.ts';
import { judgeState, makeState } from './proof-of-state.ts';
import { fillFromSnapshot, readManifest, rootOfSnapshot } from './snapshot.ts';

/** What opening a chain did. */
export interface BootReport {
  /** Height of the first block that was verified. */
  readonly verifiedFrom: number;
  readonly height: number;
  /** Blocks that were run again and applied, because the state lacked them. */
  readonly replayed: number;
  /** The snapshot that proved the state; null where none did. */
  readonly provedBy: number | null;
  /** Why the state was made anew; null where it was as it should be. */
  readonly rebuilt: string | null;
}

export interface BootParts {
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly rules: Rules;
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly store: StateStore;
  readonly checkpoints: Checkpoints;
  readonly read: (height: number) => Promise<CommittedBlock | null>;
  readonly isCertified: (committed: CommittedBlock) => boolean;
  /** Makes this the tip, whose block the state has. */
  readonly goTo: (tip: ChainTip) => void;
  /** Runs a block on the tip and applies it. @returns false where it gives other results than its header says. */
  readonly replay: (committed: CommittedBlock) => Promise<boolean>;
}

/**
 * @throws CodedError `FOLDER_FOREIGN` (the state is of another network), `STATE_AHEAD` (the record lost blocks that the
 *   state holds), `CHAIN_CORRUPT` (a block of the record does not verify, or does not do again what it did).
 */
export async function boot(parts: BootParts): Promise<BootReport> {
  try {
    return await open(parts);
  } catch (error) {
    if (!isDamagedState(error)) throw error;
    return await openAnew(parts, error.message);
  }
}

/** Makes the state anew, and whatever is taken from it. */
async function openAnew(parts: BootParts, reason: string): Promise<BootReport> {
  const { store, genesis, chainId, checkpoints, goTo } = parts;
  await checkpoints.stop();
  await store.clear();
  goTo({ height: 0, hash: chainId, timeMs: genesis.timeMs });
  return { ...(await open(parts)), rebuilt: reason };
}

/** A value of the state is not what was written: its checksum says so, or it does not decode. Blocks that do not are `CHAIN_CORRUPT`. */
function isDamagedState(error: unknown): error is CodedError {
  return error instanceof CodecError || (error instanceof CodedError && error.code === 'STATE_CORRUPT');
}

async function open(parts: BootParts): Promise<BootReport> {
  refuse(parts);
  const { log, store } = parts;
  let rebuilt = await giveUpUncertified(parts);
  const proof = await proveState(parts);
  const provedBy = proof.is === 'proved' ? proof.by : null;
  const problem = proof.is === 'false' ? proof.reason : reasonToRebuild(parts);
  if (problem !== null) await store.clear();
  rebuilt ??= problem;
  const isTrusted = proof.is === 'proved' || store.height() === null;
  if (store.height() === null) rebuilt = (await refill(parts)) ?? rebuilt;
  const from = proof.is === 'proved' ? (store.height() ?? 0) + 1 : log.first();
  const replayed = await goOn(parts, from, proof.is === 'proved' ? proof.tip : null, isTrusted);
  const verifiedFrom = provedBy ?? log.first();
  if (!(await takeUpCheckpoint(parts, verifiedFrom))) {
    return await openAnew(parts, 'the state at the last checkpoint was not written down, and nothing else gives it');
  }
  return { verifiedFrom, height: log.length(), replayed, provedBy, rebuilt };
}

function refuse({ chainId, log, store }: BootParts): void {
  if (store.chain() !== null && store.chain() !== chainId) {
    throw new CodedError(
      'FOLDER_FOREIGN',
      'the state in this folder belongs to another network; choose another folder',
    );
  }
  if ((store.height() ?? 0) > log.length()) {
    throw new CodedError(
      'STATE_AHEAD',
      `the state has ${store.height()} blocks, the block log only ${log.length()}: blocks are missing from the log; ` +
        'restore blocks.log from a copy, or move this folder away and let the node fetch everything again',
    );
  }
}

/** Why a state is made anew that is not there: its database lost what was not synced yet, or is new. */
export const EMPTY_STATE = 'the state is empty';

/** Why the state cannot be that of this record, whatever it holds. */
function reasonToRebuild({ log, store }: BootParts): string | null {
  const height = store.height();
  if (height === null) return log.length() === 0 ? null : EMPTY_STATE;
  return log.first() > 1 && height < log.first() ? 'the state is older than the record' : null;
}

// ---------------------------------------------------------------- proof

type Proof =
  | { readonly is: 'proved'; readonly by: number; readonly tip: ChainTip }
  | { readonly is: 'false'; readonly reason: string }
  | { readonly is: 'none' };

/** Proves the state by the newest snapshot that can. */
async function proveState(parts: BootParts): Promise<Proof> {
  const height = parts.store.height();
  if (height === null) return { is: 'none' };
  for (const at of certifiedHeights(parts).filter((each) => each <= height)) {
    const proof = await proveBy(parts, at, height);
    if (proof !== null) return proof;
  }
  return { is: 'none' };
}

/** @returns null where the snapshot is of no use. */
async function proveBy(parts: BootParts, at: number, height: number): Promise<Proof | null> {
  const { rules, snapshots, store } = parts;
  const block = await verified(parts, at, at === 1 ? parts.chainId : null);
  const certified = await certifiedManifest(parts, at);
  if (certified === null) return null;
  let tip = tipOf(block);
  let verifiedTo = at;
  const blocks = async function* () {
    for (let next = at + 1; next <= height; next++) {
      const isNew = next > verifiedTo;
      const committed = isNew ? await verified(parts, next, tip.hash) : await present(parts, next);
      if (isNew) tip = tipOf(committed);
      if (isNew) verifiedTo = next;
      yield committed;
    }
  };
  const { timeMs } = block.block.header;
  const verdict = await judgeState({ rules, snapshots, manifest: certified, timeMs, blocks, store });
  switch (verdict.is) {
    case 'proved':
      parts.goTo(tip);
      return { is: 'proved', by: at, tip };
    case 'false':
      return verdict;
    case 'unusable':
      return null;
    case 'block':
      throw corrupt(verdict.height, 'gives other results than it did');
  }
}

/** Snapshots that a block of the record vouches for, if they are what they must be; the newest first. */
function certifiedHeights({ log, snapshots, genesis }: BootParts): number[] {
  const { checkpointInterval } = genesis.rules;
  const usable = (at: number) => at >= log.first() && certifierOf(at, checkpointInterval) <= log.length();
  return snapshots.heights().filter(usable).reverse();
}

/** The manifest of the snapshot of this height, if it is the one that the record vouches for. */
async function certifiedManifest(parts: BootParts, height: number): Promise<SnapshotManifest | null> {
  const certifier = await verified(parts, certifierOf(height, parts.genesis.rules.checkpointInterval), null);
  return await readManifest(parts.snapshots, height, certifier.block.header.checkpointRoot);
}

// ---------------------------------------------------------------- checkpoint

/**
 * Takes up the checkpoint whose root a block after the record will carry, unless running the record again has begun it.
 *
 * @param verifiedFrom from where on the record was verified.
 * @returns whether its root is here or under way.
 */
async function takeUpCheckpoint(parts: BootParts, verifiedFrom: number): Promise<boolean> {
  const { log, snapshots, checkpoints, genesis } = parts;
  const due = openCheckpoint(log.length(), genesis.rules.checkpointInterval);
  if (due === null || checkpoints.has(due)) return true;
  if (due === log.length()) {
    checkpoints.begin(due);
    return true;
  }
  const root = snapshots.heights().includes(due) ? await rootOfSnapshot(snapshots, due) : null;
  if (root !== null) {
    checkpoints.know(due, root);
    return true;
  }
  for (const at of certifiedHeights(parts).filter((each) => each >= verifiedFrom)) {
    if (await makeCheckpoint(parts, at, due)) return true;
  }
  return false;
}

/** Makes the state after block `due` from the snapshot of `at`. @returns false where that is of no use. */
async function makeCheckpoint(parts: BootParts, at: number, due: number): Promise<boolean> {
  const { rules, snapshots, checkpoints } = parts;
  const manifest = await certifiedManifest(parts, at);
  if (manifest === null) return false;
  const { timeMs } = (await present(parts, at)).block.header;
  const blocks = async function* () {
    for (let next = at + 1; next <= due; next++) yield await present(parts, next);
  };
  const made = await makeState({ rules, snapshots, manifest, timeMs, blocks });
  if (made.is === 'unusable') return false;
  if (made.is === 'block') throw corrupt(made.height, 'gives other results than it did');
  try {
    await checkpoints.make(due, made.pages);
    return true;
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'SNAPSHOT_CORRUPT') throw error;
    return false;
  }
}

// ---------------------------------------------------------------- making the state

/** A record that begins at a snapshot which nothing in it vouches for yet. @returns why it was given up, or null. */
async function giveUpUncertified(parts: BootParts): Promise<string | null> {
  const { log, store, genesis } = parts;
  const first = log.first();
  if (first === 1 || certifierOf(first, genesis.rules.checkpointInterval) <= log.length()) return null;
  await store.clear();
  await startOver(parts);
  return 'nothing vouches yet for the snapshot that the record begins with; starting over';
}

async function startOver({ log, snapshots }: BootParts): Promise<void> {
  await log.beginAnew(1, []);
  await snapshots.keep([]);
}

/** Makes an empty state the first one of the record. @returns why the record had to be given up for that, or null. */
async function refill(parts: BootParts): Promise<string | null> {
  const { log, store, chainId, genesis } = parts;
  let reason: string | null = null;
  if (log.first() > 1) {
    if (await fillFromBase(parts)) return null;
    reason = 'neither the state nor the snapshot that the record begins with is there; starting over';
    await startOver(parts);
  }
  await store.apply(0, genesisWrites(genesis), [], chainId);
  return reason;
}

async function fillFromBase(parts: BootParts): Promise<boolean> {
  const { log, snapshots, store, chainId } = parts;
  const first = log.first();
  if (!snapshots.heights().includes(first)) return false;
  const manifest = await certifiedManifest(parts, first);
  return manifest !== null && (await fillFromSnapshot(store, snapshots, manifest, chainId));
}

// ---------------------------------------------------------------- record

/**
 * Verifies the blocks from `from` on and applies what the state lacks.
 *
 * @param parent null before the first of the record.
 * @param isTrusted the state was proved or made anew: where not, a block that gives other results on it speaks against the state.
 */
async function goOn(parts: BootParts, from: number, parent: ChainTip | null, isTrusted: boolean): Promise<number> {
  const { log, store, chainId, goTo, replay } = parts;
  let parentHash = parent?.hash ?? (from === 1 ? chainId : null);
  let replayed = 0;
  for (let height = from; height <= log.length(); height++) {
    const committed = await verified(parts, height, parentHash);
    const tip = tipOf(committed);
    parentHash = tip.hash;
    if (height <= (store.height() ?? 0)) {
      goTo(tip);
      continue;
    }
    if (!(await replay(committed))) {
      if (isTrusted) throw corrupt(height, 'gives other results than it did');
      throw new CodedError('STATE_CORRUPT', `block ${height} gives other results on this state than it did`);
    }
    replayed += 1;
  }
  return replayed;
}

/**
 * A block of the record that is what a quorum decided.
 *
 * @param parentHash null where the block before is not known.
 */
async function verified(parts: BootParts, height: number, parentHash: Hash | null): Promise<CommittedBlock> {
  const committed = await present(parts, height);
  const { header } = committed.block;
  if (header.height !== height || (parentHash !== null && header.parentHash !== parentHash)) {
    throw corrupt(height, 'does not follow the one before');
  }
  if (!holdsItsBatches(committed)) throw corrupt(height, 'does not hold the batches that it names');
  if (!parts.isCertified(committed)) throw corrupt(height, 'has no valid certificate');
  return committed;
}

async function present({ read }: BootParts, height: number): Promise<CommittedBlock> {
  const committed = await read(height).catch((cause: unknown) => {
    throw corrupt(height, 'cannot be decoded', cause);
  });
  if (committed === null) throw corrupt(height, 'is missing');
  return committed;
}

function corrupt(height: number, what: string, cause?: unknown): CodedError {
  return new CodedError('CHAIN_CORRUPT', `block ${height} of the block log ${what}; restore blocks.log from a copy`, {
    cause,
  });
}

function tipOf({ block: { header }, certificate }: CommittedBlock): ChainTip {
  return { height: header.height, hash: certificate.blockHash, timeMs: header.timeMs };
}

/** Whether the batches of a record are those its block names, in order. */
export function holdsItsBatches({ block, batches }: CommittedBlock): boolean {
  return (
    batches.length === block.batches.length && batches.every((batch, i) => batchDigest(batch) === block.batches[i])
  );
}
