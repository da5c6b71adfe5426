/** What makes a story fail, whatever it expects. */
import t from 'tap';
import { turn } from '../../simulator/turn.ts';
import type { BlockHash, ParticipantId } from '../../types/index.ts';
import type { JournalEntry } from '../engine.ts';
import { ENGINE_SPEC } from '../engine-asks.suite.ts';
import { storyKeys } from '../keys.ts';
import { Agreement } from './agreement.ts';
import { World } from './world.ts';

const [NBC, WING] = ['nbc', 'wing'] as unknown as [ParticipantId, ParticipantId];

t.test('two banks with different blocks at a height', async (t) => {
  const agreement = new Agreement();
  const [one, other] = ['11', '22'] as unknown as [BlockHash, BlockHash];
  t.equal(agreement.problemOf(NBC, 1, one), null);
  t.equal(agreement.problemOf(WING, 1, one), null);
  t.equal(agreement.problemOf(NBC, 2, one), null);
  t.match(agreement.problemOf(WING, 2, other), {
    name: 'AssertionError',
    message: 'wing has block 22 at height 2, and nbc has 11',
  });
});

t.test('a bank that ends by itself', async (t) => {
  const { world, heard } = await started();
  world.member(WING).machine.failDisk(1, 'EIO', 0);
  await t.rejects(world.time.drive(heartbeats(world)), { code: 'BANK_ENDED', message: /^wing ended by itself: .*EIO/ });
  t.match(heard.at(-1), { type: 'ended', bank: 'wing', why: /EIO/ });
});

t.test('but not one that the story has broken', async (t) => {
  const { world, heard } = await started();
  world.member(WING).isExcused = true;
  world.member(WING).machine.failDisk(1, 'EIO', 0);
  await world.time.drive(heartbeats(world));
  t.equal(world.member(WING).machine.isUp, false);
  t.equal(heard.filter(({ type }) => type === 'ended').length, 1);
});

t.test('what a handler of an honest bank throws', async (t) => {
  const { world } = await started();
  world.wires.wiretap.failed(WING, new Error('a mistake'));
  await t.rejects(world.time.drive(heartbeats(world)), { message: 'a mistake' });
});

async function started(): Promise<{ readonly world: World; readonly heard: JournalEntry[] }> {
  const spec = { ...ENGINE_SPEC, signatures: 'stub' } as const;
  const world = new World(spec, storyKeys(spec), turn);
  const heard: JournalEntry[] = [];
  world.listen((entry) => heard.push(entry));
  for (const id of world.members.keys()) await world.boot(id, 'the test begins');
  return { world, heard };
}

/** Time enough for the banks to make blocks by themselves, each second of it lived through. */
async function heartbeats(world: World): Promise<void> {
  for (let i = 0; i < 90; i++) await world.time.sleep(1_000);
}
