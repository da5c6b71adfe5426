/**
 * What honest validators may vote, judged from outside by all the votes that went over the wires. The paper's proof stands on
 * two rules that every validator keeps for itself, so breaking one need not show as a fork for years; here it shows at once.
 *
 * | name | holds |
 * |---|---|
 * | polka | who precommits a block could know of prevotes of more than two thirds for it in that round (line 36) |
 * | lock | who precommitted a block prevotes another only upon a polka for that of the lock's round or a later one (lines 23, 29) |
 *
 * A vote counts when anyone sent it, wherever it arrived, and a validator's own counts unseen: that is more than it can know,
 * so nobody is accused wrongly.
 */
import type { BlockHash, SignedStatement } from '../../types/index.ts';

interface Precommit {
  readonly round: number;
  readonly blockHash: BlockHash;
}

export interface BrokenRule {
  readonly checker: 'polka' | 'lock';
  readonly what: string;
}

export class Locks {
  readonly #validators: number;
  /** Who prevoted: `height/round/hash`. */
  readonly #prevoted = new Map<string, Set<number>>();
  /** Latest precommit for a block: `height/validator`. */
  readonly #locks = new Map<string, Precommit>();

  constructor(validators: number) {
    this.#validators = validators;
  }

  /** Somebody's own vote, sent for the first time or again. @param isBound whether it is honest and remembers all it said. */
  note({ step, height, round, blockHash, validator }: SignedStatement, isBound: boolean): BrokenRule | null {
    if (blockHash === null || step === 'propose') return null;
    if (step === 'prevote') {
      const problem = isBound ? this.#prevoteProblem(height, round, blockHash, validator) : null;
      const place = `${height}/${round}/${blockHash}`;
      const voters = this.#prevoted.get(place) ?? new Set();
      this.#prevoted.set(place, voters.add(validator));
      return problem;
    }
    if (!isBound) return null;
    const place = `${height}/${validator}`;
    const lock = this.#locks.get(place);
    if (lock === undefined || lock.round < round) this.#locks.set(place, { round, blockHash });
    if (this.#isPolka(height, round, blockHash, validator)) return null;
    return { checker: 'polka', what: `${validator} precommits ${blockHash} at ${height}/${round} without a polka` };
  }

  #prevoteProblem(height: number, round: number, blockHash: BlockHash, validator: number): BrokenRule | null {
    const lock = this.#locks.get(`${height}/${validator}`);
    if (lock === undefined || lock.round >= round || lock.blockHash === blockHash) return null;
    for (let at = lock.round; at < round; at++) if (this.#isPolka(height, at, blockHash, validator)) return null;
    const held = `although locked on ${lock.blockHash} since round ${lock.round}`;
    return { checker: 'lock', what: `${validator} prevotes ${blockHash} at ${height}/${round} ${held}` };
  }

  #isPolka(height: number, round: number, blockHash: BlockHash, self: number): boolean {
    const voters = this.#prevoted.get(`${height}/${round}/${blockHash}`);
    const count = (voters?.size ?? 0) + (voters?.has(self) === true ? 0 : 1);
    return 3 * count > 2 * this.#validators;
  }
}
