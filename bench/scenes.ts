/**
 * The matrix: scenes, each a network of its own, and the rows that are measured in it one after the other. What a scene takes
 * from others is the rate at which four banks saturate, so it is the first one.
 */
import path from 'node:path';
import { measureChecks } from './limit/limit.ts';
import { useOf } from './network/uses.ts';
import type { Limit, Row, Run } from './report.ts';
import { type Found, findSaturation, type SearchOptions } from './saturation.ts';
import { type Load, Stage } from './stage.ts';

interface SceneContext {
  readonly seed: number;
  /** Of all scenes; each has one of its own in it. */
  readonly folder: string;
  readonly isQuick: boolean;
  readonly limit: Limit;
  /** Final a second where four banks saturate; null before that was measured. */
  readonly saturationPerS: number | null;
  readonly onProgress: (what: string, share: number, words: string) => void;
}

export interface Scene {
  readonly name: string;
  /** What `--row` takes, and what the report calls them. */
  readonly rows: readonly string[];
  /** Whether it fits the quick run, belongs to the full one, or is only played when it is asked for. */
  readonly when: 'quick' | 'full' | 'asked';
  readonly play: (context: SceneContext) => Promise<Row[]>;
}

interface StageNeeds {
  readonly scene: string;
  readonly validators: number;
  readonly accounts: number;
}

const FEW_ACCOUNTS = 1_000;
/** Half a second of nothing, and a payment. */
const IDLE_PER_S = 2;
const PACED_PER_S = 1_000;

export const SCENES: readonly Scene[] = [
  {
    name: 'four banks',
    rows: ['saturation-4', 'half-4', 'paced-1000', 'idle', 'hot-merchants', 'killed-4', 'dead-4', 'dead-4-half'],
    when: 'quick',
    play: fourBanks,
  },
  // Between two measurements of a thousand, which they are compared with: a shared machine is another one half an hour later.
  accountsScene(1_000_000, 'full'),
  { name: 'four banks again', rows: ['saturation-4-again'], when: 'full', play: fourBanksAgain },
  accountsScene(100_000, 'full'),
  // They take minutes before the first load, and 7 GB on the disk.
  accountsScene(5_000_000, 'asked'),
  { name: 'ten minutes', rows: ['soak'], when: 'full', play: soak },
  { name: 'seven banks', rows: ['saturation-7', 'dead-7'], when: 'full', play: (context) => manyBanks(context, 7, 2) },
  {
    name: 'eleven banks',
    rows: ['saturation-11', 'dead-11'],
    when: 'full',
    play: (context) => manyBanks(context, 11, 3),
  },
];

async function fourBanks(context: SceneContext): Promise<Row[]> {
  const { isQuick } = context;
  return await onStage(context, { scene: 'four', validators: 4, accounts: FEW_ACCOUNTS }, async (stage, rowOf) => {
    const saturated = await saturation(context, stage, rowOf, {
      name: 'saturation-4',
      title: 'Four banks at saturation',
    });
    const perS = saturated.chosen === null ? 500 : (saturated.runs[saturated.chosen]?.finalPerS ?? 500);
    const timed = (load: Partial<Load>): Load => ({
      perS,
      warmUpS: isQuick ? 2 : 5,
      measuredS: isQuick ? 7 : 14,
      ...load,
    });
    const half = await one(stage, rowOf, 'half-4', 'Half of saturation', timed({ perS: perS / 2 }));
    const paced = await one(
      stage,
      rowOf,
      'paced-1000',
      'Paced at 1,000 payments a second',
      timed({ perS: PACED_PER_S, arrivals: 'constant' }),
    );
    const idle = await one(
      stage,
      rowOf,
      'idle',
      'One payment on an idle network',
      timed({ perS: IDLE_PER_S, warmUpS: 1, measuredS: isQuick ? 6 : 14, arrivals: 'constant' }),
    );
    const more = isQuick
      ? []
      : [
          await one(
            stage,
            rowOf,
            'hot-merchants',
            'Hot merchants: payees by Zipf',
            timed({ perS: perS * 0.8, distribution: 'zipf' }),
          ),
        ];
    if (!isQuick) more.push(await killed(stage, rowOf, perS / 2));
    await stage.bury(1);
    const dead = await one(stage, rowOf, 'dead-4', 'One of four banks dead', timed({ perS: perS * 0.95 }));
    const deadHalf = await one(
      stage,
      rowOf,
      'dead-4-half',
      'One of four dead, half of the saturation of all',
      timed({ perS: perS / 2 }),
    );
    return [saturated, half, paced, idle, ...more, dead, deadHalf];
  });
}

async function manyBanks(context: SceneContext, validators: number, faulty: number): Promise<Row[]> {
  const needs = { scene: `banks-${validators}`, validators, accounts: FEW_ACCOUNTS };
  return await onStage(context, needs, async (stage, rowOf) => {
    const all = await saturation(context, stage, rowOf, {
      name: `saturation-${validators}`,
      title: `${validators} banks at saturation`,
    });
    const perS = (all.chosen === null ? null : all.runs[all.chosen]?.finalPerS) ?? 200;
    await stage.bury(faulty);
    const load = { perS: perS * 0.95, warmUpS: 5, measuredS: 15 };
    return [all, await one(stage, rowOf, `dead-${validators}`, `${faulty} of ${validators} banks dead`, load)];
  });
}

async function fourBanksAgain(context: SceneContext): Promise<Row[]> {
  return await onStage(
    context,
    { scene: 'four-again', validators: 4, accounts: FEW_ACCOUNTS },
    async (stage, rowOf) => {
      const title = 'Four banks at saturation, after a million accounts';
      return [await saturation(context, stage, rowOf, { name: 'saturation-4-again', title })];
    },
  );
}

function accountsScene(accounts: number, when: Scene['when']): Scene {
  const name = `accounts-${accounts}`;
  return { name, rows: [name], when, play: (context) => manyAccounts(context, name, accounts) };
}

async function manyAccounts(context: SceneContext, name: string, accounts: number): Promise<Row[]> {
  return await onStage(context, { scene: name, validators: 4, accounts }, async (stage, rowOf) => {
    const title = `${accounts.toLocaleString('en')} accounts`;
    const row = await saturation(context, stage, rowOf, { name, title });
    const { furnishedS, startedS, provedS } = stage;
    return [{ ...row, measures: { ...row.measures, furnishedS, startedS, provedS } }];
  });
}

const SOAK_S = 600;

/** Ten minutes just below saturation: does memory stay flat, and how fast is a node back with all that history? */
async function soak(context: SceneContext): Promise<Row[]> {
  return await onStage(context, { scene: 'soak', validators: 4, accounts: FEW_ACCOUNTS }, async (stage, rowOf) => {
    const perS = (context.saturationPerS ?? guess(context, 4)) * 0.9;
    const megabytes: number[] = [];
    const run = await stage.load({ perS, warmUpS: 5, measuredS: SOAK_S }, (second) => {
      if (second % 30 === 0) void memoryOf(stage).then((bytes) => megabytes.push(bytes));
    });
    await stage.network.level();
    const [, victim] = stage.network.nodes();
    if (victim === undefined) throw new Error('a network of four has a second bank');
    await stage.network.kill(victim.participant);
    const readyMs = await stage.network.restart(victim.participant);
    const measures = {
      readyMs,
      payments: run.final,
      rssAfterOneMinuteBytes: megabytes[2] ?? 0,
      rssAtEndBytes: megabytes.at(-1) ?? 0,
    };
    const title = 'Ten minutes at nine tenths of saturation';
    return [rowOf({ kind: 'soak', name: 'soak', title, runs: [run], chosen: chosenOf(run), measures })];
  });
}

/** Seconds of the measured time. */
const KILLED_AT_S = 5;
const RESTARTED_AT_S = 12;

/** Kills a bank in the middle of the load and brings it back. All banks propose in turn, some thirty times a second. */
async function killed(stage: Stage, rowOf: RowOf, perS: number): Promise<Row> {
  const victim = stage.network.nodes().at(-1);
  if (victim === undefined) throw new Error('a network has banks');
  let readyMs = 0;
  const failures: unknown[] = [];
  const load = { perS, warmUpS: 5, measuredS: 25 };
  const run = await stage.load(load, (second, reopen) => {
    if (second === KILLED_AT_S) stage.network.kill(victim.participant).catch((error: unknown) => failures.push(error));
    if (second !== RESTARTED_AT_S) return;
    stage.network.restart(victim.participant).then(
      (ms) => {
        readyMs = ms;
        reopen(victim.participant);
      },
      (error: unknown) => failures.push(error),
    );
  });
  if (failures.length > 0) throw failures[0];
  const events = [
    { second: KILLED_AT_S, what: `${victim.participant} killed` },
    { second: RESTARTED_AT_S, what: `${victim.participant} started` },
  ].map(({ second, what }) => ({ second: second + load.warmUpS, what }));
  return rowOf({
    kind: 'kill',
    name: 'killed-4',
    title: 'A bank killed under load, and back seven seconds later',
    runs: [{ ...run, events }],
    chosen: chosenOf(run),
    measures: { longestGapMs: run.longestGapMs, readyMs },
  });
}

// ---------------------------------------------------------------- what scenes are made of

/** What a scene has to say of a row; the rest is that of its stage. */
type Told = Pick<Row, 'kind' | 'name' | 'title' | 'runs' | 'chosen'> & {
  readonly load?: Partial<Load>;
  readonly verificationsPerS?: readonly number[];
  readonly measures?: Row['measures'];
  readonly notes?: Row['notes'];
};
type RowOf = (told: Told) => Row;

/** Of all banks together: 1,200 payments a second of four, less than half of what they carry, and 436 of eleven, which carry 400 to 800. */
const WARM_UP_VALIDATIONS_PER_S = 4_800;

async function onStage(
  context: SceneContext,
  { scene, validators, accounts }: StageNeeds,
  play: (stage: Stage, rowOf: RowOf) => Promise<Row[]>,
): Promise<Row[]> {
  const { seed, folder, onProgress } = context;
  const stage = await Stage.open({
    folder: path.join(folder, scene),
    seed,
    validators,
    accounts,
    onProgress: (share, words) => onProgress(scene, share, words),
  });
  try {
    // What V8 has not compiled yet is slow: a network that has just been started is no measure of one that runs.
    const perS = Math.round(WARM_UP_VALIDATIONS_PER_S / validators);
    await stage.load({ perS, warmUpS: 1, measuredS: context.isQuick ? 15 : 36 });
    const rows = await play(stage, ({ load = {}, measures = {}, notes = [], ...told }) => {
      return { ...told, setup: stage.setup(load), measures, notes };
    });
    return await stage.verified(rows);
  } finally {
    await stage.close();
  }
}

async function one(stage: Stage, rowOf: RowOf, name: string, title: string, load: Load): Promise<Row> {
  const run = await stage.load(load);
  return rowOf({ kind: 'paced', name, title, load, runs: [run], chosen: chosenOf(run) });
}

async function saturation(
  context: SceneContext,
  stage: Stage,
  rowOf: RowOf,
  { name, title }: { readonly name: string; readonly title: string },
): Promise<Row> {
  const { isQuick, saturationPerS } = context;
  const kind = 'saturation';
  const { validators } = stage.setup();
  const startPerS = (saturationPerS === null ? guess(context, 4) : saturationPerS * START_SHARE) * (4 / validators);
  const search = { startPerS, ramp: 1.4, warmUpS: 4, maxRuns: mostRuns(context) };
  if (isQuick) {
    const found = await heldAgainstChecks(stage, { ...search, measuredS: 6, within: 1.12 });
    return rowOf({ kind, name, title, ...found });
  }
  const found = await findSaturation(stage, { ...search, measuredS: 7, within: 1.2 });
  const carried = found.chosen === null ? undefined : found.runs[found.chosen];
  if (carried === undefined) return rowOf({ kind, name, title, ...found });
  const longer = await heldAgainstChecks(stage, { ...LONGER, startPerS: carried.offeredPerS });
  const chosen = longer.chosen === null ? null : found.runs.length + longer.chosen;
  const notes = chosen === null ? ['no longer run carried what the search had found'] : [];
  const { verificationsPerS } = longer;
  return rowOf({ kind, name, title, verificationsPerS, notes, runs: [...found.runs, ...longer.runs], chosen });
}

const CHECKS_S = 1;

/** A second of the limit before each run and after the last. The banks are idle meanwhile, which takes 2 % of two cores. */
async function heldAgainstChecks(
  stage: Stage,
  options: SearchOptions,
): Promise<Found & Required<Pick<Told, 'verificationsPerS'>>> {
  const verificationsPerS: number[] = [];
  const sample = async () => verificationsPerS.push(await measureChecks(CHECKS_S));
  const load: Stage['load'] = async (plan) => {
    await sample();
    return await stage.load(plan);
  };
  const found = await findSaturation({ load }, options);
  await sample();
  return { ...found, verificationsPerS };
}

/**
 * A search has short runs, of which one that passes by luck is the figure, and one that fails by chance keeps all later ones below it. So
 * the figure is of a second search, of longer runs, that begins at what the first has found.
 */
const LONGER: Omit<SearchOptions, 'startPerS'> = { ramp: 1.12, warmUpS: 4, measuredS: 12, within: 1.07, maxRuns: 5 };

/** Five searches of a full run begin near what they look for, and there are forty minutes for all of it. */
function mostRuns({ isQuick, saturationPerS }: SceneContext): number {
  if (isQuick) return 4;
  return saturationPerS === null ? 6 : 5;
}

/** Of what four banks with few accounts carry, where a search of others begins: one that begins with too much measures its own backlog. */
const START_SHARE = 0.7;

/** Where a search begins that knows nothing of this machine but its limit. */
function guess({ limit }: SceneContext, validators: number): number {
  return (limit.verificationsPerS / validators) * 0.22;
}

/** A run without problems counts. */
function chosenOf(run: Run): number | null {
  return run.problems.length === 0 ? 0 : null;
}

async function memoryOf(stage: Stage): Promise<number> {
  const uses = await Promise.all(stage.network.alive().map(({ pid }) => (pid === null ? null : useOf(pid))));
  return Math.max(...uses.map((use) => use?.rssBytes ?? 0));
}
