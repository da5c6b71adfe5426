/**
 * A mutant is the program with one mistake in it, as data: where, what stands there, what stands there instead, and which
 * simulated networks should bring it to light. Nothing on disk changes: `plant.ts` replaces the text as the module is loaded.
 */
import type { ActorKind, FaultKind, PlanOptions } from '../faults/plan.ts';

export interface Mutant {
  /** In kebab case, unique. */
  readonly name: string;
  /** What somebody got wrong, and who shipped it where that is known. */
  readonly mistake: string;
  /** Below `src/`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly scene: SceneName;
  /** Checkers any of which may fire; another one means that the list tells a wrong story. */
  readonly caughtBy: readonly string[];
}

/** What a simulated network is thrown: fewer kinds of faults find a mistake sooner than all of them. */
type Scene = PlanOptions & { readonly kinds: readonly (FaultKind | ActorKind)[] };

/** Four banks in most of them. A seed is clean in its scene without a mutant: the control runs say so each time. */
export const SCENES = {
  calm: scene([], 2_000),
  market: scene([], 8_000),
  /** One bank goes for good: its turns to propose must pass. */
  absence: scene([], 2_000, { absent: true }),
  wires: scene(['drop', 'delay', 'duplicate', 'replay', 'clogLink', 'oneWay'], 4_000),
  partitions: scene(['partition', 'silentPartition', 'swizzle', 'drop', 'delay', 'clogNode'], 6_000),
  splitVotes: scene(['splitVotes'], 9_000),
  blackouts: scene(['splitVotes', 'crashAll'], 8_000),
  /** One bank does not come back: what it alone heard is lost, and the other three need each other's votes. */
  lossyBlackouts: scene(['splitVotes', 'crashAll'], 8_000, { absent: true }),
  /** Banks that have forgotten in a crash what is final hear old batches again. */
  replays: scene(['replay', 'crashAll'], 6_000),
  powerCuts: scene(['crashAll', 'slowDisk'], 6_000),
  crashes: scene(['crash', 'crashAtEffect', 'crashAll', 'slowDisk', 'drop'], 6_000),
  /** Between any two things that a bank does to its disk: records are torn. */
  crashesAtEffects: scene(['crashAtEffect'], 6_000),
  forgetting: scene(['wipe', 'restoreBackup', 'bitFlip', 'logCut', 'crash'], 6_000),
  equivocator: scene(['equivocator', 'drop', 'delay', 'silentPartition'], 4_000),
  nineBanks: { ...scene(['equivocator'], 4_000), participants: 9 },
  pretender: scene(['pretender', 'splitVotes'], 9_000),
  badProposer: scene(['badProposer', 'drop', 'delay'], 4_000),
  forger: scene(['forger', 'drop'], 3_000),
  liar: scene(['liar', 'crash'], 6_000),
  /** Never without a liar, and more who are behind ask it. */
  cutOffWithLiar: { ...scene(['liar', 'crash', 'clogNode'], 6_000), minLiars: 1 },
  withholder: scene(['withholder', 'pause', 'silentPartition', 'delay'], 6_000),
  smuggler: scene(['smuggler', 'clockJump', 'duplicate'], 3_000),
} as const satisfies Readonly<Record<string, Scene>>;

export type SceneName = keyof typeof SCENES;

function scene(kinds: Scene['kinds'], stormMs: number, { absent = false } = {}): Scene {
  return { kinds, participants: 4, stormMs, absent };
}
