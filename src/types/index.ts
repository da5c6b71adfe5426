export type * from './block.ts';
export type * from './genesis.ts';
export type * from './ids.ts';
export type * from './money.ts';
export type * from './transaction.ts';
export type * from './vote.ts';
