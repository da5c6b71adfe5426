/**
 * Whether what was measured was right: money is conserved, every node has the same blocks and the same state, and every
 * payment that was told final is in the block that was named. A run that fails this has no throughput.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '../src/api/client.ts';
import type { StateJson } from '../src/api/types.ts';
import { homePaths } from '../src/cli/home.ts';
import type { LocalNode } from '../src/cli/local-network.ts';
import { committedBlock } from '../src/codec/block.ts';
import { fromHex } from '../src/codec/hex.ts';
import { MAX_COMMITTED_BLOCK_BYTES } from '../src/codec/limits.ts';
import { decode } from '../src/codec/schema.ts';
import { transactionId } from '../src/crypto/ids.ts';
import { openBlockLog, openFileDisk } from '../src/storage/index.ts';
import type { BenchNetwork } from './network/bench-network.ts';

/** As much of a network as is asked about its state. */
export interface Audited {
  alive(): readonly LocalNode[];
  client(node: LocalNode): Pick<Client, 'state' | 'supply'>;
}

/** A block that comes just when the readings begin is seen by some of the nodes: then all read anew. */
const MAX_READINGS = 3;

/**
 * Asks the living nodes, which have nothing under way. All at once: a large state is read for longer than a minute, after which a
 * network at rest makes an empty block.
 *
 * @returns what is wrong, in sentences.
 */
export async function checkLedgers(network: Audited): Promise<string[]> {
  const problems: string[] = [];
  const states = await statesOfOneHeight(network);
  if (states === null) problems.push(`the nodes read states of different heights, ${MAX_READINGS} times`);
  else if (new Set(states.map(({ stateRoot }) => stateRoot)).size > 1)
    problems.push(`the nodes have different states at height ${states[0]?.height}`);
  const audits = network
    .alive()
    .map(async (node) => ({ node, ...(await network.client(node).supply({ audit: true })) }));
  for (const { node, supply } of await Promise.all(audits)) {
    for (const { currency, circulating, balances } of supply) {
      if (balances?.minor === circulating.minor) continue;
      problems.push(
        `${node.participant} has ${balances?.minor} ${currency}; issued less redeemed are ${circulating.minor}`,
      );
    }
  }
  return problems;
}

async function statesOfOneHeight(network: Audited): Promise<readonly StateJson[] | null> {
  for (let readings = 0; readings < MAX_READINGS; readings++) {
    const states = await Promise.all(network.alive().map((node) => network.client(node).state()));
    if (new Set(states.map(({ height }) => height)).size === 1) return states;
  }
  return null;
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
