/** All mutants. */
import { CONSENSUS } from './consensus.ts';
import { LEDGER } from './ledger.ts';
import type { Mutant } from './mutant.ts';
import { NODE } from './node.ts';
import { STORAGE } from './storage.ts';

export const MUTANTS: readonly Mutant[] = [...CONSENSUS, ...LEDGER, ...NODE, ...STORAGE];
