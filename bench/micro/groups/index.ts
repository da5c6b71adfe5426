import type { Group } from '../group.ts';
import { codecGroup } from './codec.ts';
import { consensusGroup } from './consensus.ts';
import { cryptoGroup } from './crypto.ts';
import { ledgerGroup } from './ledger.ts';
import { networkGroup } from './network.ts';
import { storageGroup } from './storage.ts';

export const GROUPS: readonly Group[] = [
  codecGroup,
  cryptoGroup,
  ledgerGroup,
  consensusGroup,
  storageGroup,
  networkGroup,
];
