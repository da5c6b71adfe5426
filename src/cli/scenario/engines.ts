/** Where a story can be played, and whether it can be played there. */
import type { EngineMaker } from '../../scenario/engine.ts';
import { altersLinks, assertCan } from '../../scenario/needs.ts';
import { processEngine } from '../../scenario/net/engine.ts';
import { type Played, type PlayOptions, play } from '../../scenario/play/player.ts';
import { simulatedEngine } from '../../scenario/sim/engine.ts';
import type { Story } from '../../scenario/story.ts';
import { turn } from '../../simulator/turn.ts';
import { storyProcesses } from '../story-processes.ts';
import { systemClock as clock, systemRandom as random } from '../system.ts';
import { ownVersion } from '../version.ts';
import type { EngineName } from './engine-names.ts';

export interface Playing extends Omit<PlayOptions, 'versions' | 'realNow'> {
  /** Ends real processes where the story stands. */
  readonly atOnce?: AbortSignal;
}

/** @throws CodedError `ENGINE_CANNOT`, or where a network cannot be made. */
export async function playStory(name: EngineName, story: Story, playing: Playing = {}): Promise<Played> {
  const { atOnce, ...options } = playing;
  const maker = engineMaker(name, story, atOnce);
  assertCan(maker, story);
  const versions = { tonle: await ownVersion(), node: process.version };
  const engine = await maker.make(story.network);
  try {
    return await play(story, engine, { ...options, versions, realNow: () => clock.now() });
  } catch (error) {
    // What the story did not end, nobody else will.
    await engine.close();
    throw error;
  }
}

function engineMaker(name: EngineName, { steps }: Story, atOnce?: AbortSignal): EngineMaker {
  const signal = atOnce === undefined ? {} : { signal: atOnce };
  switch (name) {
    case 'sim':
      return simulatedEngine(turn);
    case 'net': {
      const start = storyProcesses({ folder: null, clock, random, env: process.env, ...signal });
      return processEngine({ start, clock, withLinks: altersLinks(steps), ...signal });
    }
  }
}
