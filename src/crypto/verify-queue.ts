/**
 * Calls of `verifyAll` that wait for a thread, as packets: small calls travel together, a large one in parts, and nobody
 * waits for the whole of another's. Knows no threads, so that a test can play them.
 */
import type { CodedError } from '../errors.ts';
import type { SignatureCheck } from '../ports.ts';

/** Checks that travel together, of one call or of many. Exactly one of the two answers ends it. */
export interface Packet {
  readonly checks: readonly SignatureCheck[];
  /** One verdict a check, in order: zero refuses. */
  answer(verdicts: ArrayLike<number | boolean>): void;
  /** Rejects every call that has checks in it. */
  fail(reason: CodedError): void;
}

export interface VerifyQueue {
  /** Checks of calls that have not been answered, those on their way included. */
  readonly pending: number;
  /** Checks that are in no packet yet. */
  readonly waiting: number;
  /** @param checks at least one; the same until they are answered. */
  add(checks: readonly SignatureCheck[]): Promise<readonly boolean[]>;
  /** The next packet: up to `most` checks, of all waiting calls in turn. @returns null where nothing waits. */
  take(most: number): Packet | null;
  /** Rejects every call that has not been answered. */
  failAll(reason: CodedError): void;
}

interface Call {
  readonly checks: readonly SignatureCheck[];
  readonly verdicts: boolean[];
  /** How many of the checks are in packets, and how many have their verdicts. */
  taken: number;
  answered: number;
  resolve(verdicts: readonly boolean[]): void;
  reject(reason: CodedError): void;
}

/** Checks of `call`, from the one with the number `from` on. */
interface Part {
  readonly call: Call;
  readonly from: number;
  readonly length: number;
}

/** What a call gets into a packet before it is the next one's turn: calls up to here wait for no part of another twice. */
const TURN = 64;

export function createVerifyQueue(): VerifyQueue {
  const unanswered = new Set<Call>();
  /** Those of them that have checks in no packet yet, in the order of their turns. */
  const queue = new Set<Call>();
  let pending = 0;
  let waiting = 0;

  /** Forgets a call that is answered, or has failed while other parts of it wait or are on their way. */
  const settle = (call: Call): boolean => {
    if (!unanswered.delete(call)) return false;
    pending -= call.checks.length;
    if (queue.delete(call)) waiting -= call.checks.length - call.taken;
    return true;
  };

  const fail = (calls: Iterable<Call>, reason: CodedError): void => {
    for (const call of calls) if (settle(call)) call.reject(reason);
  };

  return {
    get pending() {
      return pending;
    },
    get waiting() {
      return waiting;
    },
    add: (checks) =>
      new Promise((resolve, reject) => {
        const call: Call = { checks, verdicts: [], taken: 0, answered: 0, resolve, reject };
        unanswered.add(call);
        queue.add(call);
        pending += checks.length;
        waiting += checks.length;
      }),
    take: (most) => {
      const parts: Part[] = [];
      let room = Math.min(most, waiting);
      if (room === 0) return null;
      waiting -= room;
      // A call that is not through goes to the end of the set, where this loop meets it again.
      for (const call of queue) {
        const part = { call, from: call.taken, length: Math.min(TURN, room, call.checks.length - call.taken) };
        parts.push(part);
        call.taken += part.length;
        room -= part.length;
        queue.delete(call);
        if (call.taken < call.checks.length) queue.add(call);
        if (room === 0) break;
      }
      return {
        checks: parts.flatMap(({ call, from, length }) => call.checks.slice(from, from + length)),
        answer: (verdicts) => {
          let at = 0;
          for (const { call, from, length } of parts) {
            for (let i = 0; i < length; i++) call.verdicts[from + i] = Boolean(verdicts[at++]);
            call.answered += length;
            if (call.answered === call.checks.length && settle(call)) call.resolve(call.verdicts);
          }
        },
        fail: (reason) =>
          fail(
            parts.map(({ call }) => call),
            reason,
          ),
      };
    },
    failAll: (reason) => fail(unanswered, reason),
  };
}
