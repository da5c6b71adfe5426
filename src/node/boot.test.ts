/** What a restart verifies, what it proves, and what it does about a state, a snapshot or a record that is not as it was. */
import t from 'tap';
import { toHex } from '../codec/hex.ts';
import { chainIdOf } from '../crypto/ids.ts';
import { createInlineVerifier } from '../crypto/verifier.ts';
import { BLOCK_LOG_FILE } from '../storage/block-log.ts';
import {
  type Data,
  KEEP_UNSYNCED,
  type MemoryDisk,
  MemoryState,
  openData,
  openMemoryStateStore,
  SIGN_STATE_FILE,
} from '../storage/index.ts';
import { FILE_HEAD_BYTES, RECORD_HEAD_BYTES } from '../storage/record-format.ts';
import { withBalance } from '../testing/balances.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { issue, open, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import { Chain } from './chain.ts';

const OFFICERS = ['officer/1', 'officer/2'];
const INTERVAL = 10;
const network = testNetwork(1, { checkpointInterval: INTERVAL });
const chainId = chainIdOf(network.genesis);

/** Block 36 carries the root of the state after block 30. */
const BLOCKS = 37;
/** What a bank's disk holds then; snapshots of 20 and 30. */
const { disk, state } = await afterBlocks(BLOCKS);

async function afterBlocks(blocks: number) {
  const cluster = new Cluster(network);
  await cluster.startAll();
  const { node, chain } = cluster.get('nbc');
  const pay = async (signers: string[], ...commands: Parameters<typeof transactionOf>[2]) => {
    // Short-lived, and far apart: replay memory is forgotten now and then.
    const soon = cluster.clock.now() + 100_000;
    const { id } = await cluster.during(node.submit(transactionOf(network, signers, commands, soon)));
    await cluster.until(async () => (await node.standing(id)).state === 'final');
    await cluster.pass(20_000);
  };
  await pay(OFFICERS, issue(settlement('nbc'), 1_000n));
  await pay(['operator/nbc'], open(network, 'dara@nbc'), open(network, 'bopha@nbc'));
  await pay(['operator/nbc'], transfer(settlement('nbc'), 'dara@nbc', 500n));
  while (chain.tip.height < blocks) await pay(['wallet/dara'], transfer('dara@nbc', 'bopha@nbc', 1n));
  const machine = cluster.machine('nbc');
  machine.crash(KEEP_UNSYNCED);
  return { disk: machine.disk, state: machine.state };
}

interface Copy {
  readonly disk: MemoryDisk;
  readonly state: MemoryState;
}

/** The same disk and state, to be harmed. */
function copy(): Copy {
  const other = new MemoryState();
  for (const [key, value] of state.entries.entries()) other.entries.set(key, value.slice());
  for (const [key, value] of state.index.entries()) other.index.set(key, value);
  other.tip = state.tip;
  return { disk: disk.afterCrash(KEEP_UNSYNCED), state: other };
}

async function dataOf({ disk: on, state: inside }: Copy, hasPeers = true): Promise<Data> {
  return await openData({
    disk: on,
    chainId,
    openState: () => Promise.resolve(openMemoryStateStore(inside)),
    setAsideState: () => {
      inside.clear();
      return Promise.resolve('aside');
    },
    hasPeers,
  });
}

/** Boots, and counts the signatures that it takes. */
async function booted(harmed: Copy, hasPeers = true) {
  const { log, snapshots, store, repairs } = await dataOf(harmed, hasPeers);
  const inline = createInlineVerifier();
  let checked = 0;
  const verify: typeof inline.verify = (check) => {
    checked += 1;
    return inline.verify(check);
  };
  const chain = await Chain.open({
    genesis: network.genesis,
    log,
    snapshots,
    store,
    verifier: { verify, verifyAll: (checks) => inline.verifyAll(checks) },
  });
  return { chain, repairs, checked, report: chain.bootReport };
}

const contentOf = (of: MemoryState) => [
  ...of.entries.entries().map(([key, value]) => [key, toHex(value)]),
  ...of.index.entries(),
];

const ACCOUNT = 'account/dara@nbc';
const withBalanceOf = (of: MemoryState, minor: bigint) => withBalance(of.entries.get(ACCOUNT), minor);

t.test('with a snapshot, only the blocks from it on are verified, and the state is proved', async (t) => {
  t.ok(
    state.tip?.height === BLOCKS && [...state.entries.entries()].length < 60,
    'replay memory was forgotten meanwhile',
  );
  const { chain, report, checked, repairs } = await booted(copy());
  const { stateProof, ...opened } = report;
  t.strictSame(opened, { verifiedFrom: 30, height: BLOCKS, replayed: 0, provedBy: 30, rebuilt: null });
  t.equal(stateProof, 'proved');
  // Blocks 30 to 37 and, for the manifest, 36 before that and for the proof, which also asks for 30 once more.
  t.equal(checked, 11);
  t.equal(chain.tip.height, BLOCKS);
  t.strictSame(repairs, []);
});

t.test('without one, every block is verified, as ever', async (t) => {
  const harmed = copy();
  for (const height of [20, 30]) await harmed.disk.remove(`${height}.snapshot`);
  const { report, checked } = await booted(harmed);
  t.match(report, { verifiedFrom: 1, height: BLOCKS, replayed: 0, stateProof: 'none', provedBy: null, rebuilt: null });
  t.equal(checked, BLOCKS);
});

t.test('a damaged or false snapshot is set aside, and the one before it proves the state', async (t) => {
  const content = disk.peek('30.snapshot') ?? new Uint8Array();
  const older = disk.peek('20.snapshot') ?? new Uint8Array();
  const flipped = (at: number) => content.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const wrong: readonly (readonly [string, Uint8Array])[] = [
    ['its head', flipped(3)],
    ['its first chunk', flipped(200)],
    ['its manifest', flipped(content.length - 10)],
    ['its end', content.subarray(0, content.length - 1)],
    ['all of it', new Uint8Array()],
    ['another one under its name', older],
  ];
  for (const [what, bytes] of wrong) {
    const harmed = copy();
    harmed.disk.write('30.snapshot', bytes);
    const { report } = await booted(harmed);
    t.match(report, { verifiedFrom: 20, height: BLOCKS, replayed: 0, provedBy: 20, rebuilt: null }, what);
    t.strictSame(harmed.disk.peek('30.snapshot'), null, what);
    t.ok(harmed.disk.list().includes('30.snapshot.damaged-1'), what);
  }
});

t.test(
  'a state that lost its newest blocks gets the rest from the record, and is proved by the newest snapshot',
  async (t) => {
    const verifiedFrom = (lost: number) => [30, 20].find((height) => height <= BLOCKS - lost) ?? 1;
    for (const lost of [1, 7, 8, 17, 18, BLOCKS, BLOCKS + 1]) {
      const { disk: on, state: inside } = await afterBlocks(BLOCKS);
      const whole = contentOf(inside);
      inside.loseNewest(lost);
      const { report } = await booted({ disk: on.afterCrash(KEEP_UNSYNCED), state: inside });
      t.match(
        report,
        {
          verifiedFrom: verifiedFrom(lost),
          height: BLOCKS,
          replayed: Math.min(lost, BLOCKS),
          stateProof: 'proved',
          provedBy: lost > BLOCKS ? null : 30,
        },
        `${lost} blocks`,
      );
      t.equal(report.rebuilt, lost === BLOCKS + 1 ? 'the state is empty' : null, `${lost} blocks`);
      t.strictSame(contentOf(inside), whole, `${lost} blocks`);
    }
  },
);

t.test('a state that was changed behind its back is noticed and made anew, indexes and all', async (t) => {
  const harms: readonly (readonly [string, (of: MemoryState) => void, RegExp])[] = [
    ['a balance', (of) => of.entries.set(ACCOUNT, withBalanceOf(of, 9_999n)), /another value for account\/dara/],
    ['an entry missing', (of) => of.entries.delete('account/bopha@nbc'), /lacks account\/bopha/],
    ['the last entry missing', (of) => of.entries.delete('supply/KHR'), /lacks supply\/KHR/],
    ['an entry too many', (of) => of.entries.set('account/thief@nbc', withBalanceOf(of, 1n)), /thief.* too much/],
    ['one after the last', (of) => of.entries.set('supply/USD', new Uint8Array(3)), /supply\/USD too much/],
    ['one before the first', (of) => of.entries.set('a', new Uint8Array(3)), /has a too much/],
    [
      'forgotten memory come back',
      (of) => of.entries.set('seen/0000000000000001/x', new Uint8Array(1)),
      /seen.* too much/,
    ],
    ['nothing left', (of) => of.entries.clear(), /lacks account/],
  ];
  for (const [what, harm, reason] of harms) {
    const harmed = copy();
    harm(harmed.state);
    const { report } = await booted(harmed);
    t.match(report, { verifiedFrom: 1, height: BLOCKS, replayed: BLOCKS, provedBy: null, rebuilt: reason }, what);
    t.strictSame(contentOf(harmed.state), contentOf(state), what);
    const again = await booted(harmed);
    t.match(again.report, { provedBy: 30, rebuilt: null }, what);
  }
});

for (const [what, value, reason] of [
  ['cannot be read', () => Uint8Array.of(0xff), /AccountRecord/],
  ['is another one', (of: MemoryState) => withBalanceOf(of, 7n), /block 31 gives other results/],
] as const) {
  t.test(`a state value that ${what} shows when a block needs it, and the state is made anew`, async (t) => {
    const harmed = copy();
    for (const name of harmed.disk.list()) if (name.endsWith('.snapshot')) await harmed.disk.remove(name);
    await cutTo(harmed, 30);
    harmed.state.entries.set(ACCOUNT, value(harmed.state));
    const { report, chain } = await booted(harmed);
    t.match(report, { verifiedFrom: 1, replayed: BLOCKS, provedBy: null });
    t.match(report.rebuilt, reason);
    t.equal(chain.tip.height, BLOCKS);
    t.strictSame(contentOf(harmed.state), contentOf(state));
  });
}

/** Gives a copy the state as it was after an earlier block. */
async function cutTo(harmed: Copy, height: number): Promise<void> {
  const early = copy();
  early.state.clear();
  const { log } = await dataOf(copy());
  const ends = [FILE_HEAD_BYTES];
  for (let at = 1; at <= height; at++) {
    ends.push((ends.at(-1) ?? 0) + RECORD_HEAD_BYTES + ((await log.read(at))?.length ?? 0));
  }
  const whole = early.disk.peek(BLOCK_LOG_FILE) ?? new Uint8Array();
  early.disk.write(BLOCK_LOG_FILE, whole.slice(0, ends.at(-1)));
  await booted(early);
  harmed.state.clear();
  for (const [key, value] of early.state.entries.entries()) harmed.state.entries.set(key, value);
  for (const [key, value] of early.state.index.entries()) harmed.state.index.set(key, value);
  harmed.state.tip = early.state.tip;
}

t.test('a lost state is made anew from every block', async (t) => {
  const harmed = copy();
  harmed.state.clear();
  const { report } = await booted(harmed);
  t.match(report, { verifiedFrom: 1, replayed: BLOCKS, rebuilt: 'the state is empty' });
  t.strictSame(contentOf(harmed.state), contentOf(state));
});

t.test('a record damaged anywhere is kept whole, cut down to what is before, and the state follows it', async (t) => {
  const content = disk.peek(BLOCK_LOG_FILE) ?? new Uint8Array();
  for (let i = 1; i < 12; i++) {
    const harmed = copy();
    const at = Math.floor((content.length * i) / 12);
    const flipped = content.map((byte, position) => (position === at ? byte ^ 16 : byte));
    harmed.disk.write(BLOCK_LOG_FILE, flipped);
    const { chain, report, repairs } = await booted(harmed);
    t.ok(
      chain.tip.height < BLOCKS && chain.tip.height >= Math.floor((BLOCKS * i) / 12) - 3,
      `byte ${at}: ${chain.tip.height}`,
    );
    t.match(repairs, [{ part: 'log', setAside: 'blocks.log.damaged-1' }, { part: 'state' }]);
    t.strictSame(harmed.disk.peek('blocks.log.damaged-1'), flipped);
    t.match(report, { verifiedFrom: 1, replayed: chain.tip.height, height: chain.tip.height });
    t.strictSame(harmed.disk.peek(BLOCK_LOG_FILE), content.subarray(0, harmed.disk.peek(BLOCK_LOG_FILE)?.length));
    const again = await booted(harmed);
    t.strictSame(again.repairs, []);
  }
});

t.test('what nobody else has is not given up: a network of one refuses a damaged or shorter record', async (t) => {
  const content = disk.peek(BLOCK_LOG_FILE) ?? new Uint8Array();
  const damaged = copy();
  damaged.disk.write(
    BLOCK_LOG_FILE,
    content.map((byte, i) => (i === 999 ? byte ^ 1 : byte)),
  );
  await t.rejects(booted(damaged, false), { code: 'LOG_CORRUPT' });
  const shorter = copy();
  await shorter.disk.remove(BLOCK_LOG_FILE);
  await t.rejects(booted(shorter, false), { code: 'STATE_AHEAD' });
  t.strictSame(contentOf(shorter.state), contentOf(state), 'nothing was changed');
});

t.test('whatever shows that a key has a past, without its sign state the node does not start', async (t) => {
  const harms: readonly ((on: MemoryDisk) => Promise<void> | void)[] = [
    () => undefined,
    (on) => on.remove(BLOCK_LOG_FILE),
    (on) => {
      const content = on.peek(BLOCK_LOG_FILE) ?? new Uint8Array();
      on.write(
        BLOCK_LOG_FILE,
        content.map((byte, i) => (i === 60 ? byte ^ 1 : byte)),
      );
    },
  ];
  for (const harm of harms) {
    const harmed = copy();
    await harmed.disk.remove(SIGN_STATE_FILE);
    await harm(harmed.disk);
    const before = harmed.disk.list().map((name) => [name, harmed.disk.peek(name)]);
    await t.rejects(booted(harmed), { code: 'SIGN_STATE_LOST' });
    const after = harmed.disk.list().filter((name) => before.some(([old]) => old === name));
    t.strictSame(
      after.map((name) => [name, harmed.disk.peek(name)]),
      before,
    );
  }
});

t.test('one of four whose record is damaged abstains, comes level and votes again', async (t) => {
  const four = testNetwork(4, { checkpointInterval: INTERVAL });
  const cluster = new Cluster(four);
  await cluster.startAll();
  const pay = async () => {
    const { node } = cluster.get('nbc');
    const { id } = await cluster.during(node.submit(transactionOf(four, OFFICERS, [issue(settlement('nbc'), 1n)])));
    await cluster.until(async () => (await node.standing(id)).state === 'final');
  };
  while (cluster.get('nbc').chain.tip.height < 25) await pay();
  await cluster.allAt(25);
  cluster.kill('wing');
  const machine = cluster.machine('wing');
  const content = machine.disk.peek(BLOCK_LOG_FILE) ?? new Uint8Array();
  machine.disk.write(
    BLOCK_LOG_FILE,
    content.map((byte, i) => (i === content.length >> 1 ? byte ^ 1 : byte)),
  );
  const said: number[] = [];
  cluster.wires.wiretap = {
    ...cluster.wires.wiretap,
    sent: (from, kind) => void (from === 'wing' && kind === 'votes' && said.push(cluster.get('nbc').chain.tip.height)),
  };
  const wing = await cluster.start('wing');
  t.ok(wing.chain.tip.height < 25, `${wing.chain.tip.height} are left`);
  await cluster.until(() => wing.chain.tip.hash === cluster.get('nbc').chain.tip.hash, 'wing is level');
  t.strictSame(said, [], 'it said nothing about heights that it voted at');
  t.ok(machine.disk.list().includes('blocks.log.damaged-1'));
  cluster.kill('aclb');
  await pay();
  t.ok(said.length > 0, 'without its vote there were two of four');
  await cluster.stop();
});
