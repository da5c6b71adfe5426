/**
 * What this machine can do at all: signature checks a second on all cores together, which no network of validators on it can
 * exceed, and how long one synced write takes, which no answer can beat.
 */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { signatureLibrary } from '../../src/crypto/signature-library.ts';
import { assert } from '../../src/errors.ts';
import { openFileDisk } from '../../src/storage/index.ts';
import { createLatencyHistogram, quantilesOf } from '../histogram.ts';
import type { Limit, Quantiles } from '../report.ts';
import { measureVerifications } from './verifications.ts';

export interface LimitOptions {
  /** For each library. */
  readonly seconds: number;
  /** Where the nodes' data is; the file that is written there is removed. */
  readonly folder: string;
}

const WRITE_BYTES = 4_096;
const WRITES = 500;
const FILE = 'tonle-synced-writes';

export async function measureLimit({ seconds, folder }: LimitOptions): Promise<Limit> {
  const cores = availableParallelism();
  const verificationsPerS = await measureChecks(seconds);
  const opensslPerS =
    signatureLibrary.name === 'OpenSSL' ? verificationsPerS : await measureVerifications(cores, seconds, 'OpenSSL');
  return {
    verificationsPerS,
    library: `${signatureLibrary.name} ${signatureLibrary.version}`,
    cores,
    opensslPerS,
    syncedWrite: await measureSyncedWrites(folder, WRITES),
  };
}

/** Checks a second on all cores, by the library that the nodes verify with. */
export async function measureChecks(seconds: number): Promise<number> {
  return await measureVerifications(availableParallelism(), seconds, signatureLibrary.name);
}

/** Appends of 4 KiB, one after the other, each with its fdatasync, through the `Disk` that nodes write with. */
export async function measureSyncedWrites(folder: string, writes: number): Promise<Quantiles> {
  const disk = await openFileDisk(folder);
  const file = await disk.open(FILE, true);
  assert(file !== null, 'a file that is created is there');
  const histogram = createLatencyHistogram();
  const bytes = new Uint8Array(WRITE_BYTES).fill(0x7e);
  try {
    for (let i = 0; i < writes; i++) {
      const before = performance.now();
      await file.append(bytes);
      await file.sync();
      histogram.record(performance.now() - before);
    }
  } finally {
    await file.close();
    await rm(path.join(folder, FILE));
  }
  return quantilesOf(histogram);
}
