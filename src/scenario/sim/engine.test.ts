/** The suite of every engine, on the simulated one; then what only virtual time can do. */
import t from 'tap';
import { settlementAccount } from '../../codec/text.ts';
import { ACTOR_KINDS } from '../../simulator/faults/plan.ts';
import { turn } from '../../simulator/turn.ts';
import type { AccountId, CurrencyCode, ParticipantId } from '../../types/index.ts';
import { engineCases } from '../engine.suite.ts';
import type { Engine, JournalEntry } from '../engine.ts';
import { ENGINE_SPEC, final, issue, level, open, pay } from '../engine-asks.suite.ts';
import type { NetworkSpec } from '../story.ts';
import { simulatedEngine } from './engine.ts';
import { LIAR_NAMES } from './liars.ts';

const { make } = simulatedEngine(turn);

for (const { name, run } of engineCases) {
  t.test(name, async (t) => {
    const engine = await make(ENGINE_SPEC);
    await engine.drive(run(engine, t));
    t.match((await engine.close()).traceHash, /^[0-9a-f]{64}$/);
  });
}

const [NBC, ACLB, CNB, WING] = ENGINE_SPEC.members.map(({ id }) => id) as [
  ParticipantId,
  ParticipantId,
  ParticipantId,
  ParticipantId,
];
const STUBBED: NetworkSpec = { ...ENGINE_SPEC, signatures: 'stub' };
const DAY_MS = 86_400_000;

t.test('the same story and seed give the same trace, another seed another one', async (t) => {
  const one = await traceOf(STUBBED);
  t.equal(await traceOf(STUBBED), one);
  t.not(await traceOf({ ...STUBBED, seed: 2 }), one);
});

t.test('keys, and so the chain, come from the seed', async (t) => {
  const [one, same, other] = await Promise.all([STUBBED, STUBBED, { ...STUBBED, seed: 2 }].map(make));
  t.strictSame(one?.genesis, same?.genesis);
  t.notSame(one?.genesis.participants, other?.genesis.participants);
  t.not(one?.aliasKey('+85512000001'), other?.aliasKey('+85512000001'));
});

t.test('quiet time is leapt over, and every clock shows it', async (t) => {
  const engine = await make(STUBBED);
  const heard = listen(engine);
  await engine.drive(
    (async () => {
      await final(engine, NBC, issue(engine, ACLB, 1n));
      await level(engine);
      heard.length = 0;
      const startMs = engine.networkNow();
      await engine.sleep(30 * DAY_MS);
      t.equal(engine.networkNow(), startMs + 30 * DAY_MS);
      t.strictSame(heard, [], 'nothing happens in a month of quiet');
      await final(engine, WING, issue(engine, ACLB, 1n));
      const [block] = heard.filter((entry) => entry.type === 'committed');
      t.ok((block?.timeMs ?? 0) >= startMs + 30 * DAY_MS, 'blocks are of the new day');
      await level(engine);
    })(),
  );
});

t.test('time is lived through while somebody waits for an answer, or the banks are not level', async (t) => {
  const engine = await make(STUBBED);
  const heard = listen(engine);
  await engine.drive(
    (async () => {
      for (let i = 0; i < 5; i++) await final(engine, NBC, issue(engine, ACLB, 1n));
      await engine.faults.wipe(WING);
      await engine.faults.restart(WING);
      await engine.sleep(DAY_MS);
      t.equal((await engine.bank(WING).head()).height, 5, 'it caught up before the leap');
      await engine.faults.partition([
        [NBC, ACLB],
        [CNB, WING],
      ]);
      heard.length = 0;
      const startMs = engine.now();
      const waiting = engine.bank(NBC).submit(issue(engine, ACLB, 1n), 60_000);
      await engine.sleep(DAY_MS);
      t.strictSame(await waiting, { kind: 'pending' });
      t.ok(
        heard.some((entry) => entry.type === 'voted' && entry.bank === NBC),
        'its half tried',
      );
      t.equal(engine.now(), startMs + DAY_MS, 'then a network that cannot agree is leapt over too');
    })(),
  );
});

t.test('blocks keep the distance that the story asks for', async (t) => {
  const engine = await make({ ...STUBBED, blockIntervalMs: 1_000 });
  const heard = listen(engine);
  const startMs = engine.now();
  await engine.drive(Promise.all(Array.from({ length: 40 }, (_, i) => later(engine, i * 100))));
  const [first, ...others] = new Set(heard.flatMap((entry) => (entry.type === 'committed' ? [entry.timeMs] : [])));
  t.ok(others.length >= 3 && others.length <= 5, `${others.length + 1} blocks in ${engine.now() - startMs} ms`);
  t.ok(others.every((timeMs, i) => timeMs - ([first, ...others][i] ?? 0) >= 1_000));
});

t.test('nothing moves while nobody waits', async (t) => {
  const engine = await make(STUBBED);
  const startMs = engine.now();
  await engine.drive(
    (async () => {
      for (let i = 0; i < 1_000; i++) await Promise.resolve();
      await engine.bank(NBC).head();
    })(),
  );
  t.equal(engine.now(), startMs);
});

t.test('what a story throws comes out of the drive', async (t) => {
  const engine = await make(STUBBED);
  const failing = engine.sleep(10).then(() => {
    throw new Error('as the story says');
  });
  await t.rejects(engine.drive(failing), { message: 'as the story says' });
});

t.test('who crashes, ends and starts is in the journal', async (t) => {
  const engine = await make(STUBBED);
  const heard = listen(engine);
  await engine.drive(
    (async () => {
      await engine.faults.crash(WING);
      await engine.faults.crash(WING);
      await engine.faults.restart(WING);
    })(),
  );
  const lives = heard.filter(({ type }) => type === 'started' || type === 'ended');
  t.match(lives, [
    { type: 'ended', bank: 'wing', why: 'the power failed' },
    { type: 'started', bank: 'wing', why: 'it is started anew' },
  ]);
});

t.test('a bank that votes twice is named on the chain, and nobody else', async (t) => {
  const engine = await make(STUBBED);
  const heard = listen(engine);
  await engine.drive(
    (async () => {
      await engine.faults.byzantine(WING, 'equivocator');
      const accused = () => heard.flatMap((entry) => (entry.type === 'committed' ? entry.evidence : []));
      for (let i = 0; i < 200 && accused().length === 0; i++) await final(engine, NBC, issue(engine, ACLB, 1n));
      t.ok(accused().length > 0);
      t.ok(accused().every((bank) => bank === WING));
      await level(engine, [NBC, ACLB, CNB]);
    })(),
  );
});

t.test('with any one liar the others go on, with one state', async (t) => {
  t.strictSame([...LIAR_NAMES].sort(), ACTOR_KINDS.filter((kind) => kind !== 'twin' && kind !== 'smuggler').sort());
  for (const name of LIAR_NAMES) {
    const engine = await make(STUBBED);
    await engine.drive(
      (async () => {
        await engine.faults.byzantine(WING, name);
        await open(engine, 'dara@aclb' as AccountId, 1_000n);
        for (let i = 0; i < 10; i++) {
          await final(engine, ACLB, pay(engine, 'dara@aclb' as AccountId, settlementAccount(CNB), 1n));
        }
        const heads = await level(engine, [NBC, ACLB, CNB]);
        t.equal(new Set(heads.map(({ stateRoot }) => stateRoot)).size, 1, name);
      })(),
    );
  }
});

t.test('a liar nobody knows is an error that names those there are', async (t) => {
  const engine = await make(STUBBED);
  await t.rejects(engine.faults.byzantine(WING, 'saint'), { code: 'LIAR_UNKNOWN', message: /equivocator, garbage/ });
});

t.test('a currency list in any order makes the genesis that a node takes', async (t) => {
  const [riel] = ENGINE_SPEC.currencies;
  const usd = { ...riel!, code: 'USD' as CurrencyCode, exponent: 2 };
  const engine = await make({ ...STUBBED, currencies: [usd, riel!] });
  t.strictSame(
    engine.genesis.currencies.map(({ code }) => code),
    ['KHR', 'USD'],
  );
});

/** A little of everything. */
async function traceOf(spec: NetworkSpec): Promise<string | null> {
  const engine = await make(spec);
  const dara = 'dara@aclb' as AccountId;
  await engine.drive(
    (async () => {
      await open(engine, dara, 1_000n);
      await engine.faults.crash(WING);
      await Promise.all(
        [1n, 2n, 3n].map((minor) => final(engine, ACLB, pay(engine, dara, settlementAccount(CNB), minor))),
      );
      await engine.faults.restart(WING);
      await engine.sleep(DAY_MS);
      await level(engine);
    })(),
  );
  return (await engine.close()).traceHash;
}

async function later(engine: Engine, ms: number): Promise<void> {
  await engine.sleep(ms);
  await final(engine, NBC, issue(engine, ACLB, 1n));
}

function listen(engine: Engine): JournalEntry[] {
  const heard: JournalEntry[] = [];
  engine.listen((entry) => heard.push(entry));
  return heard;
}
