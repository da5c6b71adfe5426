/** Asks one question and collects its answer, within limits of time, frames and bytes. */
import type { Connection, Stream, StreamCloseEvent } from '@libp2p/interface';
import { encodeFrame } from '../../codec/frames.ts';
import { assert } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import { NetworkError, reasonOf } from '../errors.ts';
import { PeerFrames } from '../frames.ts';
import {
  ANSWER_STALL_MS,
  ANSWER_TIMEOUT_MS,
  COUNT_BYTES,
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
  readonly #decoder = new PeerFrames(MAX_ANSWER_BYTES);
  readonly #frames: Uint8Array[] = [];
  #bytes = 0;
  /** Frames of the answer, once the peer has said. */
  #count: number | null = null;
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
    stream.addEventListener('end', () => {
      // A reset ends the stream too, and `close` tells why.
      if (stream.status !== 'reset') this.#gone();
    });
    stream.addEventListener('close', (event) => this.#closed(event));
    this.#cancelTimeout = this.#clock.schedule(ANSWER_TIMEOUT_MS, () => this.#slow('the answer is not whole in time'));
    this.#awaitProgress();
    this.#send(encodeFrame(question)).catch((error: unknown) => this.#fail(lostOrRefused(this.#connection, error)));
  }

  async #send(frame: Uint8Array): Promise<void> {
    this.#stream.send(frame);
    await this.#stream.close();
  }

  #read(chunk: Uint8Array): void {
    this.#awaitProgress();
    this.#bytes += chunk.length;
    try {
      this.#take(this.#decoder.push(chunk));
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(frames: readonly Uint8Array[]): void {
    for (const frame of this.#count === null ? frames.slice(1) : frames) this.#frames.push(frame);
    this.#count ??= countOf(frames[0]);
    if (this.#bytes > MAX_ANSWER_BYTES) throw new NetworkError('PEER_NONSENSE', 'an answer above the limit');
    if (this.#count === null || this.#frames.length < this.#count) return;
    if (this.#frames.length > this.#count || this.#decoder.partial) {
      throw new NetworkError('PEER_NONSENSE', 'more of an answer than was announced');
    }
    this.#settle();
    this.#resolve(this.#frames);
  }

  #closed(event: StreamCloseEvent): void {
    if (event.error) this.#fail(lostOrRefused(this.#connection, event.error));
    else this.#gone();
  }

  #gone(): void {
    this.#fail(new NetworkError('PEER_GONE', 'the stream ended before the answer was whole'));
  }

  #awaitProgress(): void {
    this.#cancelStall();
    this.#cancelStall = this.#clock.schedule(ANSWER_STALL_MS, () => this.#slow('the answer does not go on'));
  }

  #slow(message: string): void {
    this.#fail(new NetworkError('PEER_SLOW', message));
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

/** @throws NetworkError `PEER_NONSENSE` where the announcement is none, or is above the limit. */
function countOf(frame: Uint8Array | undefined): number | null {
  if (!frame) return null;
  const count =
    frame.length === COUNT_BYTES ? new DataView(frame.buffer, frame.byteOffset).getUint32(0) : Number.POSITIVE_INFINITY;
  if (count > MAX_ANSWER_FRAMES) throw new NetworkError('PEER_NONSENSE', 'an answer without a count within the limit');
  return count;
}

async function openStream(connection: Connection, protocol: string): Promise<Stream> {
  try {
    return await connection.newStream(protocol);
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new NetworkError('PEER_SLOW', 'the peer takes no question', { cause: error });
    }
    throw lostOrRefused(connection, error);
  }
}

/** A stream that fails on a connection that stands was reset by the peer. */
function lostOrRefused(connection: Connection, cause: unknown): NetworkError {
  return connection.status === 'open'
    ? new NetworkError('PEER_BUSY', 'the peer has too many questions open, or does not know this one', { cause })
    : new NetworkError('PEER_GONE', `the connection was lost: ${reasonOf(cause)}`, { cause });
}
