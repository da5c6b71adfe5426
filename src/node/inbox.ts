/**
 * The node's one queue: whatever changes the node runs here, one task after the other, so that nothing ever sees it
 * half-changed. A task that throws ends the node: it means a broken disk or a broken assumption, and neither votes on.
 */

export class Inbox {
  readonly #onFatal: (error: unknown) => void;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(onFatal: (error: unknown) => void) {
    this.#onFatal = onFatal;
  }

  /** Runs a task after those before it. Its answer is null where the node has stopped meanwhile. */
  post<T>(task: () => T | Promise<T>): Promise<T | null> {
    const turn = this.#tail.then(async () => (this.#closed ? null : await task()));
    const settled = turn.catch((error: unknown) => {
      this.#fail(error);
      return null;
    });
    this.#tail = settled;
    return settled;
  }

  /** Lets the running task end and drops the rest. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail;
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onFatal(error);
  }
}
