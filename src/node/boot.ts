/**
 * Opens what the disk holds: verifies the record as far back as the newest snapshot that a certified block vouches for, or from its
 * first block on where there is none, and makes the state level with it. That the state is what it must be is proved beside the
 * node's work (`state-proof.ts`), and before it only where this node alone decides on blocks.
 *
 * | found | then |
 * |---|---|
 * | a snapshot not above the state, its root in a certified header of the record (half an interval later) | blocks from there on are verified, and what the state lacks is applied; the state must be proved |
 * | no such snapshot, a record from block 1 | every block is verified, and what the state lacks is applied |
 * | a state on which a block gives other results than it did, one that was given up, or none | it is made anew: from the genesis and every block (so that the indexes are whole), or from the snapshot that the record begins with |
 * | a record that begins at a snapshot, and neither state nor snapshot, or not yet the block that vouches for it | the node starts over with an empty chain, and asks its peers |
 * | a checkpoint that no block of the record vouches for yet, passed, its snapshot not finished | the state of then is made beside the node's work from a snapshot before it, or by making the whole state anew |
 */
import { quorumOf } from '../crypto/certificate.ts';
import { CodedError } from '../errors.ts';
import { genesisWrites } from '../ledger/ledger.ts';
import type { Clock } from '../ports.ts';
import type { ChainTip, CommittedBlock, Hash } from '../types/index.ts';
import { type Checkpoints, certifierOf, openCheckpoint, type Take } from './checkpoints.ts';
import { isDamagedState } from './damaged-state.ts';
import { NO_INDEX } from './indexes.ts';
import { Pace } from './pace.ts';
import { makeState } from './proof-of-state.ts';
import { certifiedHeights, certifiedManifest, corrupt, present, tipOf, verified } from './record.ts';
import { fillFromSnapshot, rootOfSnapshot } from './snapshot.ts';
import { blocksFrom, type ProofParts, proveState, type StateStanding } from './state-proof.ts';

/** What opening a chain did. */
export interface BootReport {
  /** Height of the first block that was verified. */
  readonly verifiedFrom: number;
  readonly height: number;
  /** Blocks that were run again and applied, because the state lacked them. */
  readonly replayed: number;
  /** What is known of the state: `pending` where the proof is still to be made. */
  readonly stateProof: StateStanding;
  /** The snapshot that has proved the state; null where none has yet. */
  readonly provedBy: number | null;
  /** Why the state was made anew; null where nothing spoke against it. */
  readonly rebuilt: string | null;
}

export interface BootParts extends ProofParts {
  readonly checkpoints: Checkpoints;
  /** Paces what goes on behind the back of the blocks; null where nobody waits for anything else. */
  readonly clock: Clock | null;
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

async function open(parts: BootParts): Promise<BootReport> {
  refuse(parts);
  const { log, store } = parts;
  let rebuilt = await giveUpUncertified(parts);
  const problem = reasonToRebuild(parts);
  if (problem !== null) await store.clear();
  rebuilt ??= problem;
  const found = store.height();
  if (found === null) rebuilt = (await refill(parts)) ?? rebuilt;
  const from = found === null ? log.first() : await verifiableFrom(parts, found);
  const replayed = await goOn(parts, from, found === null);
  const opened = { verifiedFrom: from, height: log.length(), replayed, provedBy: null, rebuilt };
  const report: BootReport = found === null ? { ...opened, stateProof: 'proved' } : await standing(parts, opened);
  if (!(await takeUpCheckpoint(parts, report.verifiedFrom))) {
    return await openAnew(parts, 'the state at the last checkpoint was not written down, and nothing else gives it');
  }
  return report;
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

/** From where on the blocks must be verified: there is what proves the state, or else the record begins. */
async function verifiableFrom(parts: BootParts, found: number): Promise<number> {
  for (const at of certifiedHeights(parts).filter((each) => each <= found)) {
    if ((await certifiedManifest(parts, at)) !== null) return at;
  }
  return parts.log.first();
}

/**
 * What is known of a state that was found. Where this node's word is a quorum, blocks on a false state would be decided: there the
 * proof comes first. @throws CodedError `STATE_CORRUPT`, only there.
 */
async function standing(parts: BootParts, opened: Omit<BootReport, 'stateProof'>): Promise<BootReport> {
  const { genesis, store } = parts;
  if (certifiedHeights(parts).length === 0) return { ...opened, stateProof: 'none' };
  if (quorumOf(genesis.participants.length) > 1) return { ...opened, stateProof: 'pending' };
  const verdict = await store.hold((held) => proveState(parts, held, opened.verifiedFrom, new Pace(null)));
  if (verdict.is === 'false') throw new CodedError('STATE_CORRUPT', verdict.reason);
  const { by, verifiedFrom } = verdict;
  return { ...opened, verifiedFrom, provedBy: by, stateProof: by === null ? 'none' : 'proved' };
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
  const bases = certifiedHeights(parts).filter((each) => each >= verifiedFrom);
  if (bases.length === 0) return false;
  checkpoints.make(due, (take, signal) => makeCheckpoint(parts, bases, due, take, new Pace(parts.clock, signal)));
  return true;
}

/**
 * Makes the state after block `due` from the first of these snapshots that is of use.
 *
 * @throws CodedError `SNAPSHOT_CORRUPT` where none is; all of them are set aside then, so that the next start does without them.
 */
async function makeCheckpoint(
  parts: BootParts,
  bases: readonly number[],
  due: number,
  take: Take,
  pace: Pace,
): Promise<Hash> {
  const { rules, snapshots } = parts;
  for (const at of bases) {
    const manifest = await certifiedManifest(parts, at);
    if (manifest === null) continue;
    const { timeMs } = (await verified(parts, at, null)).block.header;
    const made = await makeState({
      rules,
      snapshots,
      manifest,
      timeMs,
      blocks: () => blocksFrom(parts, at + 1, due),
      pace,
    });
    if (made.is === 'block') throw corrupt(made.height, 'gives other results than it did');
    if (made.is === 'unusable') continue;
    try {
      return await take(made.pages);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'SNAPSHOT_CORRUPT') throw error;
    }
  }
  const advice = 'start the node again: it makes the state anew from its record';
  throw new CodedError(
    'SNAPSHOT_CORRUPT',
    `the state after block ${due} was not written down, and the snapshots before it are damaged; ${advice}`,
  );
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
  await store.apply(0, genesisWrites(genesis), NO_INDEX, chainId);
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
 * @param isTrusted the state was made anew: where not, a block that gives other results on it speaks against the state.
 */
async function goOn(parts: BootParts, from: number, isTrusted: boolean): Promise<number> {
  const { log, store, chainId, goTo, replay } = parts;
  let parentHash: Hash | null = from === 1 ? chainId : null;
  let replayed = 0;
  for (let height = from; height <= log.length(); height++) {
    const tip = tipOf(await verified(parts, height, parentHash));
    parentHash = tip.hash;
    if (height <= (store.height() ?? 0)) {
      goTo(tip);
      continue;
    }
    if (!(await replay(await present(parts, height)))) {
      if (isTrusted) throw corrupt(height, 'gives other results than it did');
      throw new CodedError('STATE_CORRUPT', `block ${height} gives other results on this state than it did`);
    }
    replayed += 1;
  }
  return replayed;
}
