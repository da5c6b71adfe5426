/**
 * Whether what was measured was right: money is conserved, every node has the same blocks and the same state, and every
 * payment that was told final is in the block that was named. A run that fails this has no throughput.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { homePaths } from '../src/cli/home.ts';
import { committedBlock } from '../src/codec/block.ts';
import { fromHex } from '../src/codec/hex.ts';
import { MAX_COMMITTED_BLOCK_BYTES } from '../src/codec/limits.ts';
import { decode } from '../src/codec/schema.ts';
import { transactionId } from '../src/crypto/ids.ts';
import { openBlockLog, openFileDisk } from '../src/storage/index.ts';
import type { BenchNetwork } from './network/bench-network.ts';

/** Asks the living nodes, which must be at rest. @returns what is wrong, in sentences. */
export async function checkLedgers(network: BenchNetwork): Promise<string[]> {
  const height = await network.level();
  const problems: string[] = [];
  const roots = new Set<string>();
  for (const node of network.alive()) {
    const client = network.client(node);
    const { height: at, stateRoot } = await client.state();
    if (at !== height) problems.push(`${node.participant} moved on to height ${at} while it was at rest at ${height}`);
    roots.add(stateRoot);
    const audit = await client.supply({ audit: true });
    if (audit.height !== height)
      problems.push(`${node.participant} counts its money at height ${audit.height}, at rest at ${height}`);
    for (const { currency, circulating, balances } of audit.supply) {
      if (balances?.minor === circulating.minor) continue;
      problems.push(
        `${node.participant} has ${balances?.minor} ${currency}; issued less redeemed are ${circulating.minor}`,
      );
    }
  }
  if (roots.size > 1) problems.push(`the nodes have ${roots.size} different states at height ${height}`);
  return problems;
}

/**
 * Reads the block logs of nodes that have stopped.
 *
 * @param endsFiles what generators wrote: 36 bytes each, an id and the height that it was final at.
 */
export async function checkRecords(network: BenchNetwork, endsFiles: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  const expected = await idsByHeight(endsFiles);
  const hashes: string[][] = [];
  for (const { participant, home } of network.nodes()) {
    const log = await openBlockLog(await openFileDisk(homePaths(home).data), network.chainId);
    const mine: string[] = [];
    hashes.push(mine);
    try {
      let missing = 0;
      for (let height = log.first(); height <= log.length(); height++) {
        const bytes = await log.read(height);
        if (bytes === null) throw new Error(`block ${height} of ${participant} cannot be read`);
        const { certificate, batches } = decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
        mine[height] = certificate.blockHash;
        const wanted = expected.get(height);
        if (wanted === undefined) continue;
        const there = new Set(
          batches.flatMap((batch) => batch.transactions.map(({ body }) => keyOf(fromHex(transactionId(body), 32)))),
        );
        for (const id of wanted) if (!there.has(id)) missing += 1;
      }
      // A node that was dead lacks the end, which is no news.
      if (missing > 0)
        problems.push(`${missing} payments that were told final are not in the record of ${participant}`);
    } finally {
      await log.close();
    }
  }
  const longest = Math.max(...hashes.map((mine) => mine.length));
  for (let height = 1; height < longest; height++) {
    if (new Set(hashes.flatMap((mine) => mine[height] ?? [])).size > 1) problems.push(`there are two blocks ${height}`);
  }
  for (const height of expected.keys()) if (height >= longest) problems.push(`there is no block ${height}`);
  return problems;
}

async function idsByHeight(files: readonly string[]): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>();
  for (const file of files) {
    const bytes = await readFile(path.resolve(file));
    for (let at = 0; at < bytes.length; at += 36) {
      const height = bytes.readUInt32LE(at + 32);
      const ids = found.get(height) ?? [];
      if (ids.length === 0) found.set(height, ids);
      ids.push(keyOf(bytes.subarray(at, at + 32)));
    }
  }
  return found;
}

/** Half of an id as text of one byte a character: a million of them fit in memory. */
function keyOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, 16).toString('latin1');
}
