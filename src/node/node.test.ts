import t from 'tap';
import { block as blockSchema, committedBlock } from '../codec/block.ts';
import { MAX_PROPOSAL_BYTES, MAX_VOTE_BYTES } from '../codec/limits.ts';
import { proposal as proposalSchema } from '../codec/messages.ts';
import { decode, encode } from '../codec/schema.ts';
import { vote as voteSchema } from '../codec/vote.ts';
import { blockHash, digestsRoot, statementSigningBytes, transactionId } from '../crypto/ids.ts';
import { signTransaction } from '../crypto/sign.ts';
import { CodedError } from '../errors.ts';
import type { Member } from '../testing/cluster.ts';
import { Cluster } from '../testing/cluster.ts';
import { GENESIS_TIME_MS, KHR, testNetwork } from '../testing/genesis.ts';
import { account, batchBy, issue, open, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { BlockHash, ParticipantId, Statement, Transaction } from '../types/index.ts';
import { DEFAULT_TIMINGS } from './context.ts';
import { Refusal } from './refusals.ts';

const OFFICERS = ['officer/1', 'officer/2'];

t.test('a payment becomes final on all four nodes', async (t) => {
  const cluster = await running(t);
  const id = await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1_000n)]));
  await cluster.allAt(1);
  for (const { node } of cluster.members.values()) {
    t.equal((await node.queries.balances(settlement('aclb'))).get(KHR), 1_000n);
    const standing = await node.standing(id);
    t.match(standing, { state: 'final', receipt: { status: 0, height: 1, index: 0 } });
  }
  t.ok(sameChains(cluster));
});

t.test('networks of one and of seven work alike', async (t) => {
  for (const size of [1, 7]) {
    const cluster = new Cluster(testNetwork(size));
    await cluster.startAll();
    for (let i = 0; i < 5; i++) {
      const via = cluster.ids[i % size] ?? '';
      await final(cluster, via, transactionOf(cluster.network, OFFICERS, [issue(settlement('nbc'), 1n)]));
    }
    await level(cluster, 5);
    t.ok(sameChains(cluster));
    const certificate = (await cluster.get('nbc').chain.read(5))?.certificate;
    t.ok((certificate?.signatures.length ?? 0) >= (size === 1 ? 1 : 5));
    await cluster.stop();
  }
});

t.test('nothing to do: no blocks, until a heartbeat is due', async (t) => {
  const cluster = await running(t);
  await cluster.pass(50_000);
  t.equal(cluster.get('nbc').chain.tip.height, 0);
  await cluster.allAt(1);
  t.ok(cluster.clock.now() < GENESIS_TIME_MS + 120_000);
});

t.test('300 payments through all nodes at once: each final, exactly once', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 1_000n);
  await final(cluster, 'cnb', transactionOf(cluster.network, ['operator/cnb'], [open(cluster.network, 'bopha@cnb')]));
  const all = Array.from({ length: 300 }, () =>
    transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 1n)]),
  );
  const submitted = await cluster.during(Promise.all(all.map((tx, i) => member(cluster, i % 4).node.submit(tx))));
  const { queries } = cluster.get('wing').node;
  await cluster.until(async () => (await queries.balances(account('bopha@cnb'))).get(KHR) === 300n);
  for (const { id } of submitted) t.equal((await queries.standing(id)).state, 'final');
  t.equal((await queries.balances(account('dara@aclb'))).get(KHR), 700n);
  const history = await queries.history(account('bopha@cnb'), 1_000, null);
  t.equal(new Set(history.entries.map((entry) => entry.id)).size, 301);
  await level(cluster);
  t.ok(sameChains(cluster));
});

t.test('the same payment through two banks takes effect once and has one receipt', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 1_000n);
  const tx = transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', settlement('cnb'), 100n)]);
  const [one, two] = await cluster.during(Promise.all(['aclb', 'wing'].map((id) => cluster.get(id).node.submit(tx))));
  t.equal(one?.id, two?.id);
  await level(cluster, 4);
  await cluster.pass(5_000);
  const { queries } = cluster.get('nbc').node;
  t.equal((await queries.balances(account('dara@aclb'))).get(KHR), 900n);
  const again = await cluster.during(cluster.get('cnb').node.submit(tx));
  t.match(again.standing, { state: 'final', receipt: { status: 0 } });
  t.ok(sameChains(cluster));
});

t.test('one dead node costs no timeout: its turns are passed over at once', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 1_000n);
  cluster.kill('wing');
  const startMs = cluster.clock.now();
  for (let i = 0; i < 12; i++) {
    await final(
      cluster,
      'aclb',
      transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', settlement('cnb'), 1n)]),
    );
  }
  const passed = cluster.clock.now() - startMs;
  t.ok(passed < 12 * 50, `12 payments took ${passed} virtual ms with 1 ms links`);
  const restarted = await cluster.start('wing');
  await level(cluster);
  t.ok(restarted.events.some((event) => event.type === 'committed' && event.via === 'sync'));
  t.ok(sameChains(cluster));
});

t.test('a bank that is back and fetches what it missed costs no timeout, and proposes again when it has', async (t) => {
  let isHeld = true;
  const cluster = new Cluster(undefined, undefined, (ports, self) => {
    const { network } = ports;
    const ask: typeof network.ask = (peer, question, bytes) => {
      const isRefused = self === 'wing' && question === 'blocks' && isHeld;
      return isRefused ? Promise.reject(new CodedError('PEER_TIMEOUT', 'slow')) : network.ask(peer, question, bytes);
    };
    return { ...ports, network: { ...network, ask } };
  });
  await cluster.startAll();
  const pay = () => final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  const timed = async (payments: number) => {
    const startMs = cluster.clock.now();
    for (let i = 0; i < payments; i++) await pay();
    return (cluster.clock.now() - startMs) / payments;
  };
  cluster.kill('wing');
  for (let i = 0; i < 12; i++) await pay();
  const behind = await cluster.start('wing');
  await cluster.until(() => cluster.get('nbc').node.status().peers.includes(behind.id), 'it is connected');
  const tookMs = await timed(12);
  t.ok(tookMs < 50, `a payment took ${tookMs} virtual ms with 1 ms links`);
  t.equal(behind.chain.tip.height, 0, 'it has none of the blocks');
  isHeld = false;
  await level(cluster);
  const proposers = async () => {
    const height = cluster.get('nbc').chain.tip.height;
    return (await cluster.get('nbc').chain.read(height))?.block.header.proposer;
  };
  await cluster.until(async () => {
    await pay();
    return (await proposers()) === behind.id;
  }, 'its block is decided');
  await level(cluster);
  t.ok(sameChains(cluster));
  await cluster.stop();
});

t.test('two of four halves decide nothing; healed, they go on with what was waiting', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 1_000n);
  const height = cluster.get('nbc').chain.tip.height;
  cluster.wires.cut(['nbc', 'aclb'] as ParticipantId[], ['cnb', 'wing'] as ParticipantId[]);
  const tx = transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', settlement('cnb'), 7n)]);
  const { id } = await cluster.during(cluster.get('aclb').node.submit(tx));
  await cluster.pass(20_000);
  for (const { chain } of cluster.members.values()) t.equal(chain.tip.height, height);
  cluster.wires.heal();
  await cluster.until(async () => (await cluster.get('wing').node.standing(id)).state === 'final');
  await level(cluster);
  t.ok(sameChains(cluster));
});

t.test('a lossy network loses time and nothing else', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 1_000n);
  let sent = 0;
  cluster.wires.fate = () => (sent++ % 3 === 0 ? null : 1 + (sent % 7));
  for (let i = 0; i < 10; i++) {
    const tx = transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', settlement('cnb'), 1n)]);
    await final(cluster, cluster.ids[i % 4] ?? '', tx);
  }
  cluster.wires.fate = () => 1;
  await level(cluster);
  t.ok(sameChains(cluster));
});

t.test('killed all at once at any moment, the network goes on from its disks', async (t) => {
  for (let steps = 0; steps < 40; steps += 3) {
    const cluster = new Cluster();
    await cluster.startAll();
    const tx = transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 5n)]);
    await cluster.during(cluster.get('nbc').node.submit(tx));
    let seen = 0;
    await cluster.until(() => seen++ >= steps);
    const finals = await Promise.all(
      [...cluster.members.values()].map(({ node }) => node.standing(transactionId(tx.body))),
    );
    for (const id of cluster.ids) cluster.kill(id);
    await cluster.startAll();
    const { id } = await cluster.during(cluster.get('nbc').node.submit(tx));
    await cluster.until(async () => (await cluster.get('wing').node.standing(id)).state === 'final');
    await level(cluster);
    t.ok(
      sameChains(cluster),
      `killed after ${steps} events, ${finals.filter((f) => f.state === 'final').length} had it final`,
    );
    t.equal((await cluster.get('cnb').node.queries.balances(settlement('aclb'))).get(KHR), 5n);
    await cluster.stop();
  }
});

t.test('a proposal that went with its proposer costs no timeout after all have restarted', async (t) => {
  const cluster = await running(t);
  const [, proposer = ''] = cluster.ids;
  const votes = new Set<string>();
  cluster.wires.fate = (from, _, bytes) => {
    if (heightOfVote(bytes) !== null) votes.add(from);
    // Whatever it says of the height stays with it.
    return from === proposer ? null : 1;
  };
  const tx = transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]);
  await cluster.during(cluster.get(proposer).node.submit(tx));
  await cluster.until(() => votes.has(proposer), 'the proposer of the first height has proposed and voted');
  for (const id of cluster.ids) cluster.kill(id);
  cluster.wires.fate = () => 1;
  await cluster.startAll();
  const startMs = cluster.clock.now();
  await final(cluster, proposer, tx);
  t.ok(cluster.clock.now() - startMs < DEFAULT_TIMINGS.timeouts.proposeMs, `${cluster.clock.now() - startMs} ms`);
  t.equal((await cluster.get(proposer).chain.read(1))?.certificate.round, 1);
});

t.test('a proposer killed as its proposal left has voted for it, also where just a quorum is left', async (t) => {
  const cluster = await running(t);
  const proposer = 'aclb';
  cluster.wires.fate = (from, _, bytes) => {
    if (from === proposer && isProposal(bytes)) cluster.machine(proposer).crashAtEffect(1);
    return from === proposer ? null : 1;
  };
  const tx = transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]);
  await cluster.during(cluster.get('nbc').node.submit(tx));
  await cluster.until(() => !cluster.machine(proposer).isUp, 'the proposer of the first height crashes');
  for (const id of cluster.ids) cluster.kill(id);
  cluster.wires.fate = () => 1;
  for (const id of ['nbc', 'cnb', proposer]) await cluster.start(id);
  const startMs = cluster.clock.now();
  await final(cluster, proposer, tx);
  // Both others vote for nothing at once, as nobody has the proposal; what they wait for is the vote of the fourth.
  const { prevoteMs, precommitMs } = DEFAULT_TIMINGS.timeouts;
  const tookMs = cluster.clock.now() - startMs;
  t.ok(tookMs < prevoteMs + precommitMs + DEFAULT_TIMINGS.stallMs, `${tookMs} ms`);
  t.equal((await cluster.get(proposer).chain.read(1))?.certificate.round, 1);
});

t.test('a transaction that nobody could include in time ends expired, and its sender can learn it', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 1_000n);
  cluster.wires.cut(['aclb'] as ParticipantId[], ['nbc', 'cnb', 'wing'] as ParticipantId[]);
  const soon = cluster.clock.now() + 5_000;
  const commands = [transfer('dara@aclb', settlement('cnb'), 7n)];
  const { id } = await cluster.during(
    cluster.get('aclb').node.submit(transactionOf(cluster.network, ['wallet/dara'], commands, soon)),
  );
  await cluster.pass(10_000);
  cluster.wires.heal();
  await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('wing'), 1n)]));
  await cluster.until(async () => (await cluster.get('aclb').node.standing(id)).state === 'expired');
  t.equal((await cluster.get('nbc').node.queries.balances(account('dara@aclb'))).get(KHR), 1_000n);
  await level(cluster);
  t.ok(sameChains(cluster));
});

t.test('submissions are refused by the first failing check', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 100n);
  const { network } = cluster;
  const other = testNetwork(4, { checkpointInterval: 99 });
  const pay = [transfer('dara@aclb', settlement('cnb'), 1n)];
  const valid = transactionOf(network, ['wallet/dara'], pay);
  const damaged = { ...valid, signatures: valid.signatures.map((s) => ({ ...s, signature: new Uint8Array(64) })) };
  const cases: [Transaction, string][] = [
    [transactionOf(other, ['wallet/dara'], pay), 'CHAIN_MISMATCH'],
    [damaged, 'SIGNATURE_INVALID'],
    [transactionOf(network, ['wallet/dara'], pay, GENESIS_TIME_MS), 'EXPIRED'],
    [transactionOf(network, ['wallet/dara'], pay, cluster.clock.now() + 700_000), 'VALIDITY_TOO_LONG'],
    [transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', settlement('cnb'), 101n)]), 'INSUFFICIENT_FUNDS'],
    [transactionOf(network, ['wallet/bopha'], pay), 'ACCOUNT_SIGNATURE_MISSING'],
  ];
  await level(cluster);
  const before = cluster.get('aclb').chain.tip.height;
  const startMs = cluster.clock.now();
  t.equal(cluster.get('aclb').node.status().consensus.step, 'idle');
  for (const [tx, code] of cases) await t.rejects(cluster.during(cluster.get('aclb').node.submit(tx)), { code }, code);
  t.equal(cluster.clock.now(), startMs, 'on an idle network a refusal waits for nothing');
  const reused = { ...valid.body, commands: [transfer('dara@aclb', settlement('wing'), 1n)] };
  await final(cluster, 'aclb', valid);
  t.equal(cluster.get('aclb').chain.tip.height, before + 1);
  await t.rejects(
    cluster.during(cluster.get('aclb').node.submit(signTransaction(reused, [network.signer('wallet/dara')]))),
    {
      code: 'REFERENCE_REUSED',
    },
  );
  t.ok(new Refusal('POOL_FULL').message.includes('try again'));
});

t.test('checkpoints commit to the whole state, alike on every node', async (t) => {
  const cluster = await running(t);
  for (let i = 0; i < 14; i++) {
    await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  }
  await level(cluster);
  const carrying: number[] = [];
  for (let height = 1; height <= 14; height++) {
    const { checkpointRoot } = (await cluster.get('cnb').chain.read(height))!.block.header;
    if (checkpointRoot !== null) carrying.push(height);
  }
  // Of the states after blocks 5 and 10, half an interval later each.
  t.strictSame(carrying, [8, 13]);
});

t.test('a validator that votes twice is convicted on the chain', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 100n);
  await level(cluster);
  const wing = cluster.get('wing');
  const { chain } = wing;
  const say = (blockHash: BlockHash | null) => {
    const statement: Statement = {
      step: 'prevote',
      height: chain.tip.height + 1,
      round: 0,
      blockHash,
      validRound: null,
      validator: 3,
    };
    const signature = cluster.network.signer('validator/wing').sign(statementSigningBytes(chain.chainId, statement));
    return encode(voteSchema, { ...statement, signature } as never);
  };
  cluster.kill('wing');
  const port = cluster.wires.join('wing' as ParticipantId);
  const silent = {
    onGossip: () => Promise.resolve('ignore' as const),
    onBatch: () => Promise.resolve('ignore' as const),
  };
  await port.start({ ...silent, onQuestion: () => Promise.resolve([]), onPeer: () => undefined });
  port.publish('votes', say('ab'.repeat(32) as BlockHash));
  port.publish('votes', say('cd'.repeat(32) as BlockHash));
  await cluster.until(() => evidenceOn(cluster.get('nbc')), 'evidence is on the chain');
  const committed = cluster.get('nbc').events.filter((event) => event.type === 'committed');
  const evidence = committed.flatMap((event) => event.committed.block.evidence);
  t.equal(evidence.length, 1);
  t.equal(evidence[0]?.first.validator, 3);
});

t.test('false and malformed messages are rejected, their sender is banned, and nothing else happens', async (t) => {
  const cluster = await running(t);
  await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  await level(cluster);
  const committed = await cluster.get('nbc').chain.read(1);
  if (committed === null) throw new Error('no block');
  const forged = { step: 'precommit', height: 2, round: 0, blockHash: null, validRound: null, validator: 0 } as const;
  const messages: ['votes' | 'proposals' | 'announcements', Uint8Array][] = [
    ['votes', new Uint8Array([1, 2, 3])],
    ['votes', encode(voteSchema, { ...forged, signature: new Uint8Array(64) })],
    ['votes', new Uint8Array(100_000)],
    ['announcements', encode(blockSchema, committed.block)],
    [
      'proposals',
      encode(proposalSchema, {
        statement: {
          ...forged,
          step: 'propose',
          blockHash: committed.certificate.blockHash,
          signature: new Uint8Array(64),
        },
        block: { ...committed.block, header: { ...committed.block.header, height: 2 } },
      }),
    ],
  ];
  for (const [topic, bytes] of messages) {
    cluster.wires.heal();
    cluster.wires.bans.length = 0;
    cluster.wires.join('wing' as ParticipantId).publish(topic, bytes);
    await cluster.until(() => cluster.wires.bans.length === 3, `${topic} of ${bytes.length} bytes rejected by all`);
  }
  cluster.wires.heal();
  await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  await level(cluster);
  t.ok(sameChains(cluster));
});

t.test('a bank that lost its disk says nothing about heights it may have voted at', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 100n);
  await level(cluster);
  const { height } = cluster.get('nbc').chain.tip;
  cluster.wipe('wing');
  const said: number[] = [];
  cluster.wires.fate = (from, _, bytes) => {
    const heard = from === 'wing' && bytes.length <= MAX_VOTE_BYTES ? heightOfVote(bytes) : null;
    if (heard !== null) said.push(heard);
    return 1;
  };
  const wing = await cluster.start('wing');
  // Work at once, before it has heard from anyone: without a guard it would vote at height 1.
  const tx = transactionOf(cluster.network, OFFICERS, [issue(settlement('wing'), 1n)]);
  const { id } = await cluster.during(wing.node.submit(tx));
  await cluster.until(async () => (await wing.node.standing(id)).state === 'final', 'it is back at work');
  await level(cluster);
  t.strictSame(
    said.filter((each) => each <= height),
    [],
  );
  await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('wing'), 1n)]));
  await level(cluster);
  await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('wing'), 1n)]));
  t.ok(said.length > 0, 'and votes again from there on');
});

t.test('a key says nothing before a quorum has told it what they know, and then says what had to wait', async (t) => {
  const cluster = await running(t);
  await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  await level(cluster);
  cluster.kill('wing');
  cluster.kill('cnb');
  const said = new Set<ParticipantId>();
  let isDeaf = true;
  cluster.wires.fate = (from, to, bytes) => {
    if (heightOfVote(bytes) !== null) said.add(from);
    return isDeaf && to === 'wing' && from === 'aclb' ? null : 1;
  };
  const wing = await cluster.start('wing');
  const tx = transactionOf(cluster.network, OFFICERS, [issue(settlement('wing'), 1n)]);
  const { id } = await cluster.during(wing.node.submit(tx));
  await cluster.pass(5_000);
  t.notOk(said.has('wing' as ParticipantId), 'it has heard from one of the two that it takes');
  isDeaf = false;
  await cluster.until(async () => (await wing.node.standing(id)).state === 'final', 'it speaks');
  t.ok(said.has('wing' as ParticipantId));
});

t.test('a block that is a little ahead of a clock is judged when its time has come', async (t) => {
  const cluster = await running(t);
  cluster.kill('cnb');
  cluster.skew('wing', -cluster.network.genesis.rules.maxClockSkewMs - 300);
  for (let i = 0; i < 4; i++) {
    await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  }
  await level(cluster);
  const { events, chain } = cluster.get('wing');
  t.equal(events.filter(({ type }) => type === 'blockRefused').length, 0);
  const rounds = await Promise.all([1, 2, 3, 4].map(async (at) => (await chain.read(at))?.certificate.round));
  t.ok(
    rounds.every((round) => round === 0 || round === 1),
    `decided in rounds ${rounds}: only the dead node's are lost`,
  );
});

t.test('too many signatures to check end nothing: what was left aside is fetched later', async (t) => {
  const cluster = await running(t);
  await fund(cluster, 'dara@aclb', 100n);
  cluster.kill('wing');
  await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  const { verifyAll } = cluster.verifier;
  let refusals = 20;
  cluster.verifier.verifyAll = async (checks) => {
    if (checks.length > 0 && refusals-- > 0) throw new CodedError('VERIFIER_BUSY', 'too much');
    return verifyAll(checks);
  };
  await cluster.start('wing');
  await cluster.until(() => refusals <= 10, 'the verifier is busy');
  const { node } = cluster.get('aclb');
  const tx = transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', settlement('cnb'), 1n)]);
  await t.rejects(cluster.during(node.submit(tx)), { code: 'VERIFIER_BUSY' });
  refusals = 0;
  await final(cluster, 'aclb', tx);
  await level(cluster);
  t.ok(sameChains(cluster));
});

t.test('a block that names a batch which nobody can accept costs no timeout', async (t) => {
  const cluster = await running(t);
  while ((cluster.get('nbc').chain.tip.height + 1) % 4 !== 3) {
    await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
    await level(cluster);
  }
  const { chain } = cluster.get('nbc');
  cluster.kill('wing');
  const unsigned = transactionOf(cluster.network, ['officer/1'], [issue(settlement('aclb'), 1n)]);
  const forged = { ...unsigned, signatures: unsigned.signatures.map((s) => ({ ...s, signature: new Uint8Array(64) })) };
  const batch = batchBy('wing', forged);
  const header = {
    ...(await cluster.get('nbc').chain.read(chain.tip.height))!.block.header,
    height: chain.tip.height + 1,
    parentHash: chain.tip.hash,
    timeMs: cluster.clock.now(),
    proposer: 'wing' as ParticipantId,
    batchesRoot: digestsRoot([batch.digest]),
  };
  const statement = { step: 'propose', round: 0, validRound: null, validator: 3, height: header.height } as const;
  const named = { ...statement, blockHash: blockHash(header) };
  const signature = cluster.network.signer('validator/wing').sign(statementSigningBytes(chain.chainId, named));
  const wing = cluster.wires.join('wing' as ParticipantId);
  await wing.start({
    onGossip: () => Promise.resolve('ignore'),
    onBatch: () => Promise.resolve('ignore'),
    onQuestion: (question) => Promise.resolve(question === 'batches' ? [batch.bytes] : []),
    onPeer: () => undefined,
  });
  const block = { header, batches: [batch.digest], evidence: [] };
  wing.publish('proposals', encode(proposalSchema, { statement: { ...named, signature }, block }));
  const startMs = cluster.clock.now();
  await cluster.until(() => chain.tip.height >= header.height, 'another block in its place');
  t.ok(cluster.clock.now() - startMs < 100, `after ${cluster.clock.now() - startMs} virtual ms with 1 ms links`);
  const refused = cluster.get('nbc').events.find((event) => event.type === 'blockRefused');
  t.match(refused, { reason: 'a batch that no node can accept' });
});

t.test('a peer that lies in block sync is banned, and the truth comes from another', async (t) => {
  const cluster = await running(t);
  cluster.kill('wing');
  for (let i = 0; i < 3; i++) {
    await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
  }
  const liar = cluster.get('aclb').chain.log;
  const genuine = liar.read.bind(liar);
  liar.read = async (height) => {
    const committed = await cluster
      .get('aclb')
      .chain.read(height)
      .catch(() => null);
    if (committed === null) return genuine(height);
    const { header } = committed.block;
    const block = { ...committed.block, header: { ...header, timeMs: header.timeMs + 1 } };
    return encode(committedBlock, { ...committed, block });
  };
  await cluster.start('wing');
  await cluster.until(() => cluster.get('wing').chain.tip.height >= 3);
  liar.read = genuine;
  t.ok(cluster.wires.bans.every(({ by, peer }) => by === 'wing' && peer === 'aclb'));
  t.ok(sameChains(cluster));
});

t.test('the head has the root that the next checkpoint carries', async (t) => {
  const cluster = await running(t);
  const head = () => cluster.during(cluster.get('nbc').node.queries.head());
  t.match(await head(), { height: 0, hash: null });
  const roots: string[] = [];
  for (let height = 1; height <= 8; height++) {
    await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
    const { hash, stateRoot } = await head();
    t.equal(hash, cluster.get('nbc').chain.tip.hash);
    roots.push(stateRoot);
  }
  // Checkpoints are five heights apart here, and their roots are carried two blocks late.
  const { checkpointRoot } = (await cluster.get('nbc').chain.read(8))!.block.header;
  t.equal(checkpointRoot, roots[4]);
  t.equal(new Set(roots).size, 8);
});

t.test('blocks are as far apart as they have to be, and payments meanwhile share the next one', async (t) => {
  const blockIntervalMs = 1_000;
  const cluster = new Cluster(testNetwork(), { ...DEFAULT_TIMINGS, blockIntervalMs });
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  const commits = () => cluster.get('nbc').events.filter((event) => event.type === 'committed');
  for (let i = 0; i < 30; i++) {
    await cluster.during(
      member(cluster, i % 4).node.submit(transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)])),
    );
    await cluster.pass(100);
  }
  await cluster.until(() => commits().flatMap(({ transactions }) => transactions).length === 30);
  t.ok(commits().length <= 5, `${commits().length} blocks in three seconds`);
  const blockTimes = commits().map(({ committed }) => committed.block.header.timeMs);
  const gaps = blockTimes.slice(1).map((timeMs, i) => timeMs - (blockTimes[i] ?? 0));
  t.ok(
    gaps.every((gap) => gap >= blockIntervalMs),
    `${gaps} ms apart`,
  );
  t.ok(
    gaps.every((gap) => gap < blockIntervalMs + 200),
    'and no timeout is waited for',
  );
  t.strictSame(
    cluster.get('nbc').events.filter((event) => event.type === 'round' && event.round > 0),
    [],
  );
});

t.test('after a rest that is over, a block comes at once; with the proposer gone too', async (t) => {
  const cluster = new Cluster(testNetwork(), { ...DEFAULT_TIMINGS, blockIntervalMs: 1_000 });
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  await cluster.pass(5_000);
  for (const gone of [null, 'cnb'] as const) {
    if (gone !== null) cluster.kill(gone);
    const startMs = cluster.clock.now();
    await final(cluster, 'nbc', transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]));
    t.ok(cluster.clock.now() - startMs < 50, `${cluster.clock.now() - startMs} virtual ms`);
    await cluster.pass(2_000);
  }
});

// ---------------------------------------------------------------- helpers

async function running(t: { teardown: (fn: () => Promise<void>) => void }): Promise<Cluster> {
  const cluster = new Cluster();
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  return cluster;
}

function member(cluster: Cluster, index: number): Member {
  return cluster.get(cluster.ids[index] ?? '');
}

async function final(cluster: Cluster, via: string, tx: Transaction) {
  const { node } = cluster.get(via);
  const { id } = await cluster.during(node.submit(tx));
  await cluster.until(async () => (await node.standing(id)).state === 'final', 'a payment is final');
  return id;
}

/** Opens a wallet at its bank and puts money in it. */
async function fund(cluster: Cluster, id: string, minor: bigint): Promise<void> {
  const bank = id.slice(id.indexOf('@') + 1);
  const { network } = cluster;
  await final(cluster, bank, transactionOf(network, [`operator/${bank}`], [open(network, id)]));
  await final(cluster, 'nbc', transactionOf(network, OFFICERS, [issue(settlement(bank), minor)]));
  await final(cluster, bank, transactionOf(network, [`operator/${bank}`], [transfer(settlement(bank), id, minor)]));
}

/** Waits until all nodes that are up have the same height, at least this one. */
async function level(cluster: Cluster, atLeast = 0): Promise<void> {
  await cluster.until(() => {
    const heights = [...cluster.members.values()].map(({ chain }) => chain.tip.height);
    return new Set(heights).size === 1 && (heights[0] ?? 0) >= atLeast;
  }, 'all nodes are level');
}

function sameChains(cluster: Cluster): boolean {
  return new Set([...cluster.members.values()].map(({ chain }) => chain.tip.hash)).size === 1;
}

function evidenceOn({ events }: Member): boolean {
  return events.some((event) => event.type === 'committed' && event.committed.block.evidence.length > 0);
}

function isProposal(bytes: Uint8Array): boolean {
  try {
    decode(proposalSchema, bytes, MAX_PROPOSAL_BYTES);
    return true;
  } catch {
    return false;
  }
}

function heightOfVote(bytes: Uint8Array): number | null {
  try {
    return decode(voteSchema, bytes, MAX_VOTE_BYTES).height;
  } catch {
    return null;
  }
}
