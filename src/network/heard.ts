/**
 * What was heard of late, with the verdict on it: the same message may come straight from its author and by gossip, and is
 * shown to the node once. Whoever has something to say again says it in other bytes.
 */
import { hash } from 'node:crypto';
import type { Topic, Verdict } from '../ports.ts';

/** Several rounds of the largest network; an older message is judged anew, which costs a signature and nothing else. */
const MAX_HEARD = 4_096;
/** A vote is its own name: a digest of it takes longer than to compare it. */
const MAX_NAME_BYTES = 512;

export class Heard {
  readonly #verdicts = new Map<string, Promise<Verdict>>();

  /** @param judge is asked where the message is new. */
  judge(topic: Topic, bytes: Uint8Array, judge: () => Promise<Verdict>): Promise<Verdict> {
    const key = topic + nameOf(bytes);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = judge();
    this.#verdicts.set(key, verdict);
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= MAX_HEARD) break;
      this.#verdicts.delete(oldest);
    }
    return verdict;
  }
}

/** No two messages have the same one, whoever made them. */
function nameOf(bytes: Uint8Array): string {
  if (bytes.length > MAX_NAME_BYTES) return `#${hash('sha256', bytes, 'base64')}`;
  return `=${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`;
}
