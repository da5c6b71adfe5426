/** Proofs of equivocation out of a liar's hands: true ones against itself, at as many places as it likes, and false ones. */
import { MAX_ROUND, MAX_SAFE, MAX_VALIDATORS } from '../codec/limits.ts';
import { evidenceMessage } from '../codec/messages.ts';
import { encode } from '../codec/schema.ts';
import type { Chance } from '../simulator/world/random.ts';
import type { BlockHash, ChainId, Evidence, Statement } from '../types/index.ts';
import type { Forge } from './hostile-forge.ts';

const [ONE, OTHER] = ['11'.repeat(32), '22'.repeat(32)] as [BlockHash, BlockHash];

/** Good in every way: whoever hears it has to pass it on. */
export function ownProof(forge: Forge, chance: Chance) {
  const height = 1 + chance.below(forge.height);
  const statement = forge.statement(chance.pick(['prevote', 'precommit'] as const), height, chance.below(MAX_ROUND));
  return attack(`against itself at ${height}`, proof(forge, statement), false);
}

/** One with something wrong, or a true one that is of no use. */
export function proofAttack(forge: Forge, chance: Chance) {
  if (chance.happens(0.2)) return ownProof(forge, chance);
  const { height } = forge;
  const own = forge.statement('precommit', height, 0);
  const framing = forge.framing(height);
  const right = proof(forge, own);
  // Of nobody but itself is anything known: proofs against another one are all looked at.
  const against = (validator: number) => proof(forge, { ...own, validator });
  const cases: readonly (readonly [what: string, evidence: Evidence, mustBan: boolean])[] = [
    ['against somebody honest', framing, true],
    ['one half of it true', { ...framing, second: { ...right.second, validator: 0 } }, true],
    ['against nobody', against(forge.index + 1), true],
    ['against an index of no set', against(MAX_VALIDATORS), true],
    ['of another chain', proof(forge, { ...own, validator: 0 }, 'cd'.repeat(32) as ChainId), true],
    ['the same value twice', { ...right, second: right.first }, true],
    ['the larger value first', { first: right.second, second: right.first }, true],
    ['of two rounds', { ...right, second: forge.signed({ ...right.second, round: 1 }) }, true],
    ['of two heights', { ...right, second: forge.signed({ ...right.second, height: height + 1 }) }, true],
    ['of two validators', { ...right, second: { ...right.second, validator: 0 } }, true],
    ['of a height to come', proof(forge, { ...own, height: MAX_SAFE }), false],
    ['of a height to come, against somebody honest', forge.framing(height + 50), false],
  ];
  return attack(...chance.pick(cases));
}

function proof(forge: Forge, statement: Statement, chainId?: ChainId): Evidence {
  return {
    first: forge.signed({ ...statement, blockHash: ONE }, chainId),
    second: forge.signed({ ...statement, blockHash: OTHER }, chainId),
  };
}

function attack(what: string, evidence: Evidence, mustBan: boolean) {
  return { kind: 'evidence', what, bytes: encode(evidenceMessage, { height: 1, evidence }), mustBan } as const;
}
