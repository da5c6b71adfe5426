import t from 'tap';
import { maxFaulty } from '../consensus/quorum.ts';
import { DEFAULT_TIMINGS } from '../node/context.ts';
import type { NodeEvent } from '../node/events.ts';
import { KEEP_UNSYNCED } from '../storage/index.ts';
import { ACTOR_KINDS, FAULT_KINDS, FORGETTING, planOf } from './faults/plan.ts';
import { simulate } from './simulation.ts';
import { turn } from './turn.ts';
import { VirtualClock } from './world/clock.ts';
import { Machine } from './world/machine.ts';
import { GENESIS_TIME_MS, membership } from './world/members.ts';
import { VirtualNetwork } from './world/network.ts';
import { Chance } from './world/random.ts';
import { Trace } from './world/trace.ts';

/** Long enough for every fault of the plan, as their times scale with it. */
const SHORT = { stormMs: 1_200 };

t.test('the same seed gives the same trace, another seed another one', async (t) => {
  const plan = planOf(3, SHORT);
  t.ok(plan.faults.length > 0);
  const lines: string[][] = [[], []];
  const [one, two] = [
    await simulate(plan, { turn, onLine: (line) => lines[0]?.push(line) }),
    await simulate(planOf(3, SHORT), { turn, onLine: (line) => lines[1]?.push(line) }),
  ];
  t.strictSame(lines[0], lines[1]);
  t.equal(one.traceHash, two.traceHash);
  t.match(one.traceHash, /^[0-9a-f]{64}$/);
  t.not((await simulate(planOf(4, SHORT), { turn })).traceHash, one.traceHash);
});

t.test('real signatures and stubs come to the same heights', async (t) => {
  const plan = planOf(1, { stormMs: 500, participants: 4, kinds: [] });
  const stub = await simulate(plan, { turn });
  const real = await simulate(plan, { turn, signatures: 'real' });
  t.equal(real.violation, null);
  t.ok(stub.heights > 3);
  t.equal(real.heights, stub.heights);
});

t.test('whatever an abandoned node does reaches nobody', async (t) => {
  const { genesis, signer, verifier } = membership(1, 'stub');
  const clock = new VirtualClock(GENESIS_TIME_MS + 1_000);
  const events: NodeEvent[] = [];
  const [bank] = genesis.participants;
  if (bank === undefined) throw new Error('one bank');
  const machine = new Machine({
    id: bank.id,
    genesis,
    signer: signer(`validator/${bank.id}`),
    verifier,
    clock,
    wires: new VirtualNetwork(clock),
    timings: DEFAULT_TIMINGS,
    onEvent: (event) => events.push(event),
    onEnd: (error) => t.fail(String(error)),
  });
  await machine.boot();
  const abandoned = machine.node;
  const disk = machine.disk;
  machine.crash(KEEP_UNSYNCED);
  const before = disk.peek('sign-state.log');
  const count = events.length;
  for (let i = 0; i < 200; i++) {
    clock.fireNext();
    await turn();
  }
  t.equal(abandoned?.status().height, 0, 'no heartbeat block');
  t.same(disk.peek('sign-state.log'), before);
  t.equal(events.length, count);
});

t.test('the clock fires in order of time, then of scheduling, and never what was cancelled', async (t) => {
  const chance = new Chance(1, 'clock');
  const clock = new VirtualClock(0);
  const fired: [number, number][] = [];
  const cancels = Array.from({ length: 500 }, (_, order) => {
    const atMs = chance.below(50);
    return clock.schedule(atMs, () => fired.push([atMs, order]));
  });
  for (const [i, cancel] of cancels.entries()) if (i % 3 === 0) cancel();
  while (clock.fireNext());
  t.equal(fired.length, cancels.filter((_, i) => i % 3 !== 0).length);
  t.strictSame(
    fired,
    [...fired].sort(([a, i], [b, j]) => a - b || i - j),
  );
});

t.test('chance is even, and every label a stream of its own', async (t) => {
  const counts = new Array<number>(10).fill(0);
  const chance = new Chance(1, 'a');
  for (let i = 0; i < 10_000; i++) counts[chance.below(10)]! += 1;
  t.ok(
    counts.every((count) => count > 850 && count < 1_150),
    counts.join(' '),
  );
  t.not(new Chance(1, 'a').next(), new Chance(1, 'b').next());
  t.not(new Chance(1, 'a').next(), new Chance(2, 'a').next());
  t.strictSame([...chance.shuffled([1, 2, 3, 4])].sort(), [1, 2, 3, 4]);
});

t.test('a trace hash covers every byte, however they are split', async (t) => {
  const digest = (bytes: Uint8Array) => {
    const trace = new Trace();
    trace.message(() => 'm', bytes);
    return trace.digest();
  };
  const long = new Uint8Array(200_000);
  const other = long.slice();
  other[150_000] = 1;
  t.equal(digest(long), digest(long.slice()));
  t.not(digest(long), digest(other));
});

t.test('plans contain only what they may, and every kind at last', async (t) => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 300; seed++) {
    const { faults, liars } = planOf(seed);
    for (const { kind } of [...faults, ...liars]) kinds.add(kind);
  }
  t.strictSame([...kinds].sort(), [...FAULT_KINDS, ...ACTOR_KINDS].sort());
  t.strictSame(planOf(9, { kinds: [] }).faults, []);
  t.ok(planOf(9, { kinds: ['drop'] }).faults.every(({ kind }) => kind === 'drop'));
});

t.test('no more members are faulty than a network can bear', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const { participants, liars, absent, faults } = planOf(seed, { absent: true });
    const faulty = new Set([...liars.map(({ node }) => node), ...absent]);
    for (const { kind, nodes } of faults) if (FORGETTING.includes(kind)) for (const node of nodes) faulty.add(node);
    t.equal(faulty.size, maxFaulty(participants), `seed ${seed}`);
    t.strictSame(planOf(seed).absent, []);
  }
});

t.test('who is absent stays down until the others have done without, then comes level', async (t) => {
  const plan = planOf(2, { kinds: [], participants: 4, stormMs: 300, absent: true });
  const lines: string[] = [];
  const { violation } = await simulate(plan, { turn, onLine: (line) => lines.push(line) });
  t.equal(violation, null);
  const [absent] = plan.absent;
  const from = (what: string) => lines.findLastIndex((line) => line.includes(` ${what} ${absent}`));
  const decided = lines.slice(from('crash'), from('boot')).filter((line) => line.includes(' commit '));
  t.ok(decided.length > 0, 'the others decide');
  t.ok(lines.slice(from('boot')).some((line) => line.includes(` commit ${absent} `)));
});
