/** What gossip asks of the host it lives in. */
import type { Connection } from '@libp2p/interface';
import type { Topic, Verdict } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';

export interface GossipEvents {
  onMessage(topic: Topic, from: ParticipantId, bytes: Uint8Array): Promise<Verdict>;
  /** Whether messages can flow both ways on this connection. */
  onReady(peer: ParticipantId, connection: Connection, ready: boolean): void;
  /** The gossip of this connection is beyond repair; a new connection gets it going again. */
  onBroken(peer: ParticipantId, connection: Connection, reason: string): void;
  /** No honest peer sends this. */
  onNonsense(peer: ParticipantId, reason: string): void;
}
