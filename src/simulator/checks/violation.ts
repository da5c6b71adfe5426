/** What a checker says when something does not hold. */

export interface Violation {
  /** Its name, see `checkers.ts`. */
  readonly checker: string;
  readonly what: string;
}

export type Fail = (checker: string, what: string) => void;
