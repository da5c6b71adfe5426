/** Answers of a hostile member to what honest nodes ask: the laws of `handlers.fuzz.test.ts`. */
import t from 'tap';
import { Chance } from '../simulator/world/random.ts';
import { fuzzRuns } from '../testing/fuzz.ts';
import type { Attack } from '../testing/hostile-peer.ts';
import { agreement, broken, pay, scene } from '../testing/hostile-scene.ts';
import type { ParticipantId } from '../types/index.ts';

t.test('answers: whoever answers falsely is banned, and the others get on without it', async (t) => {
  const all = await scene();
  const { cluster, peer, honest } = all;
  const { numRuns, seed } = fuzzRuns(120);
  const unpunished = new Set<string>();
  for (let i = 0; i < numRuns; i++) {
    const chance = new Chance(seed + i, 'answers');
    peer.answerWith((question) => peer.answer(question, chance));
    peer.answered.length = 0;
    const before = cluster.wires.bans.length;
    const target = honest[i % honest.length] as ParticipantId;
    const lure: Attack = peer.lure(chance);
    peer.send(target, lure);
    await cluster.pass(250);
    const problem = broken(all);
    const said = peer.answered.map(({ question, answer }) => `${question}: ${answer.what}`).join('; ');
    if (problem !== null) {
      t.fail(`seed ${seed}, answer ${i}: ${said}: ${problem}`);
      break;
    }
    const bans = cluster.wires.bans.slice(before);
    for (const { question, from, answer } of peer.answered) {
      const isBanned = bans.some(({ by }) => by === from);
      if (answer.mustBan === true && !isBanned) unpunished.add(`${question}: ${answer.what}`);
    }
    cluster.wires.heal('ban');
    if (i % 50 === 49) await pay(all);
  }
  peer.answerWith(null);
  await pay(all);
  t.strictSame([...unpunished], [], 'every false answer had its sender banned');
  t.ok(await agreement(all), 'the honest nodes agree');
  t.equal(broken(all), null);
});
