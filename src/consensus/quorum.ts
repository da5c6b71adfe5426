/**
 * The numbers of the paper's model: n validators of equal power, of which at most f are faulty, and whose turn it is.
 * The paper writes 2f+1 for n = 3f+1; `quorum` is the same number there, and the right one for every other n.
 */

/** Most faulty validators that n can bear: the largest f with n >= 3f+1. */
export function maxFaulty(validators: number): number {
  return Math.floor((validators - 1) / 3);
}

/**
 * Validators that make a quorum (the paper's 2f+1): more than two thirds of n, which equals n - f. Any two quorums share
 * at least f+1 validators, so at least one that is honest; and the honest ones alone are a quorum.
 */
export function quorum(validators: number): number {
  return Math.floor((2 * validators) / 3) + 1;
}

/** Index of the validator that proposes (the paper's proposer(h, r)): everyone in turn, whatever the height starts with. */
export function proposerIndex(height: number, round: number, validators: number): number {
  return (height + round) % validators;
}
