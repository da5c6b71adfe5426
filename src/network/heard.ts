/**
 * What was heard of late, with the verdict on it: the same message may come straight from its author and by gossip, and is
 * shown to the node once. Whoever has something to say again says it in other bytes.
 */
import { hash } from 'node:crypto';
import type { Topic, Verdict } from '../ports.ts';

/** Several rounds of the largest network; an older message is judged anew, which costs a signature and nothing else. */
const MAX_HEARD = 4_096;

export class Heard {
  readonly #verdicts = new Map<string, Promise<Verdict>>();

  /** @param judge is asked where the message is new. */
  judge(topic: Topic, bytes: Uint8Array, judge: () => Promise<Verdict>): Promise<Verdict> {
    const key = topic + hash('sha256', bytes, 'base64');
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
