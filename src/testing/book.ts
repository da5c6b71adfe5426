/** A ledger by hand, for tests: a whole state in memory, and blocks made on it one after the other. */
import { MAX_STATE_VALUE_BYTES } from '../codec/limits.ts';
import { decode } from '../codec/schema.ts';
import { type AccountRecord, accountRecord, supplyRecord } from '../codec/state.ts';
import { transactionId } from '../crypto/ids.ts';
import { holdingOf } from '../ledger/holdings.ts';
import { applyBlock, genesisWrites, type Rules, rulesOf, touchedKeys } from '../ledger/ledger.ts';
import { type StatusName, statusOf } from '../ledger/status.ts';
import type { BlockWrites, Command, StateKey, Transaction } from '../types/index.ts';
import { GENESIS_TIME_MS, KHR, type TestNetwork } from './genesis.ts';
import { transactionOf } from './transactions.ts';

export class Book {
  readonly #network: TestNetwork;
  readonly #rules: Rules;
  readonly entries = new Map<StateKey, Uint8Array>();
  height = 0;
  timeMs = GENESIS_TIME_MS;

  constructor(network: TestNetwork) {
    this.#network = network;
    this.#rules = rulesOf(network.genesis);
    this.#write(genesisWrites(network.genesis));
  }

  block(transactions: readonly Transaction[], timeMs = this.timeMs + 10) {
    const identified = transactions.map((transaction) => ({ id: transactionId(transaction.body), transaction }));
    const keys = [...touchedKeys(identified)];
    const view = new Map(keys.map((key) => [key, this.entries.get(key) ?? null]));
    const input = {
      height: this.height + 1,
      timeMs,
      parentTimeMs: this.timeMs,
      transactions: identified,
      evidence: [],
    };
    const result = applyBlock(this.#rules, view, input);
    this.#write(result.writes);
    this.height += 1;
    this.timeMs = timeMs;
    return result;
  }

  /** One transaction in a block of its own. @returns its status, or null where it was left out. */
  run(signers: readonly string[], commands: readonly Command[], timeMs = this.timeMs + 10): StatusName | null {
    const { receipts } = this.block([transactionOf(this.#network, signers, commands, timeMs + 60_000)], timeMs);
    return receipts[0] === undefined ? null : (statusOf(receipts[0].status)?.name ?? null);
  }

  balance(id: string, currency = KHR): bigint {
    const record = this.account(id);
    return record === null ? 0n : holdingOf(record, currency).minor;
  }

  account(id: string): AccountRecord | null {
    const bytes = this.entries.get(`account/${id}` as StateKey);
    return bytes === undefined ? null : decode(accountRecord, bytes, MAX_STATE_VALUE_BYTES);
  }

  /** Sum of all balances less what is in circulation: zero, or money came from nowhere. */
  surplus(currency = KHR): bigint {
    const supply = this.entries.get(`supply/${currency}` as StateKey);
    const { issuedMinor, redeemedMinor } = supply
      ? decode(supplyRecord, supply, 64)
      : { issuedMinor: 0n, redeemedMinor: 0n };
    const ids = [...this.entries.keys()].filter((key) => key.startsWith('account/')).map((key) => key.slice(8));
    const sum = ids.reduce((total, id) => total + this.balance(id, currency), 0n);
    return sum - (issuedMinor - redeemedMinor);
  }

  #write({ entries, forget }: BlockWrites): void {
    if (forget !== null)
      for (const key of this.entries.keys()) if (key >= forget.from && key < forget.to) this.entries.delete(key);
    for (const { key, value } of entries) {
      if (value === null) this.entries.delete(key);
      else this.entries.set(key, value);
    }
  }
}
