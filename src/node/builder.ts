/**
 * Blocks before they are agreed on: making one as a proposer, judging one as a validator. Both run the block's content
 * first and speak of its results, so a node that computes something else votes nil instead of forking.
 */
import { MAX_BLOCK_BATCHES, MAX_BLOCK_EVIDENCE } from '../codec/limits.ts';
import { proposerIndex } from '../consensus/index.ts';
import { isEvidenceValid } from '../crypto/certificate.ts';
import { blockHash, digestsRoot, evidenceRoot } from '../crypto/ids.ts';
import type { BatchPool, KnownBatch } from '../mempool/batch-pool.ts';
import type { Verifier } from '../ports.ts';
import type { BatchDigest, Block, BlockHash, Evidence, Header, ParticipantId } from '../types/index.ts';
import type { Chain } from './chain.ts';
import type { Execution } from './execution.ts';

export interface BuiltBlock {
  readonly block: Block;
  readonly blockHash: BlockHash;
  readonly execution: Execution;
}

/** `missing` asks for batches, `early` for some time; `invalid` makes a validator vote nil. */
export type Judgement =
  | { readonly verdict: 'valid'; readonly execution: Execution }
  | { readonly verdict: 'missing'; readonly digests: readonly BatchDigest[] }
  | { readonly verdict: 'early'; readonly byMs: number }
  | { readonly verdict: 'invalid'; readonly reason: string };

export interface BuilderParts {
  readonly chain: Chain;
  readonly pool: BatchPool;
  readonly verifier: Verifier;
  readonly self: ParticipantId;
}

/** A block that is ahead of this clock by so much more than the rules allow is not waited for. */
const MAX_EARLY_MS = 60_000;

/** What a block holds besides evidence, and what running it over its parent gave. */
interface Content {
  readonly timeMs: number;
  readonly batches: readonly KnownBatch[];
  readonly execution: Execution;
}

/**
 * A node proposes no more than every validator runs in a fraction of the time that it waits for a proposal, also where they
 * share their cores: a block of all that waits, under overload, takes longer than a round, and then the next round as well.
 */
const MAX_OWN_BLOCK_COMMANDS = 1_024;
/** So many times what was prepared may wait by then; what it passes by waits for one block more. */
const MOST_PASSED_BY = 2;
/** All that waits is run in a millisecond, where a block takes ten: nothing is passed by for it. */
const FEW_COMMANDS = 128;

export class Builder {
  readonly #parts: BuilderParts;
  #next: (Content & { readonly parent: BlockHash }) | null = null;

  constructor(parts: BuilderParts) {
    this.#parts = parts;
  }

  /**
   * Runs the batches of the next block, where it is this node's to propose, over one that is being voted on, so that it can be
   * proposed as soon as that is final. Nobody is told; where another block becomes final, or much else has come until then, it
   * was in vain.
   *
   * @param execution what running the block over the present tip gave.
   */
  async prepare(block: Block, hash: BlockHash, { result }: Execution, nowMs: number): Promise<void> {
    const { chain, pool, self } = this.#parts;
    const { height, timeMs: parentTimeMs } = block.header;
    const proposer = chain.validators[proposerIndex(height + 1, 0, chain.validators.length)];
    this.#next = null;
    if (proposer?.participant !== self) return;
    const rest = pool
      .oldest(MAX_BLOCK_BATCHES + block.batches.length)
      .filter(({ digest }) => !block.batches.includes(digest));
    const batches = enough(rest.slice(0, MAX_BLOCK_BATCHES));
    if (batches.length === 0) return;
    const timeMs = Math.max(nowMs, parentTimeMs + 1);
    const on = { height, timeMs: parentTimeMs, writes: result.writes };
    const execution = await chain.execute(timeMs, batches, [], on);
    if (usefulOf(batches, execution).length === batches.length)
      this.#next = { parent: hash, timeMs, batches, execution };
  }

  /**
   * A block on the present tip with the oldest batches. Batches of which no transaction takes part are put aside.
   *
   * @param nowMs this node's clock.
   */
  async build(nowMs: number, evidence: readonly Evidence[]): Promise<BuiltBlock> {
    const chosen = evidence.slice(0, MAX_BLOCK_EVIDENCE);
    const { timeMs, batches, execution } = this.#prepared(chosen) ?? (await this.#content(nowMs, chosen));
    const digests = batches.map((known) => known.digest);
    const header = await this.#header(timeMs, this.#parts.self, digests, chosen, execution);
    return { block: { header, batches: digests, evidence: chosen }, blockHash: blockHash(header), execution };
  }

  /** What was prepared, where it is still most of what there is to propose. */
  #prepared(evidence: readonly Evidence[]): Content | null {
    const { chain, pool } = this.#parts;
    const next = this.#next;
    this.#next = null;
    if (next === null || next.parent !== chain.tip.hash || evidence.length > 0) return null;
    if (!next.batches.every(({ digest }) => pool.holds(digest))) return null;
    const waiting = enough(pool.oldest(MAX_BLOCK_BATCHES));
    const commands = commandsOf(waiting);
    if (commands <= FEW_COMMANDS && waiting.length > next.batches.length) return null;
    return commands > MOST_PASSED_BY * commandsOf(next.batches) ? null : next;
  }

  async #content(nowMs: number, evidence: readonly Evidence[]): Promise<Content> {
    const { chain, pool } = this.#parts;
    const timeMs = Math.max(nowMs, chain.tip.timeMs + 1);
    const offered = enough(pool.oldest(MAX_BLOCK_BATCHES));
    const execution = await chain.execute(timeMs, offered, evidence);
    const useful = usefulOf(offered, execution);
    if (useful.length === offered.length) return { timeMs, batches: offered, execution };
    for (const known of offered) if (!useful.includes(known)) pool.putAside(known.digest);
    return { timeMs, batches: useful, execution: await chain.execute(timeMs, useful, evidence) };
  }

  /** Judges a proposed block against the present tip. @param nowMs this node's clock. */
  async judge(block: Block, nowMs: number): Promise<Judgement> {
    const { chain, pool, verifier } = this.#parts;
    const { header } = block;
    const problem = this.#formProblem(block);
    if (problem !== null) return { verdict: 'invalid', reason: problem };
    const byMs = header.timeMs - (nowMs + chain.genesis.rules.maxClockSkewMs);
    if (byMs > MAX_EARLY_MS) return { verdict: 'invalid', reason: "far ahead of this node's clock" };
    if (byMs > 0) return { verdict: 'early', byMs };
    const known = block.batches.map((digest) => pool.get(digest));
    const digests = block.batches.filter((_, i) => known[i] === undefined);
    if (digests.length > 0) return { verdict: 'missing', digests };
    if (!block.evidence.every((entry) => isEvidenceValid(chain.chainId, chain.validators, entry, verifier))) {
      return { verdict: 'invalid', reason: 'evidence with a wrong signature' };
    }
    const batches = known.filter((entry) => entry !== undefined);
    const execution = await chain.execute(header.timeMs, batches, block.evidence);
    const expected = await this.#header(header.timeMs, header.proposer, block.batches, block.evidence, execution);
    if (blockHash(expected) === blockHash(header)) return { verdict: 'valid', execution };
    const keys = Object.keys(expected) as (keyof Header)[];
    const different = keys.filter((key) => expected[key] !== header[key]);
    return { verdict: 'invalid', reason: `this node computes another ${different.join(', ')}` };
  }

  #formProblem({ header, batches, evidence }: Block): string | null {
    const { chain, pool } = this.#parts;
    if (header.chainId !== chain.chainId) return 'of another chain';
    if (header.height !== chain.tip.height + 1 || header.parentHash !== chain.tip.hash) return 'not on the tip';
    if (!chain.rules.participants.has(header.proposer)) return 'made by nobody here';
    if (header.timeMs <= chain.tip.timeMs) return 'not later than its parent';
    if (new Set(batches).size < batches.length) return 'a batch appears twice';
    if (batches.some((digest) => pool.isRefused(digest))) return 'a batch that no node can accept';
    return evidence.every((entry) => entry.first.height <= header.height) ? null : 'evidence of a later height';
  }

  async #header(
    timeMs: number,
    proposer: ParticipantId,
    batches: readonly BatchDigest[],
    evidence: readonly Evidence[],
    { result }: Execution,
  ): Promise<Header> {
    const { chain } = this.#parts;
    return {
      version: 1,
      chainId: chain.chainId,
      height: chain.tip.height + 1,
      timeMs,
      proposer,
      parentHash: chain.tip.hash,
      validatorSetHash: chain.validatorSetHash,
      batchesRoot: digestsRoot(batches),
      evidenceRoot: evidenceRoot(evidence),
      transactionsRoot: result.transactionsRoot,
      receiptsRoot: result.receiptsRoot,
      writesRoot: result.writesRoot,
      checkpointRoot: await chain.checkpointRoot(),
    };
  }
}

/** The first batches, as many as fit; one at least. */
function enough(batches: readonly KnownBatch[]): readonly KnownBatch[] {
  let commands = 0;
  const end = batches.findIndex((known, i) => {
    commands += commandsOf([known]);
    return i > 0 && commands > MAX_OWN_BLOCK_COMMANDS;
  });
  return end < 0 ? batches : batches.slice(0, end);
}

function commandsOf(batches: readonly KnownBatch[]): number {
  let commands = 0;
  for (const { transactions } of batches)
    for (const { transaction } of transactions) commands += transaction.body.commands.length;
  return commands;
}

/** Those of which a transaction takes part. */
function usefulOf(batches: readonly KnownBatch[], { result }: Execution): readonly KnownBatch[] {
  const offered = batches.reduce((count, { transactions }) => count + transactions.length, 0);
  if (result.receipts.length === offered) return batches.filter(({ transactions }) => transactions.length > 0);
  const took = new Set<string>(result.receipts.map((receipt) => receipt.transactionId));
  return batches.filter(({ transactions }) => transactions.some(({ id }) => took.has(id)));
}
