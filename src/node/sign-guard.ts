/**
 * The only place where this validator's key signs. No second value is ever signed for a (height, round, step), whatever the core
 * asks for; and a statement is on disk, with the lock that must stand behind it, before its signature leaves the node: whoever
 * sends one calls `keep` first. What is signed in one turn of the core is kept by one sync.
 *
 * A record that lost blocks which this key voted after (see `storage/open-data.ts`) is one more reason to be silent. What is
 * remembered covers one height. When the node comes to it again, from below, the core begins it without the lock, and the rule
 * above would let it vote for another block in a later round, while somebody who is down may have decided the first one with
 * this key's precommit. The core is silent where it hears its own forgotten votes again, but nobody need tell it of them. So up
 * to and including that height this key says nothing new.
 */
import { MAX_SIGN_MEMORY_BYTES } from '../codec/limits.ts';
import { decode, encode } from '../codec/schema.ts';
import { type LockRecord, type SignMemory, signMemory } from '../codec/sign-memory.ts';
import { statementSigningBytes } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import type { Signer, SignState } from '../ports.ts';
import type { ChainId, SignedStatement, Statement, Step } from '../types/index.ts';

const ORDER: Readonly<Record<Step, number>> = { propose: 0, prevote: 1, precommit: 2 };

export class SignGuard {
  readonly #chainId: ChainId;
  readonly #signer: Signer;
  readonly #store: SignState;
  /** Up to this height nothing new is signed. */
  #silentThrough: number;
  #memory: SignMemory | null;
  /** The memory has what the disk does not have yet. */
  #isAhead = false;

  /**
   * @param tipHeight height of the record at the start.
   * @throws CodedError `SIGN_STATE_CORRUPT` where it does not decode: a key whose past is unknown must not sign.
   */
  constructor(chainId: ChainId, signer: Signer, store: SignState, tipHeight: number) {
    this.#chainId = chainId;
    this.#signer = signer;
    this.#store = store;
    this.#memory = readMemory(store.last());
    const height = this.#memory?.said.at(-1)?.height ?? 0;
    this.#silentThrough = height > tipHeight + 1 ? height : 0;
  }

  /** What the key said last, or null where it never signed. */
  get memory(): SignMemory | null {
    return this.#memory;
  }

  /** Others have this key's signature under this. Where it said so later than all it remembers, it says nothing in that height. */
  heard(statement: Statement): void {
    if (this.#isNews(statement)) this.#silentThrough = Math.max(this.#silentThrough, statement.height);
  }

  /**
   * Signs a statement, for this node's own core; nobody else may see it before `keep` has resolved. The same statement again gives
   * the same signature.
   *
   * @returns null where another value was signed there before, or anything later, or where the key may have said more than it
   *   remembers: the node then stays silent.
   */
  sign(statement: Statement, lock: LockRecord | null): SignedStatement | null {
    const said = this.#memory?.said ?? [];
    const last = said.at(-1);
    if (!this.#isNews(statement)) {
      return said.find((earlier) => isSame(earlier, statement)) ?? null;
    }
    if (statement.height <= this.#silentThrough) return null;
    const signature = this.#signer.sign(statementSigningBytes(this.#chainId, statement));
    const signed: SignedStatement = { ...statement, signature };
    const sameRound = last?.height === statement.height && last.round === statement.round;
    this.#memory = { version: 1, said: sameRound ? [...said, signed] : [signed], lock };
    this.#isAhead = true;
    return signed;
  }

  /** Resolves when all that was signed is on disk. @throws CodedError where it cannot be: nothing of it may be sent then. */
  async keep(): Promise<void> {
    if (!this.#isAhead || this.#memory === null) return;
    await this.#store.record(encode(signMemory, this.#memory));
    this.#isAhead = false;
  }

  #isNews(statement: Statement): boolean {
    const last = this.#memory?.said.at(-1);
    return last === undefined || isAfter(statement, last);
  }
}

function readMemory(last: Uint8Array | null): SignMemory | null {
  if (last === null) return null;
  try {
    return decode(signMemory, last, MAX_SIGN_MEMORY_BYTES);
  } catch (cause) {
    const advice = 'this key must not sign again in this network; give the participant a new one';
    throw new CodedError('SIGN_STATE_CORRUPT', `the last entry of the sign-state cannot be read: ${advice}`, { cause });
  }
}

function isAfter(a: Statement, b: Statement): boolean {
  if (a.height !== b.height) return a.height > b.height;
  if (a.round !== b.round) return a.round > b.round;
  return ORDER[a.step] > ORDER[b.step];
}

function isSame(a: Statement, b: Statement): boolean {
  const keys = ['step', 'height', 'round', 'blockHash', 'validRound', 'validator'] as const;
  return keys.every((key) => a[key] === b[key]);
}
