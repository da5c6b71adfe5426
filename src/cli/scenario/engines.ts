/** Where a story can be played, and whether it can be played there. */
import type { EngineMaker } from '../../scenario/engine.ts';
import { type Played, type PlayOptions, play } from '../../scenario/play/player.ts';
import { simulatedEngine } from '../../scenario/sim/engine.ts';
import type { Story } from '../../scenario/story.ts';
import { turn } from '../../simulator/turn.ts';
import { systemClock } from '../system.ts';
import { ownVersion } from '../version.ts';
import type { EngineName } from './engine-names.ts';

/** @throws CodedError where the engine cannot play it, or a network cannot be made. */
export async function playStory(
  name: EngineName,
  story: Story,
  options: Omit<PlayOptions, 'versions' | 'realNow'> = {},
): Promise<Played> {
  const versions = { tonle: await ownVersion(), node: process.version };
  const engine = await engineMaker(name).make(story.network);
  try {
    return await play(story, engine, { ...options, versions, realNow: () => systemClock.now() });
  } catch (error) {
    // What the story did not end, nobody else will.
    await engine.close();
    throw error;
  }
}

function engineMaker(name: EngineName): EngineMaker {
  switch (name) {
    case 'sim':
      return simulatedEngine(turn);
  }
}
