/**
 * Writing to and pausing libp2p streams. A stream of libp2p 3 takes bytes until `send` answers false, then wants a `drain`
 * event; its `onDrain()` resolves at once from the second wait on, so the event itself is waited for here.
 */
import type { Stream } from '@libp2p/interface';
import type { Clock } from '../ports.ts';
import { NetworkError } from './errors.ts';

/** What is handed to a stream at a time, so that a reader's progress shows. */
const SLICE_BYTES = 64 * 1024;

/**
 * Sends all of `bytes`, no faster than the peer reads.
 *
 * @param stallMs how long the peer may read nothing.
 * @throws NetworkError `PEER_SLOW` or `PEER_GONE`; whatever `send` throws on a dead stream.
 */
export async function sendAll(stream: Stream, bytes: Uint8Array, clock: Clock, stallMs: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    stream.send(bytes.subarray(at, at + SLICE_BYTES));
    while (stream.writableNeedsDrain) await drained(stream, clock, stallMs);
  }
}

/** Ends the writable half when all is sent; a peer that does not take it within `stallMs` has the stream reset. */
export async function closeWithin(stream: Stream, clock: Clock, stallMs: number): Promise<void> {
  const cancel = clock.schedule(stallMs, () => stream.abort(new NetworkError('PEER_SLOW', 'the peer does not read')));
  try {
    await stream.close();
  } finally {
    cancel();
  }
}

export function pause(stream: Stream): void {
  if (stream.readStatus === 'readable') stream.pause();
}

/** Does nothing on a stream that died meanwhile. */
export function resume(stream: Stream): void {
  if (stream.readStatus === 'paused' && stream.status === 'open') stream.resume();
}

export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delayMs, resolve);
  });
}

function drained(stream: Stream, clock: Clock, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.status !== 'open') {
      reject(new NetworkError('PEER_GONE', 'the stream closed before all was sent'));
      return;
    }
    const finish = (error?: NetworkError) => {
      cancel();
      stream.removeEventListener('drain', onDrain);
      stream.removeEventListener('close', onClose);
      if (error) reject(error);
      else resolve();
    };
    const onDrain = () => finish();
    const onClose = () => finish(new NetworkError('PEER_GONE', 'the stream closed before all was sent'));
    const cancel = clock.schedule(stallMs, () => finish(new NetworkError('PEER_SLOW', 'the peer does not read')));
    stream.addEventListener('drain', onDrain);
    stream.addEventListener('close', onClose);
  });
}
