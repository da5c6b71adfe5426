/**
 * A member of a running network in a fuzzer's hands: it has its true key and hears all that the others say, and answers and
 * sends true messages with something wrong in them, field by field, besides plain noise. Each says whether an honest node has to
 * ban whoever sends it.
 */
import { batch as batchSchema } from '../codec/block.ts';
import * as limits from '../codec/limits.ts';
import {
  announcement,
  batchesQuestion,
  blocksQuestion,
  chunkQuestion,
  evidenceMessage,
  manifestQuestion,
  proposal as proposalSchema,
  roundMessages,
} from '../codec/messages.ts';
import { decode, encode, type Schema } from '../codec/schema.ts';
import { vote as voteSchema } from '../codec/vote.ts';
import { CodedError } from '../errors.ts';
import { decodeOrNull } from '../node/snapshot.ts';
import type { Network, NetworkHandlers, Question, Topic } from '../ports.ts';
import { Chance } from '../simulator/world/random.ts';
import type { BatchDigest, Block, BlockHash, ChainId, Evidence, ParticipantId, Step, Vote } from '../types/index.ts';
import type { Cluster } from './cluster.ts';
import { corpusOf, hostileCbor } from './fuzz-cbor.ts';
import {
  DIGEST,
  Forge,
  falseBlocks,
  type HostileAnswer,
  withBatches,
  withEvidence,
  withHeader,
} from './hostile-forge.ts';
import { ownProof, proofAttack } from './hostile-proofs.ts';
import { batchBy } from './transactions.ts';

type Kind = Topic | Question | 'batch';

/** Something to send, and whether no honest peer sends it: null where both are possible. */
export interface Attack {
  readonly kind: Kind;
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly mustBan: boolean | null;
}

/** How each kind of message is decoded by whoever gets it. */
const DECODED: Readonly<Record<Kind, readonly [Schema<never>, number]>> = {
  proposals: [proposalSchema, limits.MAX_PROPOSAL_BYTES],
  votes: [voteSchema, limits.MAX_VOTE_BYTES],
  announcements: [announcement, limits.MAX_ANNOUNCEMENT_BYTES],
  evidence: [evidenceMessage, limits.MAX_EVIDENCE_BYTES],
  batch: [batchSchema, limits.MAX_BATCH_BYTES],
  batches: [batchesQuestion, limits.MAX_PROPOSAL_BYTES],
  blocks: [blocksQuestion, limits.MAX_ANNOUNCEMENT_BYTES],
  manifest: [manifestQuestion, limits.MAX_ANNOUNCEMENT_BYTES],
  chunk: [chunkQuestion, limits.MAX_ANNOUNCEMENT_BYTES],
  round: [roundMessages, limits.MAX_ROUND_BYTES],
} as Readonly<Record<Kind, never>>;

/** True messages of each kind that it remembers. */
const MEMORY = 16;
const FOREIGN = 'cd'.repeat(32) as ChainId;

export class HostilePeer {
  readonly id: ParticipantId;
  readonly index: number;
  readonly network: Network;
  /** What it was asked lately and how it answered. */
  readonly answered: { readonly question: Question; readonly from: ParticipantId; readonly answer: HostileAnswer }[] =
    [];
  readonly #cluster: Cluster;
  readonly #forge: Forge;
  readonly #heard: Record<Kind, Uint8Array[]> = {
    ...{ proposals: [], votes: [], announcements: [], evidence: [], batch: [], batches: [], blocks: [] },
    ...{ manifest: [], chunk: [], round: [] },
  };
  #answer: ((question: Question) => HostileAnswer) | null = null;

  constructor(cluster: Cluster, id: string) {
    this.id = id as ParticipantId;
    this.#cluster = cluster;
    this.#forge = new Forge(cluster, this.id);
    this.index = this.#forge.index;
    this.network = cluster.wires.join(this.id);
  }

  async start(): Promise<void> {
    const handlers: NetworkHandlers = {
      onGossip: (topic, _from, bytes) => {
        this.#remember(topic, bytes);
        return Promise.resolve('ignore');
      },
      onBatch: (_from, bytes) => {
        this.#remember('batch', bytes);
        return Promise.resolve('ignore');
      },
      onQuestion: (question, from, bytes) => {
        this.#remember(question, bytes);
        const honest = {
          what: 'as little as possible',
          frames: question === 'round' ? [this.#silence()] : [],
          mustBan: false,
        };
        const answer = this.#answer === null ? honest : this.#answer(question);
        this.answered.push({ question, from, answer });
        return Promise.resolve(answer.frames);
      },
      onPeer: () => undefined,
    };
    await this.network.start(handlers);
  }

  /** From now on questions are answered so; null answers as little as possible. */
  answerWith(answer: ((question: Question) => HostileAnswer) | null): void {
    this.#answer = answer;
  }

  /** Sends to one honest node. */
  send(to: ParticipantId, { kind, bytes }: Attack): void {
    const { wires } = this.#cluster;
    if (kind === 'batch') this.network.pushBatch(bytes);
    else if (kind === 'proposals' || kind === 'votes' || kind === 'announcements' || kind === 'evidence')
      wires.gossip(this.id, to, kind, bytes);
    else {
      this.network.ask(to, kind, bytes).catch((error: unknown) => {
        // Who bans us does not answer.
        if (!(error instanceof CodedError)) throw error;
      });
    }
  }

  /** A message with something wrong, out of what is heard at present. */
  attack(seed: number): Attack {
    const chance = new Chance(seed, 'attack');
    if (chance.happens(0.4)) return this.#noise(chance);
    return chance.pick([
      () => this.#vote(chance),
      () => this.#proposal(chance),
      () => this.#batch(chance),
      () => this.#question(chance),
      () => this.#announcement(chance),
      () => proofAttack(this.#forge, chance),
      () => this.#round(chance),
    ])();
  }

  /** Own votes, proofs against itself and announcements for places far and near, all well formed: nobody can be banned for one of them. */
  flood(seed: number): Attack {
    const chance = new Chance(seed, 'flood');
    const height = this.#forge.height + chance.pick([0, 1, 1, 1, 2, 50, 2 ** 40]);
    if (chance.happens(0.1)) return this.#announcement(chance);
    if (chance.happens(0.3)) return ownProof(this.#forge, chance);
    const round = chance.pick([chance.below(4), chance.below(12), chance.below(limits.MAX_ROUND + 1)]);
    const step: Step = chance.pick(['prevote', 'precommit'] as const);
    const digest = Buffer.from(chance.bytes(32)).toString('hex') as BlockHash;
    const vote = this.#forge.signed({
      step,
      height,
      round,
      blockHash: digest,
      validRound: null,
      validator: this.index,
    });
    return {
      kind: 'votes',
      what: `${step} at ${height}/${round}`,
      bytes: encode(voteSchema, vote as Vote),
      mustBan: false,
    };
  }

  /** Something true or half true that makes whoever hears it ask. */
  lure(chance: Chance): Attack {
    const height = this.#forge.height;
    if (chance.happens(0.5)) {
      const bytes = encode(announcement, {
        version: 1,
        height: height + chance.below(5),
        blockHash: DIGEST as BlockHash,
      });
      return { kind: 'announcements', what: 'a height that it does not have', bytes, mustBan: false };
    }
    const block = withBatches(this.#forge.block(chance), [DIGEST as BatchDigest]);
    const bytes = encode(proposalSchema, this.#forge.proposes(block, height, this.#forge.turn(height)));
    return { kind: 'proposals', what: 'a block of a batch that nobody has', bytes, mustBan: false };
  }

  /** An answer with something wrong. */
  answer(question: Question, chance: Chance): HostileAnswer {
    if (question === 'blocks') return falseBlocks(this.#forge, this.#blockHeard() ?? this.#forge.block(chance), chance);
    if (question === 'round') {
      const { bytes, what, mustBan } = chance.happens(0.5) ? this.#round(chance) : this.#noise(chance, 'round');
      return { what, frames: [bytes], mustBan };
    }
    const foreign = encode(batchSchema, batchBy(this.id, this.#forge.transaction()).batch);
    return chance.pick([
      { what: 'a batch nobody asked for', frames: [foreign], mustBan: true },
      { what: 'no batch', frames: [], mustBan: false },
      { what: 'an empty frame', frames: [new Uint8Array()], mustBan: true },
      { what: 'a thousand frames', frames: Array.from({ length: 1_000 }, () => foreign), mustBan: true },
    ]);
  }

  #remember(kind: Kind, bytes: Uint8Array): void {
    const heard = this.#heard[kind];
    heard.push(new Uint8Array(bytes));
    if (heard.length > MEMORY) heard.shift();
  }

  #blockHeard(): Block | undefined {
    const [latest] = this.#heard.proposals.slice(-1);
    return latest && decode(proposalSchema, latest, limits.MAX_PROPOSAL_BYTES).block;
  }

  #silence(): Uint8Array {
    return encode(roundMessages, { height: this.#forge.height, proposals: [], votes: [] });
  }

  /** A true message with its structure or its bytes damaged. */
  #noise(chance: Chance, kind: Kind = chance.pick(Object.keys(this.#heard) as Kind[])): Attack {
    const others = Object.values(this.#heard).flat();
    const own = this.#heard[kind];
    const { bytes, how } = hostileCbor(chance.next(), corpusOf(own.length > 0 ? own : [this.#silence()], others));
    const [schema, maxBytes] = DECODED[kind];
    return {
      kind,
      what: `noise: ${how}`,
      bytes,
      mustBan: decodeOrNull(schema, bytes, maxBytes) === null ? true : null,
    };
  }

  #vote(chance: Chance): Attack {
    const height = this.#forge.height;
    const base = this.#forge.statement(chance.pick(['prevote', 'precommit'] as const), height, chance.below(3));
    // A vote of a height that has just ended is not looked at, so those that must be noticed are of the next one.
    const next = { ...base, height: height + 1 };
    const rightly = this.#forge.signed(next);
    const other = (this.index + 1) % this.#cluster.ids.length;
    const cases: readonly (readonly [what: string, vote: object, mustBan: boolean | null])[] = [
      ['a round that nobody reaches', this.#forge.signed({ ...base, round: limits.MAX_ROUND }), false],
      ['a round above all', { ...rightly, round: limits.MAX_ROUND + 1 }, true],
      ['a height to come', this.#forge.signed({ ...base, height: limits.MAX_SAFE }), false],
      ['a height that is over', this.#forge.signed({ ...base, height: 1 }), false],
      ["another validator's index", { ...rightly, validator: other }, true],
      ['an index of nobody', { ...rightly, validator: this.#cluster.ids.length }, true],
      ['an index of no set', { ...rightly, validator: limits.MAX_VALIDATORS }, true],
      ['another chain', this.#forge.signed(next, FOREIGN), true],
      [
        'a broken signature',
        { ...rightly, signature: rightly.signature.with(5, (rightly.signature[5] ?? 0) ^ 1) },
        true,
      ],
      ['a vote with a valid round', { ...this.#forge.signed({ ...base, validRound: 0 }) }, true],
      ['a proposal as a vote', { ...rightly, step: 'propose' }, true],
      ['two values', this.#forge.signed({ ...base, blockHash: null }), false],
    ];
    const [what, vote, mustBan] = chance.pick(cases);
    return { kind: 'votes', what, bytes: encode(voteSchema, vote as never), mustBan };
  }

  #proposal(chance: Chance): Attack {
    const height = this.#forge.height;
    const round = this.#forge.turn(height);
    const block = this.#forge.block(chance);
    const right = this.#forge.proposes(block, height, round);
    const later = this.#forge.proposes(
      withHeader(block, { height: height + 1 }),
      height + 1,
      this.#forge.turn(height + 1),
    );
    const evil: Evidence = {
      first: right.statement,
      second: { ...right.statement, blockHash: 'ff'.repeat(32) as BlockHash },
    };
    const cases: readonly (readonly [what: string, proposal: object, mustBan: boolean | null])[] = [
      ['a block of its own', right, false],
      [
        'a batch that does not exist',
        this.#forge.proposes(withBatches(block, [DIGEST as BatchDigest]), height, round),
        false,
      ],
      [
        'a batch named twice',
        this.#forge.proposes(withBatches(block, [DIGEST, DIGEST] as BatchDigest[]), height, round),
        false,
      ],
      ['a header of another hash', { ...right, block: { ...block, header: { ...block.header, timeMs: 5 } } }, true],
      [
        'a header of another height',
        this.#forge.proposes(withHeader(block, { height: height + 1 }), height, round),
        true,
      ],
      [
        'another chain in the header',
        this.#forge.proposes(withHeader(block, { chainId: FOREIGN }), height, round),
        null,
      ],
      ['another parent', this.#forge.proposes(withHeader(block, { parentHash: DIGEST as never }), height, round), null],
      [
        'made by nobody',
        this.#forge.proposes(withHeader(block, { proposer: 'nobody' as ParticipantId }), height, round),
        null,
      ],
      ['of the far future', this.#forge.proposes(withHeader(block, { timeMs: limits.MAX_SAFE }), height, round), null],
      ['at the time of its parent', this.#forge.proposes(withHeader(block, { timeMs: 0 }), height, round), null],
      [
        'contents that its header does not name',
        this.#forge.proposes({ ...block, batches: [DIGEST as BatchDigest] }, height, round),
        null,
      ],
      ['out of turn', this.#forge.proposes(block, height, round + 1), true],
      ['in a round above all', { ...right, statement: { ...right.statement, round: limits.MAX_ROUND + 1 } }, true],
      [
        "another's signature",
        { ...later, statement: { ...later.statement, signature: right.statement.signature } },
        true,
      ],
      ['evidence that proves nothing', this.#forge.proposes({ ...block, evidence: [evil] }, height, round), null],
      ['forged evidence', this.#forge.proposes(withEvidence(block, this.#forge.framing(height)), height, round), null],
      [
        'too much of everything',
        { ...right, block: { ...block, batches: Array.from({ length: 33 }, () => DIGEST) } },
        true,
      ],
    ];
    const [what, proposal, mustBan] = chance.pick(cases);
    const bytes = encode(proposalSchema, proposal as never);
    return { kind: 'proposals', what, bytes, mustBan: bytes.length > limits.MAX_PROPOSAL_BYTES ? true : mustBan };
  }

  #batch(chance: Chance): Attack {
    const { batch } = batchBy(this.id, this.#forge.transaction());
    const [first] = batch.transactions;
    const bad = {
      ...first,
      signatures: first?.signatures.map((entry) => ({ ...entry, signature: new Uint8Array(64) })),
    };
    const foreign = { ...first, body: { ...first?.body, chainId: FOREIGN } };
    const cases: readonly (readonly [what: string, batch: object, mustBan: boolean | null])[] = [
      ['a batch of its own', batch, false],
      ['a transaction twice', { ...batch, transactions: [first, first] }, false],
      ["another's batch", { ...batch, author: 'nbc' }, true],
      ['a batch of nobody', { ...batch, author: 'nobody' }, true],
      ['another chain', { ...batch, chainId: FOREIGN }, true],
      ['a transaction of another chain', { ...batch, transactions: [foreign] }, true],
      ['a wrong signature', { ...batch, transactions: [first, bad] }, true],
      ['no transaction', { ...batch, transactions: [] }, true],
      ['one transaction too many', { ...batch, transactions: Array.from({ length: 1_025 }, () => first) }, true],
    ];
    const [what, value, mustBan] = chance.pick(cases);
    return { kind: 'batch', what, bytes: encode(batchSchema, value as never), mustBan };
  }

  #question(chance: Chance): Attack {
    const cases: readonly (readonly [kind: Question, what: string, question: unknown, mustBan: boolean])[] = [
      ['blocks', 'blocks from zero', { from: 0, count: 1 }, true],
      ['blocks', 'too many blocks', { from: 1, count: limits.MAX_SYNC_BLOCKS + 1 }, true],
      ['blocks', 'blocks that are not there', { from: limits.MAX_SAFE, count: limits.MAX_SYNC_BLOCKS }, false],
      ['blocks', 'all blocks', { from: 1, count: limits.MAX_SYNC_BLOCKS }, false],
      ['batches', 'no batch', [], true],
      ['batches', 'too many batches', Array.from({ length: 33 }, () => DIGEST), true],
      ['batches', 'batches that are not there', Array.from({ length: 32 }, () => DIGEST), false],
    ];
    const [kind, what, question, mustBan] = chance.pick(cases);
    return { kind, what, bytes: encode(DECODED[kind][0], question as never), mustBan };
  }

  #announcement(chance: Chance): Attack {
    const height = chance.pick([0, 1, this.#forge.height + 1, this.#forge.height + 100, limits.MAX_SAFE]);
    const bytes = encode(announcement, { version: 1, height, blockHash: height === 0 ? null : (DIGEST as BlockHash) });
    return { kind: 'announcements', what: `at ${height}`, bytes, mustBan: false };
  }

  #round(chance: Chance): Attack {
    const height = this.#forge.height;
    const vote = this.#forge.signed(this.#forge.statement('prevote', height + 1, 0)) as Vote;
    const forged = { ...vote, validator: 0 } as Vote;
    const old = this.#heard.votes.map((bytes) => decode(voteSchema, bytes, limits.MAX_VOTE_BYTES));
    const proposal = this.#forge.proposes(this.#forge.block(chance), height, this.#forge.turn(height));
    const many = (count: number) => Array.from({ length: count }, () => vote);
    const cases: readonly (readonly [what: string, told: object, mustBan: boolean])[] = [
      ['old votes', { height, proposals: [], votes: old }, false],
      ['one vote often', { height, proposals: [], votes: many(limits.MAX_ROUND_MESSAGES) }, false],
      ['one vote too often', { height, proposals: [], votes: many(limits.MAX_ROUND_MESSAGES + 1) }, true],
      ['a forged vote among true ones', { height, proposals: [], votes: [...old, vote, forged] }, true],
      ['a height to come', { height: limits.MAX_SAFE, proposals: [], votes: [] }, false],
      ['no height', { height: 0, proposals: [], votes: [] }, true],
      ['too many proposals', { height, proposals: Array.from({ length: 5 }, () => proposal), votes: [] }, true],
      ['a vote as a proposal', { height, proposals: [{ ...proposal, statement: vote }], votes: [] }, true],
    ];
    const [what, told, mustBan] = chance.pick(cases);
    return { kind: 'round', what, bytes: encode(roundMessages, told as never), mustBan };
  }
}
