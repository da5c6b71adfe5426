/**
 * One direction of a connection through the proxy: bytes go on in the order in which they came, held up for as long as the
 * fault says. An end or a reset waits its turn behind the bytes, because a stalled link does not carry those either.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../ports.ts';

/** What a fault does to one direction. */
export interface Flow {
  /** Nothing goes on until this is false again. */
  readonly stalled: boolean;
  /** How long each piece is under way. */
  readonly delayMs: number;
}

export const OPEN_FLOW: Flow = { stalled: false, delayMs: 0 };

/** Bytes, the sender's last word, or its death. */
type Piece = { readonly atMs: number } & ({ readonly bytes: Buffer } | { readonly end: 'finished' | 'reset' });

/** As much as a full socket buffer or two; beyond it the sender feels that nobody reads. */
const HIGH_WATER_BYTES = 1024 * 1024;

export class Pump {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #flow: Flow;
  #queue: Piece[] = [];
  #queuedBytes = 0;
  #cancel: (() => void) | null = null;
  /** The receiver's buffer is full. */
  #blocked = false;
  #over = false;

  /** @param onEnd is called once, when this direction has carried its end or is stopped. */
  constructor(from: Socket, to: Socket, flow: Flow, clock: Clock, onEnd: () => void) {
    this.#from = from;
    this.#to = to;
    this.#flow = flow;
    this.#clock = clock;
    this.#onEnd = onEnd;
    from.on('data', (bytes: Buffer) => this.#take({ atMs: this.#due(), bytes }));
    from.on('end', () => this.#take({ atMs: this.#due(), end: 'finished' }));
    from.on('close', (hadError: boolean) => {
      if (hadError) this.#take({ atMs: this.#due(), end: 'reset' });
    });
    // Nobody is left to hear it; what became of the sender is the other direction's to tell.
    to.once('close', () => this.stop());
    to.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
    from.resume();
  }

  setFlow(flow: Flow): void {
    this.#flow = flow;
    this.#flush();
  }

  /** Carries nothing any more. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel?.();
    this.#queue = [];
    this.#onEnd();
  }

  #due(): number {
    return this.#clock.now() + this.#flow.delayMs;
  }

  #take(piece: Piece): void {
    if (this.#over) return;
    this.#queue.push(piece);
    if ('bytes' in piece) {
      this.#queuedBytes += piece.bytes.length;
      if (this.#queuedBytes >= HIGH_WATER_BYTES) this.#from.pause();
    }
    this.#flush();
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    while (!this.#over && !this.#flow.stalled && !this.#blocked) {
      const [head] = this.#queue;
      if (head === undefined) return;
      const inMs = head.atMs - this.#clock.now();
      if (inMs > 0) {
        this.#cancel = this.#clock.schedule(inMs, () => this.#flush());
        return;
      }
      this.#queue.shift();
      this.#pass(head);
    }
  }

  #pass(piece: Piece): void {
    if ('bytes' in piece) {
      this.#queuedBytes -= piece.bytes.length;
      if (this.#queuedBytes < HIGH_WATER_BYTES / 2 && this.#from.isPaused()) this.#from.resume();
      if (!this.#to.destroyed && this.#to.writable) this.#blocked = !this.#to.write(piece.bytes);
      return;
    }
    if (piece.end === 'finished') this.#to.end();
    else this.#to.resetAndDestroy();
    this.stop();
  }
}
