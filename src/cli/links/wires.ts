/** What lies between the banks, and how somebody gets at it: each fault of a network is one of these few moves. */
import type { ParticipantId } from '../../types/index.ts';

/** Moves on the links between banks. A `link` is both directions between two; everything else is one direction. */
export interface Wires {
  /** Open connections are reset, new ones refused. */
  cut(a: ParticipantId, b: ParticipantId): void;
  /** What `from` sends does not arrive, and nobody is told. */
  clog(from: ParticipantId, to: ParticipantId): void;
  /** What `from` sends is so long under way. */
  slow(from: ParticipantId, to: ParticipantId, delayMs: number): void;
  /** Connections of the moment are reset. */
  drop(a: ParticipantId, b: ParticipantId): void;
  /** Ends whatever lies on the link. */
  mend(a: ParticipantId, b: ParticipantId): void;
  close(): Promise<void>;
}
