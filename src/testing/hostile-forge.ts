/** What a member of a network can make with its true key: signed statements, blocks, batches, and proofs that prove nothing. */
import { committedBlock } from '../codec/block.ts';
import { encode } from '../codec/schema.ts';
import { blockHash, chainIdOf, digestsRoot, evidenceRoot, statementSigningBytes } from '../crypto/ids.ts';
import type { Chance } from '../simulator/world/random.ts';
import type {
  BatchDigest,
  Block,
  BlockHash,
  ChainId,
  Evidence,
  ParticipantId,
  Proposal,
  Statement,
  Step,
} from '../types/index.ts';
import type { Cluster } from './cluster.ts';
import { batchBy, issue, settlement, transactionOf, transfer } from './transactions.ts';

export const DIGEST = 'ab'.repeat(32);

/** An answer that no honest peer gives (`mustBan`), or one that only lacks something. */
export interface HostileAnswer {
  readonly what: string;
  readonly frames: readonly Uint8Array[];
  readonly mustBan: boolean | null;
}

export class Forge {
  readonly id: ParticipantId;
  readonly index: number;
  readonly #cluster: Cluster;
  readonly #chainId: ChainId;

  constructor(cluster: Cluster, id: ParticipantId) {
    this.id = id;
    this.index = cluster.ids.indexOf(id);
    this.#cluster = cluster;
    this.#chainId = chainIdOf(cluster.network.genesis);
  }

  /** The height that the first of the others work on. */
  get height(): number {
    return Math.max(...[...this.#cluster.members.values()].map(({ chain }) => chain.tip.height)) + 1;
  }

  statement(step: Step, height: number, round: number, value = DIGEST as BlockHash): Statement {
    return { step, height, round, blockHash: value, validRound: null, validator: this.index };
  }

  signed<T extends Statement>(statement: T, chainId = this.#chainId): T & { readonly signature: Uint8Array } {
    const signer = this.#cluster.network.signer(`validator/${this.id}`);
    const { step, height, round, blockHash: value, validRound, validator } = statement;
    const plain: Statement = { step, height, round, blockHash: value, validRound, validator };
    return { ...statement, signature: signer.sign(statementSigningBytes(chainId, plain)) };
  }

  /** The first round of the height in which it is this peer's turn. */
  turn(height: number): number {
    const { length } = this.#cluster.ids;
    return (this.index - (height % length) + length) % length;
  }

  block(chance: Chance): Block {
    const [member] = this.#cluster.members.values();
    if (member === undefined) throw new Error('nobody is up');
    const { tip, validatorSetHash } = member.chain;
    const header = {
      ...{ version: 1, chainId: this.#chainId, height: this.height, proposer: this.id, validatorSetHash },
      ...{ timeMs: Math.max(this.#cluster.clock.now(), tip.timeMs + 1), parentHash: tip.hash, checkpointRoot: null },
      ...{
        batchesRoot: digestsRoot([]),
        evidenceRoot: evidenceRoot([]),
        transactionsRoot: DIGEST,
        receiptsRoot: DIGEST,
      },
      writesRoot: Buffer.from(chance.bytes(32)).toString('hex'),
    };
    return { header: header as unknown as Block['header'], batches: [], evidence: [] };
  }

  proposes(block: Block, height: number, round: number): Proposal {
    const statement = {
      ...this.statement('propose', height, round, blockHash(block.header)),
      step: 'propose' as const,
    };
    return { statement: this.signed(statement) as Proposal['statement'], block };
  }

  /** Evidence against an honest validator, with signatures that are not its own. */
  framing(height: number): Evidence {
    const value = (blockHashOf: string) =>
      this.signed({ ...this.statement('precommit', height, 0, blockHashOf as BlockHash), validator: 0 });
    return { first: value('11'.repeat(32)), second: value('22'.repeat(32)) };
  }

  transaction() {
    const validUntilMs = this.#cluster.clock.now() + 60_000;
    const from = settlement(this.id);
    const commands = [transfer(from, settlement('nbc'), 1n)];
    return transactionOf(this.#cluster.network, [`operator/${this.id}`], commands, validUntilMs);
  }
}

/** Money for the settlement account of a bank, valid from now. */
export function funding(cluster: Cluster, bank: string) {
  const validUntilMs = cluster.clock.now() + 60_000;
  return transactionOf(
    cluster.network,
    ['officer/1', 'officer/2'],
    [issue(settlement(bank), 1_000_000n)],
    validUntilMs,
  );
}

export function withHeader(block: Block, changes: Partial<Block['header']>): Block {
  return { ...block, header: { ...block.header, ...changes } };
}

export function withBatches(block: Block, batches: readonly BatchDigest[]): Block {
  return { ...withHeader(block, { batchesRoot: digestsRoot(batches) }), batches };
}

export function withEvidence(block: Block, entry: Evidence): Block {
  return { ...withHeader(block, { evidenceRoot: evidenceRoot([entry]) }), evidence: [entry] };
}

/** Blocks that answer a question about them, and must not be believed. */
export function falseBlocks(forge: Forge, block: Block, chance: Chance): HostileAnswer {
  const { height } = block.header;
  const entry = (validator: number) => ({ validator, signature: new Uint8Array(64).fill(validator) });
  const own = { ...forge.signed(forge.statement('precommit', height, 0, blockHash(block.header))) };
  const certified = (signatures: readonly object[], changes: object = {}) =>
    encode(committedBlock, {
      block,
      certificate: { height, round: 0, blockHash: blockHash(block.header), signatures },
      batches: [],
      ...changes,
    } as never);
  const cases: readonly (readonly [what: string, frames: readonly Uint8Array[], mustBan: boolean | null])[] = [
    ['no block', [], false],
    ['an empty frame', [new Uint8Array()], true],
    ['too few signatures', [certified([own])], true],
    ['foreign signatures', [certified([entry(0), entry(1), entry(2)])], true],
    ['the same signer thrice', [certified([own, own, own])], true],
    ['signers in no order', [certified([entry(2), entry(1), entry(0)])], true],
    ['no signature', [certified([])], true],
    ['random bytes', [chance.bytes(300)], true],
    ['a thousand frames', Array.from({ length: 1_000 }, () => chance.bytes(20)), true],
    [
      'batches that it does not name',
      [certified([own], { batches: [batchBy(forge.id, forge.transaction()).batch] })],
      true,
    ],
  ];
  const [what, frames, mustBan] = chance.pick(cases);
  return { what, frames, mustBan };
}
