/** Account records of the state with other money, for tests of what finds it out. */
import { MAX_STATE_VALUE_BYTES } from '../codec/limits.ts';
import { decode, encode } from '../codec/schema.ts';
import { accountRecord } from '../codec/state.ts';
import { holdingOf, withHolding } from '../ledger/holdings.ts';
import { KHR } from './genesis.ts';

/** The bytes of the same account, whose balance in riel is this. */
export function withBalance(account: Uint8Array | undefined, minor: bigint): Uint8Array {
  if (account === undefined) throw new Error('the state has no such account');
  const record = decode(accountRecord, account, MAX_STATE_VALUE_BYTES);
  return encode(accountRecord, withHolding(record, { ...holdingOf(record, KHR), minor }));
}
