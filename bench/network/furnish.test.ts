/** Accounts that were opened before any bank ran: every home opens as after a past of its own, and the money is right. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { homePaths, readHome } from '../../src/cli/home.ts';
import { type LocalFolder, openLocalFolder } from '../../src/cli/local-folder.ts';
import { systemClock, systemRandom } from '../../src/cli/system.ts';
import { MAX_STATE_VALUE_BYTES } from '../../src/codec/limits.ts';
import { decode } from '../../src/codec/schema.ts';
import { accountRecord, supplyRecord } from '../../src/codec/state.ts';
import { settlementAccount } from '../../src/codec/text.ts';
import { publicKeyOf } from '../../src/crypto/ed25519.ts';
import { createInlineVerifier } from '../../src/crypto/verifier.ts';
import { holdingOf } from '../../src/ledger/holdings.ts';
import { accountKey, SEEN_PREFIX, supplyKey } from '../../src/ledger/keys.ts';
import { areSigned, identify } from '../../src/node/admission.ts';
import { Chain } from '../../src/node/chain.ts';
import { SignGuard } from '../../src/node/sign-guard.ts';
import { stateRoot } from '../../src/node/snapshot.ts';
import {
  closeData,
  type Data,
  openData,
  openFileDisk,
  openStateStore,
  SIGN_STATE_FILE,
  setAsideStateStore,
} from '../../src/storage/index.ts';
import type { BlockHash, Genesis, StateKey } from '../../src/types/index.ts';
import { benchTemplate } from './bench-network.ts';
import { furnish } from './furnish.ts';
import { precommit } from './history.ts';
import { FUNDS } from './openings.ts';
import { accountAt, accountSecret, type People } from './people.ts';

const SEED = 5;
const VALIDATORS = 4;
const verifier = createInlineVerifier();

interface Furnished {
  readonly homes: readonly string[];
  readonly people: People;
  readonly folder: LocalFolder;
  readonly progress: readonly number[];
}

async function network(t: Test, rules: Partial<Genesis['rules']>): Promise<{ folder: LocalFolder; homes: string[] }> {
  const data = await mkdtemp(path.join(tmpdir(), 'tonle-furnish-'));
  t.teardown(() => rm(data, { recursive: true, force: true }));
  const folder = await openLocalFolder({
    data,
    participants: null,
    port: 0,
    reset: false,
    template: benchTemplate({ seed: SEED, validators: VALIDATORS, accounts: 0, rules }),
    clock: systemClock,
    random: systemRandom,
  });
  t.teardown(() => folder.close());
  return { folder, homes: folder.network.nodes.map(({ home }) => home) };
}

async function furnished(t: Test, accounts: number, rules: Partial<Genesis['rules']> = {}): Promise<Furnished> {
  const { folder, homes } = await network(t, rules);
  const people: People = { seed: SEED, accounts, banks: folder.network.nodes.map(({ participant }) => participant) };
  const progress: number[] = [];
  await furnish({ homes, people, onProgress: (opened) => progress.push(opened) });
  return { homes, people, folder, progress };
}

/** As a node opens it, which asks its peers for nothing. */
async function opened<T>(home: string, look: (chain: Chain, data: Data) => Promise<T>): Promise<T> {
  const { genesis, chainId } = await readHome(home, async () => '');
  const paths = homePaths(home);
  const data = await openData({
    disk: await openFileDisk(paths.data),
    chainId,
    openState: () => openStateStore(paths.state, { growing: SEEN_PREFIX }),
    setAsideState: () => setAsideStateStore(paths.state),
    hasPeers: false,
  });
  try {
    const chain = await Chain.open({ genesis, verifier, ...data });
    return await look(chain, data).finally(() => chain.stop());
  } finally {
    await closeData(data);
  }
}

async function stored(chain: Chain, key: StateKey): Promise<Uint8Array> {
  const [value] = await chain.store.get([key]);
  if (value === null || value === undefined) throw new Error(`there is no ${key}`);
  return value;
}

async function balanceOf(chain: Chain, account: ReturnType<typeof accountAt>): Promise<bigint> {
  const record = decode(accountRecord, await stored(chain, accountKey(account)), MAX_STATE_VALUE_BYTES);
  return holdingOf(record, FUNDS.currency).minor;
}

t.test('each home opens with all accounts, their money and a supply that is their sum', async (t) => {
  const { homes, people, progress } = await furnished(t, 301);
  t.equal(progress.at(-1), 301);
  t.same(
    progress,
    [...progress].sort((a, b) => a - b),
  );
  const all = await Promise.all(
    homes.map((home) =>
      opened(home, async (chain) => {
        const { height, verifiedFrom, replayed, stateProof, rebuilt } = chain.bootReport;
        t.same({ height, verifiedFrom, replayed }, { height: 2, verifiedFrom: 1, replayed: 0 });
        t.same({ stateProof, rebuilt }, { stateProof: 'none', rebuilt: null });
        for (let index = 0; index < people.accounts; index++) {
          const account = accountAt(people, index);
          const record = decode(accountRecord, await stored(chain, accountKey(account)), MAX_STATE_VALUE_BYTES);
          t.equal(record.publicKey, publicKeyOf(accountSecret(SEED, index)), account);
          t.equal(await balanceOf(chain, account), FUNDS.minor, account);
        }
        for (const bank of people.banks) t.equal(await balanceOf(chain, settlementAccount(bank)), 0n, bank);
        const supply = decode(supplyRecord, await stored(chain, supplyKey(FUNDS.currency)), MAX_STATE_VALUE_BYTES);
        t.same(supply, { issuedMinor: 301n * FUNDS.minor, redeemedMinor: 0n });
        return { tip: chain.tip, root: await chain.hold(({ chunks }) => stateRoot(chunks)) };
      }),
    ),
  );
  for (const other of all) t.same(other, all[0], 'the same block and the same state');
});

t.test('every block is one that a node takes: signed, full at most as its own, in its time', async (t) => {
  const { homes, people } = await furnished(t, 4_200);
  await opened(homes[1] as string, async (chain) => {
    const { genesis } = chain;
    let before = genesis.timeMs;
    const proposers = new Set<string>();
    for (let height = 1; height <= chain.tip.height; height++) {
      const committed = await chain.read(height);
      if (committed === null) throw new Error(`block ${height} is there`);
      const { header } = committed.block;
      const transactions = committed.batches.flatMap((batch) => batch.transactions.map(identify));
      t.ok(chain.isCertified(committed), `block ${height} is certified`);
      t.equal(await areSigned(transactions, verifier), true);
      t.ok(header.timeMs > before && header.timeMs <= Date.now(), 'later than the one before, not in the future');
      const commands = transactions.reduce((sum, { transaction }) => sum + transaction.body.commands.length, 0);
      t.ok(commands > 0 && commands <= 1_024, `${commands} commands`);
      before = header.timeMs;
      proposers.add(header.proposer);
    }
    t.same(proposers, new Set(people.banks), 'everyone in turn');
  });
});

t.test('a long record ends with a block that vouches for the state, so that nothing is run again', async (t) => {
  const { homes } = await furnished(t, 4_200, { checkpointInterval: 6 });
  for (const home of homes) {
    await opened(home, async (chain, { snapshots }) => {
      const { height, verifiedFrom, replayed, rebuilt } = chain.bootReport;
      t.same({ height, verifiedFrom, replayed, rebuilt }, { height: 16, verifiedFrom: 12, replayed: 0, rebuilt: null });
      t.match(await chain.proofEnd, { is: 'over', height: 16, by: 12 });
      t.same(snapshots.heights(), [6, 12]);
      const last = await chain.read(chain.tip.height);
      t.type(last?.block.header.checkpointRoot, 'string');
      t.same(last?.batches, [], 'the blocks behind the accounts are empty');
    });
  }
});

t.test('each key remembers that it certified the last block, and signs no other', async (t) => {
  const { homes } = await furnished(t, 9);
  for (const [validator, folder] of homes.entries()) {
    await opened(folder, async (chain, { signState }) => {
      const { height, hash } = chain.tip;
      const { validator: signer } = await readHome(folder, async () => '');
      const guard = new SignGuard(chain.chainId, signer, signState, height);
      t.match(guard.memory?.said, [{ step: 'precommit', height, blockHash: hash, validator }]);
      t.equal(guard.sign(precommit(height, '00'.repeat(32) as BlockHash, validator), null), null);
      t.ok(guard.sign(precommit(height + 1, hash as BlockHash, validator), null), 'the next one it signs');
    });
  }
});

t.test('what is refused', async (t) => {
  const people = (folder: LocalFolder, seed: number): People => {
    return { seed, accounts: 8, banks: folder.network.nodes.map(({ participant }) => participant) };
  };
  t.test('people of another seed: their banks have other keys', async (t) => {
    const { folder, homes } = await network(t, {});
    const refusal = furnish({ homes, people: people(folder, SEED + 1), onProgress: () => undefined });
    await t.rejects(refusal, { code: 'BENCH_NOT_FURNISHED', message: /block 1 was OFFICER_QUORUM_MISSING/ });
  });
  t.test('homes that have a past', async (t) => {
    const { folder, homes } = await network(t, {});
    const furnishing = { homes, people: people(folder, SEED), onProgress: () => undefined };
    await furnish(furnishing);
    const log = await readFile(path.join(homePaths(homes[0] as string).data, 'blocks.log'));
    await t.rejects(furnish(furnishing), { code: 'BENCH_NOT_FURNISHED', message: /has blocks already/ });
    t.same(await readFile(path.join(homePaths(homes[0] as string).data, 'blocks.log')), log, 'nothing was added');
  });
});

t.test('a home whose key has no sign state is not opened', async (t) => {
  const { homes } = await furnished(t, 8);
  const [, second] = homes as [string, string];
  await rm(path.join(homePaths(second).data, SIGN_STATE_FILE));
  await t.rejects(
    opened(second, async () => undefined),
    { code: 'SIGN_STATE_LOST' },
  );
});
