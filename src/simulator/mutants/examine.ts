/**
 * Tries mutants, each in a process of its own, and says of each how it ended. A failure that the same seed shows without the
 * mutant, too, catches nothing; so every seed that caught one is run again as a control.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Mutant, SceneName } from './mutant.ts';
import type { Fall, Trial, Verdict } from './trial.ts';

export interface Examined {
  readonly mutant: Mutant;
  /** What caught it, or null for a survivor. */
  readonly fall: Fall | null;
  /** Why it counts as a survivor, where that is not plain. */
  readonly note: string;
  readonly cpuSeconds: number;
  /** Of so many seeds, where that was asked for. */
  readonly caught: number | null;
}

export interface ExamineOptions {
  readonly jobs: number;
  /** Tried in this order until one catches the mutant or its time is over. */
  readonly seeds?: readonly number[];
  /** The seed to try first for a mutant, by its name: the one that caught it last time. */
  readonly first?: ReadonlyMap<string, number>;
  /** Further seeds, of which every one is run. */
  readonly sample?: readonly number[];
  readonly onResult?: (examined: Examined) => void;
}

export interface Examination {
  readonly results: readonly Examined[];
  /** CPU seconds of each control: `scene/seed`. */
  readonly controls: ReadonlyMap<string, number>;
}

const SEEDS = Array.from({ length: 60 }, (_, i) => 1 + i);
/** Longer than the CPU time that a trial gives itself: only a mutant that never comes back gets here. */
const MAX_WALL_MS = 240_000;
const TRIAL = fileURLToPath(new URL('./trial.ts', import.meta.url));

/** @returns in the order of the list. */
export async function examine(mutants: readonly Mutant[], options: ExamineOptions): Promise<Examination> {
  const controls = new Map<string, Promise<Verdict>>();
  const control = (scene: SceneName, seed: number): Promise<Verdict> => {
    const key = `${scene}/${seed}`;
    const running = controls.get(key) ?? tried({ mutant: null, scene, seeds: [seed], all: true });
    controls.set(key, running);
    return running;
  };
  const results = new Map<Mutant, Examined>();
  const queue = [...mutants];
  const work = async () => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const examined = await examineOne(mutant, options, control);
      results.set(mutant, examined);
      options.onResult?.(examined);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  const times = await Promise.all(
    [...controls].map(async ([key, verdict]) => [key, (await verdict).cpuSeconds] as const),
  );
  return { results: mutants.flatMap((mutant) => results.get(mutant) ?? []), controls: new Map(times) };
}

async function examineOne(
  mutant: Mutant,
  { first, seeds: all = SEEDS, sample = [] }: ExamineOptions,
  control: (scene: SceneName, seed: number) => Promise<Verdict>,
): Promise<Examined> {
  const { scene, name } = mutant;
  const tip = first?.get(name);
  const seeds = tip === undefined ? all : [tip, ...all.filter((seed) => seed !== tip)];
  const { falls, applied, cpuSeconds } = await tried({ mutant, scene, seeds, all: false });
  const [fall] = falls;
  const survived = (note: string): Examined => ({ mutant, fall: null, note, cpuSeconds, caught: null });
  if (!applied) return survived('its module is never loaded');
  if (fall === undefined) return survived('');
  if (!mutant.caughtBy.includes(fall.checker))
    return survived(`seed ${fall.seed} fails by another checker, ${fall.checker}: ${fall.what}`);
  const [same] = (await control(scene, fall.seed)).falls;
  if (same !== undefined) return survived(`seed ${fall.seed} fails without it, too: ${same.checker}: ${same.what}`);
  const sampled = sample.length === 0 ? null : await tried({ mutant, scene, seeds: sample, all: true });
  return { mutant, fall, note: '', cpuSeconds: fall.cpuSeconds, caught: sampled?.falls.length ?? null };
}

async function tried(trial: Trial): Promise<Verdict> {
  const { stdout } = await promisify(execFile)(process.execPath, [TRIAL, JSON.stringify(trial)], {
    timeout: MAX_WALL_MS,
  });
  return JSON.parse(stdout) as Verdict;
}
