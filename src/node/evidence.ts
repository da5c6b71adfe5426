/**
 * Proofs of equivocation on their way to the chain. Whoever hears both statements tells the others, who check the proof, keep it
 * and put it in their own next block; so it gets there with the next honest proposer, whoever that is, and survives its finder.
 *
 * Gossip may lose it, and a node that is behind cannot use it yet. So whatever is still here when a proposer has had it and made
 * a block without it is told again, after each block, by everybody who has it.
 *
 * What is kept is bounded by validator: a liar can sign proofs against itself for as many places as it likes, and takes the room
 * of nobody else's. Old proofs count as much as new ones: nothing expires, and the state knows what is on the chain.
 */
import { type EvidenceMessage, evidenceMessage } from '../codec/messages.ts';
import { encode } from '../codec/schema.ts';
import { isEvidenceValid } from '../crypto/certificate.ts';
import { assert } from '../errors.ts';
import { evidenceKey } from '../ledger/keys.ts';
import type { Verdict } from '../ports.ts';
import type { Block, Evidence, StateKey } from '../types/index.ts';
import type { Context } from './context.ts';

/**
 * Heights at which one validator may stand accused here at once: more than pass before the chain has the first of them. With
 * 31 validators that is a quarter of a megabyte. A validator that is proved a liar so often is let off the rest.
 */
const MAX_HELD_OF_VALIDATOR = 16;
/** How far above the tip a proof may be, as for votes: at the present height, or the next one, where its finder may be by now. */
const MAX_AHEAD = 2;

interface Held {
  readonly evidence: Evidence;
  /** Height of the chain when it came. */
  readonly since: number;
}

export class EvidencePool {
  readonly #context: Context;
  readonly #onNews: () => Promise<void>;
  readonly #held = new Map<StateKey, Held>();

  /** @param onNews runs in the inbox after a peer's proof was kept. */
  constructor(context: Context, onNews: () => Promise<void>) {
    this.#context = context;
    this.#onNews = onNews;
  }

  get size(): number {
    return this.#held.size;
  }

  /** What a block of this height may hold: first one proof against each, then a second, for it may not have room for all. */
  upTo(height: number): Evidence[] {
    const due = [...this.#held.values()].map(({ evidence }) => evidence).filter(({ first }) => first.height <= height);
    const byValidator = Map.groupBy(due, ({ first }) => first.validator);
    const turns = Array.from({ length: MAX_HELD_OF_VALIDATOR }, (_, turn) => turn);
    return turns.flatMap((turn) => [...byValidator.values()].flatMap((proofs) => proofs[turn] ?? []));
  }

  /** In the inbox: this node has heard both statements itself. */
  found(evidence: Evidence): void {
    if (!this.#hasRoomFor(evidence)) return;
    this.#keep(evidence);
    this.#tell(evidence);
  }

  /** What a peer passes on. */
  async hear({ evidence }: EvidenceMessage): Promise<Verdict> {
    const { chain, inbox } = this.#context;
    const { validator, height } = evidence.first;
    if (validator >= chain.validators.length) return 'reject';
    if (height > chain.tip.height + MAX_AHEAD) return 'ignore';
    return (await inbox.post(() => this.#judge(evidence))) ?? 'ignore';
  }

  /** In the inbox: a block has become part of the chain. */
  committed({ header, evidence }: Block): void {
    for (const each of evidence) this.#held.delete(evidenceKey(each));
    for (const { evidence: missing, since } of this.#held.values()) if (header.height > since + 1) this.#tell(missing);
  }

  /** What is of no use is not verified; what is of use and false, no honest peer passes on. */
  async #judge(evidence: Evidence): Promise<Verdict> {
    const { chain, verifier } = this.#context;
    if (!this.#hasRoomFor(evidence)) return 'ignore';
    const [onChain] = await chain.store.get([evidenceKey(evidence)]);
    if (onChain !== null) return 'ignore';
    if (!isEvidenceValid(chain.chainId, chain.validators, evidence, verifier)) return 'reject';
    this.#keep(evidence);
    await this.#onNews();
    return 'accept';
  }

  #hasRoomFor(evidence: Evidence): boolean {
    if (this.#held.has(evidenceKey(evidence))) return false;
    const { validator } = evidence.first;
    const taken = [...this.#held.values()].filter(({ evidence: { first } }) => first.validator === validator).length;
    return taken < MAX_HELD_OF_VALIDATOR;
  }

  #keep(evidence: Evidence): void {
    const { chain, emit } = this.#context;
    const participant = chain.validators[evidence.first.validator]?.participant;
    assert(participant !== undefined, 'evidence names a validator');
    this.#held.set(evidenceKey(evidence), { evidence, since: chain.tip.height });
    emit({ type: 'evidence', evidence, participant });
  }

  #tell(evidence: Evidence): void {
    const { chain, network } = this.#context;
    network.publish('evidence', encode(evidenceMessage, { height: chain.tip.height, evidence }));
  }
}
