/** How crash points are found and tried, one machine and one effect at a time. */
import type { Survival } from '../../storage/index.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { Machine } from './machine.ts';

/** Looks at single effects of the nodes, and cuts one run short at one of them; see `exhaustive/`. */
export interface Probe {
  /** A node is about to do something to its disk or the network. */
  readonly onEffect: (node: ParticipantId, what: string) => void;
  /** Ends the storm when it says so; asked after each event. @param height the highest that is committed. */
  readonly isOver: (height: number) => boolean;
  readonly crash: CrashPoint | null;
  /** Sees the machines when the storm has ended. */
  readonly onOver?: (machine: (id: ParticipantId) => Machine) => void;
}

/** One machine crashes before its nth effect since the start of the run. */
export interface CrashPoint {
  readonly node: ParticipantId;
  readonly effect: number;
  readonly survival: Survival;
  /** Newest blocks that its state database loses. */
  readonly lostBlocks: number;
}
