/** The record as boot and proof read it: blocks that a quorum decided, and the snapshots that they vouch for. */
import { committedBlock, type SealedBlock, sealedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES } from '../codec/limits.ts';
import { decode, type Schema } from '../codec/schema.ts';
import type { SnapshotManifest } from '../codec/state.ts';
import { batchDigest, batchDigestOfBytes } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import type { BlockLog, Snapshots } from '../ports.ts';
import type { ChainId, ChainTip, CommittedBlock, Genesis, Hash } from '../types/index.ts';
import { certifierOf } from './checkpoints.ts';
import { readManifest } from './snapshot.ts';

export type CertifiedBlock = Pick<CommittedBlock, 'block' | 'certificate'>;

export interface RecordParts {
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly isCertified: (block: CertifiedBlock) => boolean;
}

/**
 * A block of the record that is what a quorum decided. Its batches are known by the digests of their bytes, and not read: they
 * were, before anybody voted for the block.
 *
 * @param parentHash null where the block before is not known.
 * @throws CodedError `CHAIN_CORRUPT`.
 */
export async function verified(parts: RecordParts, height: number, parentHash: Hash | null): Promise<SealedBlock> {
  const sealed = await read(parts, height, sealedBlock);
  const { header, batches } = sealed.block;
  if (header.height !== height || (parentHash !== null && header.parentHash !== parentHash)) {
    throw corrupt(height, 'does not follow the one before');
  }
  const isWhole =
    sealed.batches.length === batches.length &&
    sealed.batches.every((bytes, i) => batchDigestOfBytes(bytes) === batches[i]);
  if (!isWhole) throw corrupt(height, 'does not hold the batches that it names');
  if (!parts.isCertified(sealed)) throw corrupt(height, 'has no valid certificate');
  return sealed;
}

/** A block that was verified before, whole. @throws CodedError `CHAIN_CORRUPT`. */
export function present(parts: RecordParts, height: number): Promise<CommittedBlock> {
  return read(parts, height, committedBlock);
}

async function read<T>({ log }: RecordParts, height: number, schema: Schema<T>): Promise<T> {
  const bytes = await log.read(height);
  if (bytes === null) throw corrupt(height, 'is missing');
  try {
    return decode(schema, bytes, MAX_COMMITTED_BLOCK_BYTES);
  } catch (cause) {
    throw corrupt(height, 'cannot be decoded', cause);
  }
}

export function corrupt(height: number, what: string, cause?: unknown): CodedError {
  return new CodedError('CHAIN_CORRUPT', `block ${height} of the block log ${what}; restore blocks.log from a copy`, {
    cause,
  });
}

export function tipOf({ block: { header }, certificate }: CertifiedBlock): ChainTip {
  return { height: header.height, hash: certificate.blockHash, timeMs: header.timeMs };
}

/** Whether the batches of a record are those its block names, in order. */
export function holdsItsBatches({ block, batches }: CommittedBlock): boolean {
  return (
    batches.length === block.batches.length && batches.every((batch, i) => batchDigest(batch) === block.batches[i])
  );
}

/** Heights of the snapshots that a block of the record vouches for, if they are what they must be; the newest first. */
export function certifiedHeights({ log, snapshots, genesis }: RecordParts): number[] {
  const { checkpointInterval } = genesis.rules;
  const usable = (at: number) => at >= log.first() && certifierOf(at, checkpointInterval) <= log.length();
  return snapshots.heights().filter(usable).reverse();
}

/** The manifest of the snapshot of this height, if it is the one that the record vouches for. */
export async function certifiedManifest(parts: RecordParts, height: number): Promise<SnapshotManifest | null> {
  const certifier = await verified(parts, certifierOf(height, parts.genesis.rules.checkpointInterval), null);
  return await readManifest(parts.snapshots, height, certifier.block.header.checkpointRoot);
}
