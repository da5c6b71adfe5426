/** What the batch protocol asks of the host it lives in. */
import type { Verdict } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';

export interface BatchEvents {
  onBatch(from: ParticipantId, bytes: Uint8Array): Promise<Verdict>;
  /** No honest peer sends this. */
  onNonsense(peer: ParticipantId, reason: string): void;
}
