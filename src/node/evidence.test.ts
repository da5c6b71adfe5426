import t from 'tap';
import { MAX_BLOCK_EVIDENCE, MAX_EVIDENCE_BYTES } from '../codec/limits.ts';
import { evidenceMessage } from '../codec/messages.ts';
import { decode, encode } from '../codec/schema.ts';
import { evidenceOf } from '../consensus/proofs.ts';
import { chainIdOf, statementSigningBytes, validatorsOf } from '../crypto/ids.ts';
import { createInlineVerifier } from '../crypto/verifier.ts';
import { evidenceKey } from '../ledger/keys.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { issue, settlement, transactionOf } from '../testing/transactions.ts';
import type { Block, BlockHash, ChainId, Evidence, ParticipantId, Statement } from '../types/index.ts';
import type { Context } from './context.ts';
import type { NodeEvent } from './events.ts';
import { EvidencePool } from './evidence.ts';
import { Inbox } from './inbox.ts';

const network = testNetwork(7);
const { genesis } = network;
const chainId = chainIdOf(genesis);
const validators = validatorsOf(genesis);
const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)] as [BlockHash, BlockHash];
const TIP = 100;

/** Two prevotes of one validator, signed by it or by whoever is named. */
function proof(validator: number, height: number, { round = 0, signer = validator, chain = chainId } = {}): Evidence {
  const key = network.signer(`validator/${genesis.participants[signer]?.id}`);
  const say = (blockHash: BlockHash) => {
    const statement: Statement = { step: 'prevote', height, round, blockHash, validRound: null, validator };
    return { ...statement, signature: key.sign(statementSigningBytes(chain, statement)) };
  };
  return evidenceOf(say(A), say(B));
}

/** A pool on a chain of 100 blocks that has evidence against validator 6 at height 50. */
function pool() {
  const tip = { height: TIP };
  const told: { readonly height: number; readonly key: string }[] = [];
  const events: NodeEvent[] = [];
  const onChain = new Set<string>([evidenceKey(proof(6, 50))]);
  let news = 0;
  const context = {
    chain: {
      ...{ chainId, validators, tip },
      store: {
        get: (keys: readonly string[]) =>
          Promise.resolve(keys.map((key) => (onChain.has(key) ? new Uint8Array(1) : null))),
      },
    },
    network: {
      publish: (topic: string, bytes: Uint8Array) => {
        t.equal(topic, 'evidence');
        const { height, evidence } = decode(evidenceMessage, bytes, MAX_EVIDENCE_BYTES);
        told.push({ height, key: evidenceKey(evidence) });
      },
    },
    verifier: createInlineVerifier(),
    inbox: new Inbox((error) => t.fail(String(error))),
    emit: (event: NodeEvent) => events.push(event),
  } as unknown as Context;
  const evidencePool = new EvidencePool(context, async () => {
    news += 1;
  });
  const commit = (...evidence: Evidence[]) => {
    tip.height += 1;
    evidencePool.committed({ header: { height: tip.height }, batches: [], evidence } as unknown as Block);
  };
  const hear = (evidence: Evidence) => evidencePool.hear({ height: TIP, evidence });
  return { pool: evidencePool, told, events, commit, hear, news: () => news };
}

t.test('what is true and new is kept, what no honest peer passes on is rejected, the rest is ignored', async (t) => {
  const known = proof(3, 99);
  const rows: [what: string, Evidence, verdict: string][] = [
    ['of the height under way', proof(4, TIP + 1), 'accept'],
    ['of the next one, where its finder is already', proof(4, TIP + 2), 'accept'],
    ['of a height long gone', proof(4, 1), 'accept'],
    ['against this very node', proof(0, 99), 'accept'],
    ['known', known, 'ignore'],
    ['another proof of the same offence', proof(3, 99, { round: 7 }), 'ignore'],
    ['on the chain', proof(6, 50), 'ignore'],
    ['of a height that this node knows nothing of', proof(4, TIP + 3), 'ignore'],
    ['of a validator that does not exist', proof(7, 99, { signer: 0 }), 'reject'],
    ['signed by somebody else', proof(4, 99, { signer: 3 }), 'reject'],
    ['of another chain', proof(4, 99, { chain: 'cd'.repeat(32) as ChainId }), 'reject'],
    ['half of it true', { ...proof(4, 99), second: proof(4, 99, { signer: 3 }).second }, 'reject'],
  ];
  for (const [what, evidence, verdict] of rows) {
    const { pool: evidencePool, hear, events, news } = pool();
    t.equal(await hear(known), 'accept');
    t.equal(await hear(evidence), verdict, what);
    const kept = verdict === 'accept' ? 2 : 1;
    t.strictSame([evidencePool.size, news(), events.length], [kept, kept, kept], what);
  }
});

t.test('a liar that signs proofs against itself for many places takes no room of others', async (t) => {
  const { pool: evidencePool, hear, events, commit } = pool();
  const verdicts: string[] = [];
  for (let height = 1; height <= 40; height++) verdicts.push(await hear(proof(3, height)));
  t.strictSame(
    verdicts,
    verdicts.map((_, i) => (i < 16 ? 'accept' : 'ignore')),
  );
  t.equal(await hear(proof(4, 99)), 'accept');
  t.equal(evidencePool.size, 17);
  t.equal(events.length, 17, 'nor does it fill the diary');
  evidencePool.found(proof(3, TIP + 1));
  t.equal(evidencePool.size, 17, 'what this node finds itself is bounded, too');
  commit(proof(3, 1), proof(3, 2));
  t.equal(await hear(proof(3, 40)), 'accept', 'what came onto the chain makes room');
  t.ok(evidencePool.size <= MAX_BLOCK_EVIDENCE);
});

t.test('a block gets what is not of a later height', async (t) => {
  const { pool: evidencePool, hear } = pool();
  await hear(proof(3, TIP + 2));
  await hear(proof(4, 7));
  t.strictSame(evidencePool.upTo(TIP + 1).map(evidenceKey), [evidenceKey(proof(4, 7))]);
  t.equal(evidencePool.upTo(TIP + 2).length, 2);
});

t.test('however many flood it, a block has room for a proof against each', async (t) => {
  const { pool: evidencePool, hear } = pool();
  for (const flooder of [1, 2, 3]) for (let height = 1; height <= 16; height++) await hear(proof(flooder, height));
  await hear(proof(4, 99));
  const inBlock = evidencePool.upTo(TIP + 1).slice(0, MAX_BLOCK_EVIDENCE);
  const counts = [1, 2, 3, 4].map((of) => inBlock.filter(({ first }) => first.validator === of).length);
  t.strictSame(counts, [11, 10, 10, 1]);
  t.equal(evidencePool.upTo(TIP + 1).length, 49);
});

t.test('it is told when it is found, and after each block but the first that it does not come into', async (t) => {
  const { pool: evidencePool, hear, told, commit } = pool();
  const [own, other] = [proof(3, TIP + 1), proof(4, 99)];
  evidencePool.found(own);
  t.strictSame(told, [{ height: TIP, key: evidenceKey(own) }]);
  await hear(other);
  t.equal(told.length, 1, 'what a peer tells is passed on by gossip');
  commit();
  t.equal(told.length, 1, 'the proposer of that block could not know of it');
  commit(proof(3, TIP + 1, { round: 5 }));
  t.strictSame(told.slice(1), [{ height: TIP + 2, key: evidenceKey(other) }], 'any proof of the offence settles it');
  commit(other);
  commit();
  t.equal(told.length, 2);
  t.equal(evidencePool.size, 0);
});

t.test('the one node that heard both statements need not propose, nor live: all have it after a block', async (t) => {
  const cluster = new Cluster(network);
  t.teardown(() => cluster.stop());
  for (const id of cluster.ids.slice(0, 6)) await cluster.start(id);
  const tx = transactionOf(network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1n)]);
  const [finder = '', ...others] = cluster.ids.slice(0, 6);
  await cluster.during(cluster.get(finder).node.submit(tx));
  await cluster.allAt(1);
  const liar = cluster.wires.join(cluster.ids[6] as ParticipantId);
  const silent = {
    onGossip: () => Promise.resolve('ignore' as const),
    onBatch: () => Promise.resolve('ignore' as const),
  };
  await liar.start({ ...silent, onQuestion: () => Promise.resolve([]), onPeer: () => undefined });
  const found = (id: string) => cluster.get(id).events.some(({ type }) => type === 'evidence');
  const bytes = encode(evidenceMessage, { height: 0, evidence: proof(6, 1) });
  cluster.wires.gossip(cluster.ids[6] as ParticipantId, finder as ParticipantId, 'evidence', bytes);
  await cluster.until(() => found(finder), 'the finder has it');
  t.notOk(others.some(found), 'it reached nobody else');
  for (let height = 2; height <= 3; height++) {
    await cluster.during(
      cluster
        .get(finder)
        .node.submit(transactionOf(network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1n)])),
    );
    await cluster.until(() => cluster.get(finder).chain.tip.height >= height);
  }
  await cluster.until(() => others.every(found), 'the others have it');
  cluster.kill(finder);
  const isOnChain = (id: string) =>
    cluster.get(id).events.some((event) => event.type === 'committed' && event.committed.block.evidence.length > 0);
  await cluster.until(() => others.every(isOnChain), 'it is on the chain');
  t.strictSame(cluster.wires.bans, []);
});
