/** Asks one question and collects its answer, within limits of time, frames and bytes. */
import type { Connection, Stream, StreamCloseEvent } from '@libp2p/interface';
import { assert } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import { NetworkError, reasonOf } from '../errors.ts';
import { encodeFrame, FrameDecoder } from '../frames.ts';
import {
  ANSWER_STALL_MS,
  ANSWER_TIMEOUT_MS,
  MAX_ANSWER_BYTES,
  MAX_ANSWER_FRAMES,
  MAX_QUESTION_BYTES,
} from './constants.ts';

/** @throws NetworkError as the port says. */
export async function askOver(
  connection: Connection,
  protocol: string,
  bytes: Uint8Array,
  clock: Clock,
): Promise<readonly Uint8Array[]> {
  assert(bytes.length <= MAX_QUESTION_BYTES, 'a question is within its limit');
  const stream = await openStream(connection, protocol);
  try {
    return await new Promise<readonly Uint8Array[]>((resolve, reject) => {
      const answer = new Answer({ stream, connection, clock, resolve, reject });
      answer.start(bytes);
    });
  } catch (error) {
    const known = error instanceof NetworkError ? error : new NetworkError('PEER_GONE', reasonOf(error));
    stream.abort(known);
    throw known;
  }
}

interface AnswerComponents {
  readonly stream: Stream;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly resolve: (frames: readonly Uint8Array[]) => void;
  readonly reject: (error: unknown) => void;
}

/** An answer as it comes in. Settles once; what happens to the stream later is of no interest. */
class Answer {
  readonly #stream: Stream;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #resolve: (frames: readonly Uint8Array[]) => void;
  readonly #reject: (error: unknown) => void;
  readonly #decoder = new FrameDecoder(MAX_ANSWER_BYTES);
  readonly #frames: Uint8Array[] = [];
  #bytes = 0;
  /** The peer ended its half by itself: the answer is whole. A lost connection ends a stream too, but not like this. */
  #whole = false;
  #cancelStall = () => {};
  #cancelTimeout = () => {};

  constructor({ stream, connection, clock, resolve, reject }: AnswerComponents) {
    this.#stream = stream;
    this.#connection = connection;
    this.#clock = clock;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(question: Uint8Array): void {
    const stream = this.#stream;
    stream.addEventListener('message', (event) => this.#read(event.data.subarray()));
    stream.addEventListener('remoteCloseWrite', () => {
      this.#whole = true;
    });
    stream.addEventListener('end', () => this.#end());
    stream.addEventListener('close', (event) => this.#closed(event));
    this.#cancelTimeout = this.#clock.schedule(ANSWER_TIMEOUT_MS, () => this.#slow('the answer is not whole in time'));
    this.#awaitProgress();
    stream.send(encodeFrame(question));
    stream.close().catch((error: unknown) => this.#fail(new NetworkError('PEER_GONE', reasonOf(error))));
  }

  #read(chunk: Uint8Array): void {
    this.#awaitProgress();
    this.#bytes += chunk.length;
    try {
      this.#frames.push(...this.#decoder.push(chunk));
    } catch (error) {
      this.#fail(error);
    }
    if (this.#bytes > MAX_ANSWER_BYTES) this.#nonsense(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    if (this.#frames.length > MAX_ANSWER_FRAMES) this.#nonsense(`an answer of more than ${MAX_ANSWER_FRAMES} frames`);
  }

  #end(): void {
    if (!this.#whole) return;
    if (this.#decoder.partial) this.#nonsense('an answer that ends inside a frame');
    this.#settle();
    this.#resolve(this.#frames);
  }

  #closed(event: StreamCloseEvent): void {
    const refused = event.error && this.#connection.status === 'open';
    this.#fail(
      refused
        ? new NetworkError('PEER_BUSY', 'the peer gives no answer; it has too many questions open, or knows none')
        : new NetworkError('PEER_GONE', 'the connection was lost before the answer was whole'),
    );
  }

  #awaitProgress(): void {
    this.#cancelStall();
    this.#cancelStall = this.#clock.schedule(ANSWER_STALL_MS, () => this.#slow('the answer does not go on'));
  }

  #slow(message: string): void {
    this.#fail(new NetworkError('PEER_SLOW', message));
  }

  #nonsense(message: string): void {
    this.#fail(new NetworkError('PEER_NONSENSE', message));
  }

  #fail(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#cancelStall();
    this.#cancelTimeout();
  }
}

async function openStream(connection: Connection, protocol: string): Promise<Stream> {
  try {
    return await connection.newStream(protocol);
  } catch (error) {
    const slow = connection.status === 'open' && error instanceof Error && error.name === 'TimeoutError';
    throw new NetworkError(slow ? 'PEER_SLOW' : 'PEER_GONE', `no stream to the peer: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
