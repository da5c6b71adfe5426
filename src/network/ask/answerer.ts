/** Reads one question, has the node answer it, and sends the answer as fast as the peer reads. */
import type { Stream } from '@libp2p/interface';
import { encodeFrame, FRAME_HEADER_BYTES } from '../../codec/frames.ts';
import { AssertionError, assert } from '../../errors.ts';
import type { Clock, Logger, Question } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';
import { crash, NetworkError, reasonOf } from '../errors.ts';
import { PeerFrames } from '../frames.ts';
import { closeWithin, delay, sendAll } from '../streams.ts';
import type { TokenBucket } from '../token-bucket.ts';
import {
  ANSWER_STALL_MS,
  COUNT_BYTES,
  MAX_ANSWER_BYTES,
  MAX_ANSWER_FRAMES,
  MAX_QUESTION_BYTES,
  QUESTION_COST_BYTES,
  QUESTION_TIMEOUT_MS,
} from './constants.ts';
import type { AskEvents } from './interface.ts';

export interface AnswererComponents {
  readonly question: Question;
  readonly from: ParticipantId;
  readonly stream: Stream;
  /** Of the peer, over all its questions. */
  readonly bucket: TokenBucket;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: AskEvents;
}

/** Resolves when the stream is of no more interest. Never rejects. */
export async function answerOn(components: AnswererComponents): Promise<void> {
  const { question, from, stream, clock, log } = components;
  try {
    const asked = await readQuestion(stream, clock);
    await reply(components, asked);
  } catch (error) {
    if (error instanceof AssertionError) crash(error);
    log.debug('network.answer.failed', { question, from, reason: reasonOf(error) });
    if (error instanceof NetworkError && error.code === 'PEER_NONSENSE')
      components.events.onNonsense(from, error.message);
    stream.abort(error instanceof Error ? error : new Error(reasonOf(error)));
  }
}

async function reply(
  { question, from, stream, bucket, clock, events }: AnswererComponents,
  asked: Uint8Array,
): Promise<void> {
  const waitMs = bucket.take(QUESTION_COST_BYTES);
  if (waitMs > 0) await delay(clock, waitMs);
  const answer = await events.onQuestion(question, from, asked).catch((error: unknown) => {
    crash(error);
    throw new NetworkError('PEER_GONE', 'this host is ending');
  });
  if (answer === null) throw new NetworkError('PEER_NONSENSE', `a question about ${question} that no honest peer asks`);
  const bytes = answer.reduce((sum, frame) => sum + frame.length + FRAME_HEADER_BYTES, 0);
  assert(bytes <= MAX_ANSWER_BYTES && answer.length <= MAX_ANSWER_FRAMES, 'an answer is within its limits');
  bucket.take(bytes);
  await sendAll(stream, encodeFrame(encodeCount(answer.length)), clock, ANSWER_STALL_MS);
  for (const frame of answer) await sendAll(stream, encodeFrame(frame), clock, ANSWER_STALL_MS);
  await closeWithin(stream, clock, ANSWER_STALL_MS);
}

function encodeCount(count: number): Uint8Array {
  const bytes = new Uint8Array(COUNT_BYTES);
  new DataView(bytes.buffer).setUint32(0, count);
  return bytes;
}

/** @throws NetworkError `PEER_NONSENSE` for anything but one frame, `PEER_SLOW` where it takes too long. */
function readQuestion(stream: Stream, clock: Clock): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const decoder = new PeerFrames(MAX_QUESTION_BYTES);
    const cancel = clock.schedule(QUESTION_TIMEOUT_MS, () => {
      reject(new NetworkError('PEER_SLOW', 'a question that does not end'));
    });
    stream.addEventListener('message', (event) => {
      try {
        const [asked, ...more] = decoder.push(event.data.subarray());
        if (more.length > 0 || (asked && decoder.partial))
          throw new NetworkError('PEER_NONSENSE', 'more than one question');
        if (asked) resolve(asked);
      } catch (error) {
        reject(error);
      }
    });
    stream.addEventListener('end', () => reject(new NetworkError('PEER_GONE', 'no whole question')));
    stream.addEventListener('close', () => {
      cancel();
      reject(new NetworkError('PEER_GONE', 'the asker left'));
    });
  });
}
