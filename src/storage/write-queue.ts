/**
 * One change at a time, and none after a failure. A failed write or sync says nothing about what reached the disk, and
 * asking again can answer «done» for bytes that were dropped: Linux marks the pages of a failed write-back clean, so a
 * second fsync succeeds without them (PostgreSQL's finding of 2018, «fsyncgate»; it has ended the process on such an
 * error since 11.2). So the first failure is final for the file, and whoever opens it next reads what is really there.
 */
import { AssertionError, CodedError } from '../errors.ts';
import type { StorageErrorCode } from './errors.ts';
import { reasonOf, storageError } from './errors.ts';

export class WriteQueue {
  readonly #name: string;
  readonly #failureCode: StorageErrorCode;
  #last: Promise<unknown> = Promise.resolve();
  #failure: CodedError | null = null;
  #closing: Promise<void> | null = null;

  /** @param name the file or database, for messages; `failureCode` is what its failures are called. */
  constructor(name: string, failureCode: StorageErrorCode) {
    this.#name = name;
    this.#failureCode = failureCode;
  }

  /**
   * Runs `change` after all that was queued before it.
   * @throws CodedError `failureCode` from the first failure on; `STORAGE_CLOSED` once `close` was called.
   */
  run<T>(change: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) return Promise.reject(this.#closed());
    return this.#enqueue(async () => {
      if (this.#failure !== null) throw this.#failure;
      try {
        return await change();
      } catch (error) {
        throw this.#poison(error);
      }
    });
  }

  /** Says that a write failed which no change waited for: it is final as well. @returns the failure that counts, the first. */
  fail(error: unknown): Error {
    return this.#failure ?? this.#poison(error);
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** For readers: @throws CodedError when nothing here may be relied on any more. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) throw this.#closed();
  }

  /** Runs `release` once, after all that was queued, even after a failure; later calls wait for the same end. */
  close(release: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#enqueue(release);
    return this.#closing;
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    // The caller hears of a failure from `done`; here only the order matters.
    this.#last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /** An assertion is a mistake of ours, found before anything was written: it passes as it is. */
  #poison(error: unknown): Error {
    if (error instanceof AssertionError) return error;
    this.#failure =
      error instanceof CodedError
        ? error
        : storageError(this.#failureCode, `${this.#name} failed (${reasonOf(error)})`, error);
    return this.#failure;
  }

  #closed(): CodedError {
    return storageError('STORAGE_CLOSED', `${this.#name} is closed`);
  }
}
