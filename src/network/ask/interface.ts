/** What the question protocols ask of the host they live in. */
import type { Question } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';

export interface AskEvents {
  /** Null says that no honest peer asks this. */
  onQuestion(question: Question, from: ParticipantId, bytes: Uint8Array): Promise<readonly Uint8Array[] | null>;
  /** No honest peer sends this. */
  onNonsense(peer: ParticipantId, reason: string): void;
}
