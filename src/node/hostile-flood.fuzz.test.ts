/** Ten thousand messages of good form from one member: what the others keep stays within its bounds, and they go on. */
import t from 'tap';
import { fuzzRuns } from '../testing/fuzz.ts';
import { agreement, broken, pay, scene } from '../testing/hostile-scene.ts';
import type { ParticipantId } from '../types/index.ts';

t.test('a flood of well-formed messages: what is kept stays small, and the others are not slowed down', async (t) => {
  const all = await scene();
  const { cluster, peer, honest } = all;
  const { numRuns, seed } = fuzzRuns(10_000);
  for (let i = 0; i < numRuns; i++) {
    peer.send(honest[i % honest.length] as ParticipantId, peer.flood(seed + i));
    if (i % 500 === 499) {
      await cluster.pass(4);
      const problem = broken(all);
      if (problem !== null) t.fail(`after ${i + 1} messages: ${problem}`);
    }
  }
  for (const id of honest) {
    const { held } = cluster.get(id).node;
    t.ok(held.early <= 64, `${id} keeps ${held.early} messages of one validator for the next height`);
    t.ok(held.evidence <= 16, `${id} keeps ${held.evidence} proofs against one validator`);
    t.ok(cluster.get(id).node.status().pool.batches <= 1);
  }
  await pay(all);
  t.ok(await agreement(all), 'the honest nodes agree');
  t.equal(broken(all), null);
  t.strictSame(cluster.wires.bans, [], 'nobody is banned for a flood; the network port bounds its rate');
});
