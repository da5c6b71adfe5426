/**
 * The second of three kinds of failure: the world did not do what we asked (a file, a peer, a request). The first, a
 * status of the ledger, is an ordinary value; the third, an assertion, means that we are wrong and ends the process.
 */

/** An error with a stable code and a sentence that tells a person what to do next. */
export class CodedError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CodedError';
    this.code = code;
  }
}

/** Says that we, not the input, are wrong. Nothing catches it. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** @throws AssertionError where `condition` does not hold. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AssertionError(what);
}
