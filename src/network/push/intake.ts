/** One peer's stream of frames as it is read: whole frames in, verdicts out, and no faster than the node takes them. */
import type { Stream } from '@libp2p/interface';
import type { Clock, Verdict } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';
import { crash, NetworkError, reasonOf } from '../errors.ts';
import { PeerFrames } from '../frames.ts';
import { pause, resume } from '../streams.ts';
import type { TokenBucket } from '../token-bucket.ts';
import { FRAME_TIMEOUT_MS } from './constants.ts';

export interface IntakeComponents {
  readonly from: ParticipantId;
  readonly stream: Stream;
  /** Of the peer, not of the stream: a new stream brings no new burst. */
  readonly bucket: TokenBucket;
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  /** Frames that are judged at once; the rest waits, and the stream is not read meanwhile. */
  readonly maxInHand: number;
  onFrame(from: ParticipantId, frame: Uint8Array): Promise<Verdict>;
  /** No honest peer sends this. */
  onNonsense(peer: ParticipantId, reason: string): void;
}

export class Intake {
  readonly #components: IntakeComponents;
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #decoder: PeerFrames;
  readonly #waiting: Uint8Array[] = [];
  #inHand = 0;
  /** The peer is over its rate. */
  #throttled = false;
  #cancelStall: (() => void) | null = null;

  constructor(components: IntakeComponents) {
    const { stream, clock, maxFrameBytes } = components;
    this.#components = components;
    this.#stream = stream;
    this.#clock = clock;
    this.#decoder = new PeerFrames(maxFrameBytes);
    stream.addEventListener('message', (event) => this.#read(event.data.subarray()));
    stream.addEventListener('remoteCloseWrite', () => stream.abort(new NetworkError('PEER_GONE', 'no more frames')));
    stream.addEventListener('close', () => this.#watchStall(false), { once: true });
  }

  #read(chunk: Uint8Array): void {
    try {
      const frames = this.#decoder.push(chunk);
      for (const frame of frames) this.#waiting.push(frame);
      this.#watchStall(this.#decoder.partial, frames.length > 0);
    } catch (error) {
      this.#refuse(reasonOf(error));
      return;
    }
    const waitMs = this.#components.bucket.take(chunk.length);
    if (waitMs > 0) {
      this.#throttled = true;
      this.#clock.schedule(waitMs, () => {
        this.#throttled = false;
        this.#proceed();
      });
    }
    this.#proceed();
  }

  /** Hands over what may be handed over, and reads on only when nothing waits. */
  #proceed(): void {
    while (this.#inHand < this.#components.maxInHand) {
      const frame = this.#waiting.shift();
      if (!frame) break;
      void this.#judge(frame);
    }
    if (this.#waiting.length > 0 || this.#throttled) {
      this.#watchStall(false);
      pause(this.#stream);
    } else {
      if (this.#decoder.partial) this.#watchStall(true);
      resume(this.#stream);
    }
  }

  async #judge(frame: Uint8Array): Promise<void> {
    const { from, onFrame } = this.#components;
    this.#inHand += 1;
    try {
      const verdict = await onFrame(from, frame);
      if (verdict === 'reject') this.#refuse('a frame that no honest peer sends');
    } catch (error) {
      crash(error);
    }
    this.#inHand -= 1;
    this.#proceed();
  }

  #refuse(reason: string): void {
    this.#waiting.length = 0;
    this.#components.onNonsense(this.#components.from, reason);
    this.#stream.abort(new NetworkError('PEER_NONSENSE', reason));
  }

  /** Gives a frame that has begun its time; `anew` where it is another frame than before. */
  #watchStall(on: boolean, anew = false): void {
    if (!on || anew) {
      this.#cancelStall?.();
      this.#cancelStall = null;
    }
    if (!on || this.#cancelStall || this.#stream.status !== 'open') return;
    this.#cancelStall = this.#clock.schedule(FRAME_TIMEOUT_MS, () => {
      this.#stream.abort(new NetworkError('PEER_SLOW', 'a frame that does not end'));
    });
  }
}
