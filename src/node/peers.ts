/**
 * What peers may say and ask, decoded, checked and judged. Gossip is accepted (and passed on), ignored (for this node only, or
 * useless now) or rejected (no honest peer sends it). Signatures are checked here, so that the engine only ever sees true ones.
 *
 * | message | carries | limit | rejected when |
 * |---|---|---|---|
 * | proposals | Proposal | MAX_PROPOSAL_BYTES | malformed, not signed by the validator it names or not by the round's proposer, statement, header and content differ, a new block in another's name |
 * | votes | Vote | MAX_VOTE_BYTES | malformed, not signed by the validator it names |
 * | announcements | Announcement | MAX_ANNOUNCEMENT_BYTES | malformed |
 * | evidence | EvidenceMessage | MAX_EVIDENCE_BYTES | malformed, of an unknown validator, or of use and not signed by the validator it names |
 * | batches? | digests -> batches | MAX_BLOCK_BATCHES | malformed |
 * | blocks? | heights -> committed blocks | MAX_SYNC_BYTES | malformed |
 * | manifest? | height -> manifest of a newer snapshot | MAX_MANIFEST_BYTES | malformed |
 * | chunk? | height, index -> chunk of that snapshot | MAX_CHUNK_BYTES | malformed |
 * | round? | RoundMessages -> RoundMessages | MAX_ROUND_BYTES | malformed, or a false signature in it |
 */

import * as limits from '../codec/limits.ts';
import {
  announcement,
  evidenceMessage,
  proposal as proposalSchema,
  type RoundMessages,
  roundMessages,
} from '../codec/messages.ts';
import { CodecError, decode, encode } from '../codec/schema.ts';
import { vote as voteSchema } from '../codec/vote.ts';
import { proposerIndex } from '../consensus/index.ts';
import { statementCheck } from '../crypto/certificate.ts';
import { blockHash, digestsRoot, evidenceRoot } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import type { NetworkHandlers, Question, Topic, Verdict } from '../ports.ts';
import type { ParticipantId, Proposal, SignedStatement, Vote } from '../types/index.ts';
import { Answers } from './answers.ts';
import type { CatchUp } from './catch-up.ts';
import type { Context } from './context.ts';
import type { Engine } from './engine.ts';
import type { EvidencePool } from './evidence.ts';
import type { Introductions } from './introductions.ts';
import type { Spread } from './spread.ts';

export interface PeersParts {
  readonly context: Context;
  readonly engine: Engine;
  readonly spread: Spread;
  readonly evidence: EvidencePool;
  readonly catchUp: CatchUp;
  readonly introductions: Introductions;
}

export class Peers implements NetworkHandlers {
  readonly #parts: PeersParts;
  readonly #answers: Answers;

  constructor(parts: PeersParts) {
    this.#parts = parts;
    this.#answers = new Answers(parts.context);
  }

  onGossip(topic: Topic, from: ParticipantId, bytes: Uint8Array): Promise<Verdict> {
    return this.#judged(from, () => {
      switch (topic) {
        case 'proposals':
          return this.#proposal(decode(proposalSchema, bytes, limits.MAX_PROPOSAL_BYTES));
        case 'votes':
          return this.#vote(decode(voteSchema, bytes, limits.MAX_VOTE_BYTES));
        case 'announcements': {
          const { height } = decode(announcement, bytes, limits.MAX_ANNOUNCEMENT_BYTES);
          // Signed by nobody, so it speaks for its sender alone and is not passed on: a liar must not speak for others.
          this.#parts.catchUp.heard(from, height);
          return 'ignore';
        }
        case 'evidence':
          return this.#parts.evidence.hear(decode(evidenceMessage, bytes, limits.MAX_EVIDENCE_BYTES));
      }
    });
  }

  onBatch(from: ParticipantId, bytes: Uint8Array): Promise<Verdict> {
    return this.#parts.spread.receive(from, bytes);
  }

  async onQuestion(question: Question, from: ParticipantId, bytes: Uint8Array): Promise<readonly Uint8Array[] | null> {
    let answer: readonly Uint8Array[] = [];
    const verdict = await this.#judged(from, async () => {
      switch (question) {
        case 'batches':
        case 'blocks':
        case 'manifest':
        case 'chunk':
          answer = await this.#answers[question](bytes);
          return 'accept';
        case 'round': {
          const told = decode(roundMessages, bytes, limits.MAX_ROUND_BYTES);
          answer = [encode(roundMessages, this.#parts.engine.messages())];
          return this.hearRound(from, told);
        }
      }
    });
    return verdict === 'reject' ? null : answer;
  }

  onPeer(peer: ParticipantId, connected: boolean): void {
    const { context, engine } = this.#parts;
    context.emit({ type: 'peer', peer, connected });
    if (connected) void this.exchange(peer);
    else void context.inbox.post(() => engine.peerLost(peer));
  }

  /** Tells a peer all we know of this height and hears what it knows: what gossip lost comes back this way. */
  async exchange(peer: ParticipantId): Promise<void> {
    const { context, engine } = this.#parts;
    try {
      const [answer] = await context.network.ask(peer, 'round', encode(roundMessages, engine.messages()));
      if (answer === undefined) return;
      const verdict = await this.#judged(peer, () =>
        this.hearRound(peer, decode(roundMessages, answer, limits.MAX_ROUND_BYTES)),
      );
      if (verdict === 'reject') context.network.ban(peer, 'a false answer about the present round');
    } catch (error) {
      // The peer is gone or slow; the next exchange asks again.
      if (!(error instanceof CodedError)) throw error;
    }
  }

  /** What a peer knows of the height it works on. */
  async hearRound(from: ParticipantId, told: RoundMessages): Promise<Verdict> {
    const { catchUp, introductions, context, engine } = this.#parts;
    catchUp.heard(from, told.height - 1);
    for (const message of told.proposals) if ((await this.#proposal(message)) === 'reject') return 'reject';
    for (const message of told.votes) if ((await this.#vote(message)) === 'reject') return 'reject';
    await context.inbox.post(() => engine.heardAll(from, told));
    if (introductions.heard(from)) await context.inbox.post(() => engine.speak());
    return 'accept';
  }

  #proposal(proposal: Proposal): Verdict | Promise<Verdict> {
    const { statement, block } = proposal;
    const { header, batches, evidence } = block;
    if (header.height !== statement.height || blockHash(header) !== statement.blockHash) return 'reject';
    // Validity is judged once a hash: were another content let in under it, some would never accept what others locked.
    if (header.batchesRoot !== digestsRoot(batches) || header.evidenceRoot !== evidenceRoot(evidence)) return 'reject';
    const { validators } = this.#parts.context.chain;
    if (statement.validator !== proposerIndex(statement.height, statement.round, validators.length)) return 'reject';
    // A new block is its proposer's own; of one that was proposed before, those who prevoted it saw whose it is.
    const isNew = statement.validRound === null;
    if (isNew && header.proposer !== validators[statement.validator]?.participant) return 'reject';
    return this.#hear(proposal, statement);
  }

  #vote(vote: Vote): Promise<Verdict> {
    return this.#hear(vote, vote);
  }

  async #hear(message: Proposal | Vote, statement: SignedStatement): Promise<Verdict> {
    const { context, engine, catchUp } = this.#parts;
    const { chain, verifier } = context;
    const check = statementCheck(chain.chainId, chain.validators, statement);
    if (check === null) return 'reject';
    const ahead = statement.height - chain.tip.height;
    if (ahead > 0 && !verifier.verify(check)) return 'reject';
    engine.speakers.spoke(statement.validator, statement.height);
    if (ahead <= 0) return 'ignore';
    const speaker = chain.validators[statement.validator]?.participant;
    if (speaker !== undefined && ahead > 1) catchUp.heard(speaker, statement.height - 1);
    if (ahead > 2) return 'ignore';
    await engine.hear(message);
    return 'accept';
  }

  /** Runs a handler; what does not decode is rejected, and the node's listeners learn who sent it. */
  async #judged(from: ParticipantId, handle: () => Verdict | Promise<Verdict>): Promise<Verdict> {
    let reason = 'a message with a false signature or a false hash';
    let verdict: Verdict;
    try {
      verdict = await handle();
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      verdict = 'reject';
      reason = error.message;
    }
    if (verdict === 'reject') this.#parts.context.emit({ type: 'peerRefused', peer: from, reason });
    return verdict;
  }
}
