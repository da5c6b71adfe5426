import type { ExpectationRecord } from '../run.ts';
import type { Expectation } from '../story.ts';
import type { Stage } from './stage.ts';
export type Judgement = Omit<ExpectationRecord, 'step'>;
export declare function judgeAll(expectations: readonly Expectation[], stage: Stage): Promise<readonly Judgement[]>;
