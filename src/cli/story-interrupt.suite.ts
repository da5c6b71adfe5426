/** A program that has a story's banks run, one of them paused, until somebody asks it to end: for tests of how it does. */
import { ENGINE_SPEC, WING } from '../scenario/engine-asks.suite.ts';
import { processEngine } from '../scenario/net/engine.ts';
import { storyProcesses } from './story-processes.ts';
import { systemClock as clock, systemRandom as random } from './system.ts';

const [folder = null] = process.argv.slice(2);
const off = new AbortController();
process.on('SIGINT', () => off.abort(new Error('interrupted')));
const { signal } = off;
const start = storyProcesses({ folder, clock, random, env: process.env, signal });
const engine = await processEngine({ start, clock, withLinks: true, signal }).make(ENGINE_SPEC);
try {
  if (!process.argv.includes('awake')) await engine.faults.pause(WING);
  process.stdout.write('{"ready":true}\n');
  await engine.drive(new Promise<never>(() => undefined));
} catch (error) {
  process.stdout.write(`${String(error)}\n`);
} finally {
  await engine.close();
}
