/** Crashes a piece of work on a `MemoryDisk` at every point at which it can be crashed, one after the other. */
import type { DiskOperation } from './memory-disk.ts';
import { diskError, KEEP_UNSYNCED, MemoryDisk } from './memory-disk.ts';

export interface CrashPoint {
  /** The operation that did not happen, or only in part; null where the work ended first. */
  readonly stoppedAt: DiskOperation | null;
  /** The disk at that moment: ask it what a restart finds. */
  readonly disk: MemoryDisk;
}

/**
 * For each operation of `work`, runs it anew on a copy of `start` that stops there for good: before the operation, and
 * for an append also after a part of its bytes. The last point is the end of the work. What `work` was told before it
 * stopped, it has to note itself.
 */
export async function* crashPoints(
  work: (disk: MemoryDisk) => Promise<void>,
  start = new MemoryDisk(),
): AsyncGenerator<CrashPoint> {
  for (let ordinal = 1; ; ordinal++) {
    const point = await runUntil(ordinal, 0, work, start);
    yield point;
    if (point.stoppedAt === null) return;
    const { kind, length } = point.stoppedAt;
    const parts = kind === 'append' ? new Set([1, length >>> 1, length - 1, length]) : [];
    for (const part of parts) yield await runUntil(ordinal, part, work, start);
  }
}

async function runUntil(
  ordinal: number,
  written: number,
  work: (disk: MemoryDisk) => Promise<void>,
  start: MemoryDisk,
): Promise<CrashPoint> {
  let stoppedAt: DiskOperation | null = null;
  const disk = start.afterCrash(KEEP_UNSYNCED, (operation) => {
    if (operation.ordinal < ordinal) return null;
    const first = stoppedAt === null;
    stoppedAt ??= operation;
    return { error: diskError('EIO', 'stopped'), written: first ? written : 0 };
  });
  try {
    await work(disk);
  } catch (error) {
    if (stoppedAt === null) throw error;
  }
  return { stoppedAt, disk };
}
