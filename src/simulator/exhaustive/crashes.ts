/**
 * Every point at which a node can crash, one after the other: a calm run of so many heights is repeated, and each time one
 * machine goes down before another one of its effects on disk, state database or network (so also after the one before it),
 * loses what a crash may lose there, comes back, and has to go on as all the checkers of a simulation demand. The run is the
 * same up to that point, because everything follows from the seed.
 */
import { KEEP_UNSYNCED, LOSE_UNSYNCED, type Survival } from '../../storage/index.ts';
import { keepSectors } from '../../storage/memory-disk.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { Violation } from '../checks/violation.ts';
import { planOf } from '../faults/plan.ts';
import { type Outcome, simulate } from '../simulation.ts';
import type { Alter } from '../world/machine.ts';
import type { CrashPoint } from '../world/probe.ts';

/** What the work on points of either kind needs to know. */
export interface PointsOptions {
  readonly seed: number;
  readonly heights: number;
  /** Leaves out all points but every `of`th from `part` on, for several processes to share the work. */
  readonly share: { readonly part: number; readonly of: number };
  readonly turn: () => Promise<void>;
  readonly onProgress: (done: number, all: number, failed: number) => void;
}

export interface CrashPointsOptions extends PointsOptions {
  /** Every point with every survival, instead of the next one in turn at each point. */
  readonly isEverySurvival: boolean;
  /** Planted into every node, to see that it would show. */
  readonly defect?: Alter;
}

export interface CrashPointsReport {
  readonly heights: number;
  /** Effects of the machine in the calm run: all the points there are. */
  readonly points: number;
  /** Crashes that were tried, by what the machine was about to do. */
  readonly tried: ReadonlyMap<string, number>;
  readonly failures: readonly { readonly point: number; readonly what: string; readonly violation: Violation }[];
}

/** What a crash leaves: of the files, and of the state database, which may lose its newest blocks. */
const SURVIVALS: readonly Pick<CrashPoint, 'survival' | 'lostBlocks'>[] = [
  { survival: LOSE_UNSYNCED, lostBlocks: 0 },
  { survival: KEEP_UNSYNCED, lostBlocks: 1 },
  { survival: keepSectors((sector) => sector % 2 === 0), lostBlocks: 0 },
  { survival: newNamesOnly(), lostBlocks: 3 },
];
const VICTIM = 'bank2' as ParticipantId;
/** The run goes on for so many heights after the crash, so that whatever it broke shows. */
const HEIGHTS_AFTER = 3;
/** The heights end the run, not this. */
const MAX_STORM_MS = 3_600_000;

/** Crashes at every point. @returns what was tried, and where something did not hold. */
export async function crashAtEveryPoint(options: CrashPointsOptions): Promise<CrashPointsReport> {
  const { heights, share } = options;
  const effects: string[] = [];
  const calm = await run(options, null, (what) => effects.push(what), heights);
  if (calm.violation !== null) throw new Error(`the calm run fails: ${calm.violation.checker}: ${calm.violation.what}`);
  const crashes = effects.flatMap((what, i) => {
    const survivals = options.isEverySurvival ? SURVIVALS : SURVIVALS.slice(i % SURVIVALS.length).slice(0, 1);
    return survivals.map((left) => ({ what, point: { node: VICTIM, effect: i + 1, ...left } }));
  });
  const mine = crashes.filter((_, i) => i % share.of === share.part);
  const tried = new Map<string, number>();
  const failures: { point: number; what: string; violation: Violation }[] = [];
  for (const [done, { what, point }] of mine.entries()) {
    const { violation } = await run(options, point, () => undefined, heights);
    tried.set(what, (tried.get(what) ?? 0) + 1);
    if (violation !== null) failures.push({ point: point.effect, what, violation });
    options.onProgress(done + 1, mine.length, failures.length);
  }
  return { heights: calm.heights, points: effects.length, tried, failures };
}

/** One run, with one crash or none. @param onEffect hears the effects up to the last height. */
function run(
  { seed, turn, defect }: CrashPointsOptions,
  crash: CrashPoint | null,
  onEffect: (what: string) => void,
  heights: number,
): Promise<Outcome> {
  let effects = 0;
  let isOver = false;
  let crashedAt: number | null = null;
  const probe = {
    crash,
    onEffect(node: ParticipantId, what: string) {
      if (node !== VICTIM || isOver) return;
      effects += 1;
      onEffect(what);
    },
    isOver(height: number) {
      if (crash !== null && effects >= crash.effect) crashedAt ??= height;
      isOver = height >= Math.min(heights, (crashedAt ?? heights) + HEIGHTS_AFTER);
      return isOver;
    },
  };
  return simulate(planOf(seed, { kinds: [], participants: 4, stormMs: MAX_STORM_MS }), {
    turn,
    probe,
    ...(defect === undefined ? {} : { defect }),
  });
}

/** Names are as new as can be, contents as old: a file that was made and never synced is there, and empty. */
function newNamesOnly(): Survival {
  return { content: LOSE_UNSYNCED.content, names: KEEP_UNSYNCED.names };
}
