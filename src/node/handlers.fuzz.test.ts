/**
 * Every message handler of live nodes against one member in a fuzzer's hands: no handler throws, honest nodes go on and agree
 * and are never banned, what no honest peer sends gets its sender banned, nobody honest is accused, and what is kept stays small.
 */
import t from 'tap';
import { fuzzRuns } from '../testing/fuzz.ts';
import type { Attack } from '../testing/hostile-peer.ts';
import { agreement, broken, pay, scene } from '../testing/hostile-scene.ts';
import type { ParticipantId } from '../types/index.ts';

t.test('messages: no throw, no fork, and whoever sends what no honest peer sends is banned', async (t) => {
  const all = await scene();
  const { cluster, peer, honest } = all;
  const { numRuns, seed } = fuzzRuns(900);
  const unpunished = new Set<string>();
  const unjust = new Set<string>();
  let banned = 0;
  for (let i = 0; i < numRuns; i++) {
    const attack = peer.attack(seed * 1_000_003 + i);
    const target = honest[i % honest.length] as ParticipantId;
    const before = cluster.wires.bans.length;
    peer.send(target, attack);
    await cluster.pass(4);
    const bans = cluster.wires.bans.slice(before);
    if (bans.length > 0) banned += 1;
    const problem = broken(all);
    if (problem !== null) {
      t.fail(`seed ${seed}, attack ${i}: ${described(attack)}: ${problem}`);
      break;
    }
    if (attack.mustBan === true && bans.length === 0) unpunished.add(`${attack.kind}: ${attack.what}`);
    if (attack.mustBan === false && bans.length > 0) unjust.add(`${attack.kind}: ${attack.what}: ${bans[0]?.reason}`);
    cluster.wires.heal('ban');
    if (i % 50 === 49) await pay(all);
  }
  await pay(all);
  t.strictSame([...unpunished], [], 'every false message had its sender banned');
  t.strictSame([...unjust], [], 'nobody was banned for what an honest peer may send');
  t.ok(banned > numRuns / 5, `${banned} of ${numRuns} led to a ban`);
  t.ok(await agreement(all), 'the honest nodes agree');
  t.equal(broken(all), null);
});

function described({ kind, what, bytes }: Attack): string {
  return `${kind} (${what}) ${Buffer.from(bytes.subarray(0, 600)).toString('hex')}`;
}
