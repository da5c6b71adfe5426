/**
 * What this validator says: signed for its own core at once, and sent to everybody once it is on the disk. In between the core may
 * come to say more, a prevote after its own proposal, a precommit after the prevote that made a quorum: one sync keeps all of
 * that, and it leaves together.
 */
import { proposal as proposalSchema } from '../codec/messages.ts';
import { encode } from '../codec/schema.ts';
import type { LockRecord } from '../codec/sign-memory.ts';
import { vote as voteSchema } from '../codec/vote.ts';
import type { SignEffect } from '../consensus/index.ts';
import type { Proposal, Vote } from '../types/index.ts';
import type { Context } from './context.ts';
import type { SignGuard } from './sign-guard.ts';

export interface VoiceParts {
  readonly context: Context;
  readonly guard: SignGuard;
  /** Whether enough peers have told what they know of this height for the key to say anything. */
  readonly maySpeak: () => boolean;
  /** Height that others have decided for certain: nobody's vote is needed up to there. */
  readonly decidedElsewhere: () => number;
}

export class Voice {
  readonly #parts: VoiceParts;
  /** What the core wants said in this height and has to wait until the key may speak. */
  #unsaid: SignEffect[] = [];
  /** What the key has signed and nobody may hear before it is on the disk. */
  #unsent: (Proposal | Vote)[] = [];

  constructor(parts: VoiceParts) {
    this.#parts = parts;
  }

  /** @returns what to tell the core, or null where the key says nothing, or not yet. */
  sign(effect: SignEffect, lock: LockRecord | null): Proposal | Vote | null {
    const { guard, context, maySpeak, decidedElsewhere } = this.#parts;
    if (!maySpeak()) {
      this.#unsaid.push(effect);
      return null;
    }
    const { statement, block } = effect;
    // Nobody waits for a vote there, and it may be a second one.
    if (statement.height <= decidedElsewhere()) return null;
    const signed = guard.sign(statement, lock);
    if (signed === null) {
      context.emit({ type: 'signatureRefused', height: statement.height, round: statement.round });
      return null;
    }
    const said = block === null ? (signed as Vote) : { statement: signed as Proposal['statement'], block };
    this.#unsent.push(said);
    return said;
  }

  /** Everybody hears what was signed, once it is on the disk. For the end of a turn, and before anything that takes its time. */
  async send(): Promise<void> {
    if (this.#unsent.length === 0) return;
    const { guard, context } = this.#parts;
    const messages = this.#unsent;
    this.#unsent = [];
    await guard.keep();
    for (const message of messages) {
      if ('block' in message) context.network.publish('proposals', encode(proposalSchema, message));
      else {
        context.network.publish('votes', encode(voteSchema, message));
        const { step, height, round, blockHash } = message;
        context.emit({ type: 'voted', step, height, round, blockHash });
      }
    }
  }

  /** What could not be said yet; from now on it is the caller's. */
  takeUnsaid(): SignEffect[] {
    const unsaid = this.#unsaid;
    this.#unsaid = [];
    return unsaid;
  }
}
