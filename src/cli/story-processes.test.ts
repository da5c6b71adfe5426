/** The suite of every engine on real processes; then how they are started, watched and ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import tap, { type Test } from 'tap';
import { engineCases } from '../scenario/engine.suite.ts';
import type { Engine, JournalEntry } from '../scenario/engine.ts';
import { ACLB, ENGINE_SPEC, level, NBC, WING } from '../scenario/engine-asks.suite.ts';
import { storyKeys } from '../scenario/keys.ts';
import { processEngine } from '../scenario/net/engine.ts';
import type { ProcessNetwork } from '../scenario/net/process-network.ts';
import type { NetworkSpec } from '../scenario/story.ts';
import { readLocalNetwork } from './local-network.ts';
import { isAlive, plainEnv, until } from './processes.suite.ts';
import { type StoryProcessesOptions, storyProcesses } from './story-processes.ts';
import { systemClock, systemRandom } from './system.ts';

tap.setTimeout(240_000);

const PROGRAM = fileURLToPath(new URL('./story-interrupt.suite.ts', import.meta.url));

/** A network of which the test has both ends: as the engine knows it, and in the folder. */
async function world(t: Test, withLinks: boolean, more: Partial<StoryProcessesOptions> = {}, spec = ENGINE_SPEC) {
  const folder = path.join(t.testdir(), 'net');
  const options = { folder, clock: systemClock, random: systemRandom, env: plainEnv, ...more };
  let network: ProcessNetwork | null = null;
  const start = async (...args: Parameters<ReturnType<typeof storyProcesses>>) => {
    network = await storyProcesses(options)(...args);
    return network;
  };
  const signal = more.signal === undefined ? {} : { signal: more.signal };
  const engine = await processEngine({ start, clock: systemClock, withLinks, ...signal }).make(spec);
  // Each test closes it; this is for those that fail before.
  t.teardown(() => engine.close());
  const pids = async () => (await readLocalNetwork(folder)).nodes.map(({ pid }) => pid ?? 0);
  return { engine, folder, pids, network: network as unknown as ProcessNetwork };
}

tap.test('what every engine does', async (t) => {
  const { engine } = await world(t, true);
  for (const { name, run } of engineCases) {
    await t.test(name, (t) => engine.drive(run(engine, t)));
    await engine.drive(mend(engine));
  }
  t.match(await engine.close(), { traceHash: null });
});

/** As the next case is promised it: up, joined and level. */
async function mend(engine: Engine): Promise<void> {
  await engine.faults.heal();
  for (const { id } of ENGINE_SPEC.members) if (!engine.faults.isRunning(id)) await engine.faults.restart(id);
  await level(engine);
}

tap.test('a bank that ends by itself ends the story, and is in the journal', async (t) => {
  const { engine, pids } = await world(t, false);
  const heard: JournalEntry[] = [];
  engine.listen((entry) => heard.push(entry));
  const [, victim = 0] = await pids();
  const never = new Promise<never>(() => undefined);
  const failed = t.rejects(engine.drive(never), { code: 'BANK_ENDED', message: /^aclb ended by itself: .*SIGABRT/ });
  process.kill(victim, 'SIGABRT');
  await failed;
  await engine.close();
  t.match(
    heard.filter(({ type }) => type === 'ended'),
    [{ bank: 'aclb', why: /SIGABRT/ }],
  );
});

tap.test('nothing is left behind: paused or not, closed or called off', async (t) => {
  const off = new AbortController();
  const { engine, pids } = await world(t, false, { signal: off.signal });
  const all = await pids();
  await engine.faults.pause(WING);
  t.strictSame(all.map(isAlive), [true, true, true, true]);
  const called = t.rejects(engine.drive(engine.sleep(1e12).then(() => engine.bank(WING).head())), {
    message: 'enough',
  });
  off.abort(new Error('enough'));
  await called;
  await engine.close();
  t.strictSame(all.filter(isAlive), []);
  await engine.close();
});

/** The program of the suite, ready, and its banks' processes. */
async function program(t: Test, ...more: readonly string[]) {
  const folder = path.join(t.testdir(), 'net');
  const child = spawn(process.execPath, [PROGRAM, folder, ...more], {
    env: plainEnv,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await Promise.race([once(child.stdout, 'data'), ended]);
  const pids = (await readLocalNetwork(folder)).nodes.map(({ pid }) => pid ?? 0);
  t.teardown(() => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });
  t.strictSame(pids.map(isAlive), [true, true, true, true]);
  return { child, ended, pids };
}

tap.test('who interrupts the program leaves no bank behind, not even a paused one', async (t) => {
  const { child, ended, pids } = await program(t);
  child.kill('SIGINT');
  t.equal(await ended, 0);
  t.strictSame(pids.filter(isAlive), []);
});

tap.test('when the program is killed its banks end by themselves', async (t) => {
  const { child, ended, pids } = await program(t, 'awake');
  child.kill('SIGKILL');
  await ended;
  await until('all banks are gone', () => !pids.some(isAlive));
});

tap.test('a start that is called off leaves no process and no folder', async (t) => {
  const temporary = ownTemporaryFolder(t);
  const options = { folder: null, clock: systemClock, random: systemRandom, env: plainEnv };
  const start = storyProcesses({ ...options, signal: AbortSignal.abort(new Error('enough')) });
  await t.rejects(start(ENGINE_SPEC, { withLinks: true }), { message: 'enough' });
  t.strictSame(readdirSync(temporary), []);
});

tap.test('a folder that nobody named is gone with the story; one that was named stays', async (t) => {
  const small: NetworkSpec = { ...ENGINE_SPEC, members: ENGINE_SPEC.members.filter(({ id }) => id === NBC) };
  const temporary = ownTemporaryFolder(t);
  const { engine } = await world(t, false, { folder: null }, small);
  t.match(readdirSync(temporary), [/^tonle-story-/]);
  await engine.close();
  t.strictSame(readdirSync(temporary), []);
  const kept = await world(t, false, {}, small);
  await kept.engine.close();
  t.ok(existsSync(path.join(kept.folder, 'homes', 'nbc', 'node.log')));
});

tap.test('keys and aliases are those of the seed, whatever the engine; the chain is a new one', async (t) => {
  const { engine } = await world(t, false);
  const { signer } = storyKeys(ENGINE_SPEC);
  t.strictSame(
    engine.genesis.participants.map(({ operatorKey, validatorKey, networkKey }) => [
      operatorKey,
      validatorKey,
      networkKey,
    ]),
    ENGINE_SPEC.members.map(({ id }) =>
      ['operator', 'validator', 'network'].map((kind) => signer(`${kind}/${id}`).publicKey),
    ),
  );
  t.same(engine.genesis.tiers, ENGINE_SPEC.tiers);
  t.same(engine.genesis.currencies, ENGINE_SPEC.currencies);
  await t.rejects(engine.faults.partition([[NBC], [ACLB]]), { code: 'ENGINE_CANNOT' });
  await t.rejects(engine.faults.byzantine(WING, 'equivocator'), { code: 'ENGINE_CANNOT' });
  await engine.close();
});

tap.test('a network that real nodes do not make is refused before anything starts', async (t) => {
  const start = () => Promise.reject(new Error('it was started'));
  const { make } = processEngine({ start, clock: systemClock, withLinks: false });
  await t.rejects(make({ ...ENGINE_SPEC, signatures: 'stub' }), { code: 'ENGINE_CANNOT', message: /stubs/ });
  await t.rejects(make({ ...ENGINE_SPEC, blockIntervalMs: 1_000 }), { code: 'ENGINE_CANNOT', message: /distance/ });
});

/** Where the system's temporary files go until the test is over. */
function ownTemporaryFolder(t: Test): string {
  const { TMPDIR } = process.env;
  const folder = mkdtempSync(path.join(tmpdir(), 'tonle-test-'));
  process.env['TMPDIR'] = folder;
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
    rmSync(folder, { recursive: true });
  });
  return folder;
}
