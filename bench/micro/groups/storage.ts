/** The disk as a node uses it: the record with its syncs, and the state in LevelDB, which is not synced. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { blockHash } from '../../../src/crypto/ids.ts';
import { assert } from '../../../src/errors.ts';
import { applyBlock } from '../../../src/ledger/ledger.ts';
import { indexOf, NO_INDEX } from '../../../src/node/indexes.ts';
import { openBlockLog, openFileDisk, openStateStore } from '../../../src/storage/index.ts';
import type { StateKey } from '../../../src/types/index.ts';
import type { Group } from '../group.ts';
import { Town } from '../town.ts';

const ACCOUNTS = 100_000;
const READ_KEYS = 1_000;
/** A prime: every read goes to other keys, from all over the state. */
const STRIDE = 7_919;

export const storageGroup: Group = {
  name: 'storage',
  async open(folder) {
    const town = new Town();
    const { chainId } = town;
    await mkdir(path.join(folder, 'log'));
    const log = await openBlockLog(await openFileDisk(path.join(folder, 'log')), chainId);
    const store = await openStateStore(path.join(folder, 'state'));
    const value = town.account();
    const keys = Array.from({ length: ACCOUNTS }, (_, i) => `account/${String(i).padStart(6, '0')}@aclb` as StateKey);
    await store.apply(0, { entries: keys.map((key) => ({ key, value })), forget: null }, NO_INDEX, chainId);
    const entry = town.record(100);
    const block = blockOf(town, 100);
    let first = 0;
    return {
      benchmarks: [
        {
          name: `append a block of 100 transfers to the log, and sync it (${entry.length} bytes)`,
          run: () => log.append(entry),
        },
        {
          name: 'apply a block of 100 transfers to LevelDB, with its indexes',
          run: () => store.apply((store.height() ?? 0) + 1, block.writes, block.index, chainId),
        },
        {
          name: `get ${READ_KEYS} of ${ACCOUNTS} keys from LevelDB`,
          run: async () => {
            first += READ_KEYS;
            const wanted = Array.from(
              { length: READ_KEYS },
              (_, i) => keys[((first + i) * STRIDE) % ACCOUNTS] ?? keys[0],
            );
            const found = await store.get(wanted.filter((key) => key !== undefined));
            assert(
              found.every((each) => each !== null),
              'every account is there',
            );
          },
        },
      ],
      async close() {
        await log.close();
        await store.close();
      },
    };
  },
};

/** Writes and index rows of one block. The same ones again and again are as much work for the log of LevelDB as new ones. */
function blockOf(town: Town, count: number) {
  const transactions = town.payments(count);
  const input = town.blockInput(transactions);
  const { writes, receipts } = applyBlock(town.rules, town.view(transactions), input);
  const hash = blockHash(town.header(transactions));
  const positions = receipts.map(({ index }) => index);
  return { writes, index: indexOf({ hash, height: input.height, receipts, transactions, positions }) };
}
