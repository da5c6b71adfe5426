/** Seeds that once found something, with what it was: they are run for ever. */
import type { PlanOptions } from './plan.ts';

export interface Regression {
  readonly seed: number;
  readonly options: PlanOptions;
  readonly checker: string;
  readonly what: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    seed: 14,
    options: {},
    checker: 'honest-ban',
    what: 'a node asked a peer for blocks up to below its own tip, which had risen while it asked another, and was banned',
  },
  {
    seed: 253,
    options: {},
    checker: 'liveness',
    what: 'a clock set back before a restart made a node refuse, for good, the very block that it was locked on',
  },
];
