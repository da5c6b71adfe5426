/** A whole height through the core: who proposes, prevotes and precommits of everyone to everyone, and four decisions. */
import { type ConsensusState, type Effect, type Input, startHeight, step } from '../../../src/consensus/index.ts';
import { signed, testBlock, testConfig, testHash } from '../../../src/consensus/testing.ts';
import { assert } from '../../../src/errors.ts';
import { pure } from '../group.ts';

const NAME = 'block';

export const consensusGroup = pure('consensus', () => {
  return [4, 31].map((validators) => ({
    name: `a height of ${validators} validators, all inputs of all of them`,
    run: () => assert(decideHeight(validators) === validators, 'everyone decides'),
  }));
});

/** Nothing is lost, late or out of order, and no timer fires. @returns how many decided. */
function decideHeight(validators: number): number {
  const states: ConsensusState[] = Array.from({ length: validators }, (_, i) =>
    startHeight(testConfig(validators, i), 1),
  );
  const everyone = states.map((_, i) => i);
  const inputs: { readonly to: number; readonly input: Input }[] = everyone.map((to) => ({
    to,
    input: { type: 'start' },
  }));
  let decided = 0;
  // What is pushed meanwhile is walked through as well.
  for (const { to, input } of inputs) {
    const state = states[to];
    assert(state !== undefined, 'inputs go to validators');
    const outcome = step(state, input);
    states[to] = outcome.state;
    for (const effect of outcome.effects) {
      if (effect.type === 'commit') decided += 1;
      const said = answerTo(effect);
      if (said === null) continue;
      const heardBy = effect.type === 'sign' ? everyone : [to];
      for (const listener of heardBy) inputs.push({ to: listener, input: said });
    }
  }
  return decided;
}

function answerTo(effect: Effect): Input | null {
  switch (effect.type) {
    case 'getValue': {
      const { height, round } = effect;
      return { type: 'value', height, round, block: testBlock(height, NAME), blockHash: testHash(NAME) };
    }
    case 'validate':
      return { type: 'validity', blockHash: effect.blockHash, valid: true };
    case 'sign': {
      const said = signed(effect.statement, effect.block);
      return 'block' in said ? { type: 'proposal', proposal: said } : { type: 'vote', vote: said };
    }
    case 'scheduleTimeout':
    case 'commit':
    case 'evidence':
    case 'newRound':
      return null;
  }
}
