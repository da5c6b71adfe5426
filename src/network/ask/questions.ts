/** The question protocols of one host: its own questions to peers, and theirs to it, each counted by peer and kind. */
import type { Connection, StreamHandler } from '@libp2p/interface';
import { assert } from '../../errors.ts';
import type { Clock, Logger, Question } from '../../ports.ts';
import type { ChainId, ParticipantId } from '../../types/index.ts';
import { NetworkError } from '../errors.ts';
import type { Members } from '../members.ts';
import { PeerBuckets } from '../token-bucket.ts';
import { answerOn } from './answerer.ts';
import { askOver } from './asker.ts';
import { ANSWER_BURST_BYTES, ANSWER_BYTES_PER_SECOND, MAX_OPEN_QUESTIONS, questionProtocol } from './constants.ts';
import type { AskEvents } from './interface.ts';

export interface QuestionComponents {
  readonly chainId: ChainId;
  readonly members: Members;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: AskEvents;
}

export class Questions {
  readonly #components: QuestionComponents;
  readonly #buckets: PeerBuckets;
  readonly #asking = new Counts();
  readonly #answering = new Counts();

  constructor(components: QuestionComponents) {
    this.#components = components;
    this.#buckets = new PeerBuckets(components.clock, ANSWER_BYTES_PER_SECOND, ANSWER_BURST_BYTES);
  }

  /** @throws NetworkError as the port says. */
  async ask(
    peer: ParticipantId,
    connection: Connection,
    question: Question,
    bytes: Uint8Array,
  ): Promise<readonly Uint8Array[]> {
    const { chainId, clock, events } = this.#components;
    const release = this.#asking.take(`${question} ${peer}`);
    if (!release) throw new NetworkError('PEER_BUSY', `${MAX_OPEN_QUESTIONS} questions to ${peer} are open already`);
    try {
      return await askOver(connection, questionProtocol(chainId, question), bytes, clock);
    } catch (error) {
      if (error instanceof NetworkError && error.code === 'PEER_NONSENSE') events.onNonsense(peer, error.message);
      throw error;
    } finally {
      release();
    }
  }

  /** Takes the streams that peers open for `question`. */
  handler(question: Question): StreamHandler {
    const { members, clock, log, events } = this.#components;
    return async (stream, connection) => {
      const from = members.participantOf(connection.remotePeer);
      assert(from !== undefined, 'only members have a connection');
      const release = this.#answering.take(`${question} ${from}`);
      if (!release) {
        stream.abort(new NetworkError('PEER_BUSY', 'too many open questions'));
        return;
      }
      await answerOn({ question, from, stream, bucket: this.#buckets.of(from), clock, log, events });
      release();
    };
  }
}

/** How many questions are open, by name. A question whose stream died counts until the node has answered it. */
class Counts {
  readonly #open = new Map<string, number>();

  /** @returns what gives the place back, or null where none is free. */
  take(name: string): (() => void) | null {
    const open = this.#open.get(name) ?? 0;
    if (open >= MAX_OPEN_QUESTIONS) return null;
    this.#open.set(name, open + 1);
    return () => {
      this.#open.set(name, (this.#open.get(name) ?? 1) - 1);
    };
  }
}
