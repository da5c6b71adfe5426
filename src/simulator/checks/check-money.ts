/**
 * The money in each node's own state database: against the model after every block, and against itself, from the writes of
 * each block alone, so that it costs little; and all of it when a node starts and in the end.
 */
import { MAX_STATE_VALUE_BYTES } from '../../codec/limits.ts';
import { CodecError, decode } from '../../codec/schema.ts';
import type { AccountRecord, AliasRecord } from '../../codec/state.ts';
import { accountRecord, aliasRecord, supplyRecord } from '../../codec/state.ts';
import type { MemoryState } from '../../storage/index.ts';
import type { BlockWrites, ParticipantId } from '../../types/index.ts';
import type { Machine } from '../world/machine.ts';
import { CURRENCIES } from '../world/members.ts';
import type { Expected, Model } from './model.ts';
import type { Fail } from './violation.ts';

export class MoneyChecks {
  readonly #model: Model;
  readonly #fail: Fail;
  /** States that a bit was flipped in: what they hold is nobody's fault. */
  readonly #damaged = new WeakSet<MemoryState>();

  constructor(model: Model, fail: Fail) {
    this.#model = model;
    this.#fail = fail;
  }

  damaged(state: MemoryState): void {
    this.#damaged.add(state);
  }

  /** A block is about to change a node's state: what its accounts gain is what is issued less what is redeemed. */
  applying({ id, state }: Machine, { entries }: BlockWrites): void {
    if (this.#damaged.has(state)) return;
    const gained = new Sums();
    for (const { key, value } of entries) {
      gained.add(key, value, 1n);
      gained.add(key, state.entries.get(key) ?? null, -1n);
    }
    for (const [currency, minor] of gained.byCurrency) {
      if (minor !== 0n) this.#fail('conservation', `${id}: a block makes ${minor} ${currency} out of nothing`);
    }
  }

  /** After a block, what its commands name. */
  block({ id, state }: Machine, height: number, { balances, aliases }: Expected): void {
    if (this.#damaged.has(state)) return;
    for (const [name, minor] of balances) {
      const [account = '', currency = ''] = name.split('/');
      const bytes = state.entries.get(`account/${account}`);
      const found = bytes === undefined ? 0n : (held(accountOf(bytes)).get(currency) ?? 0n);
      if (found !== minor || found < 0n)
        this.#fail('balances', `${id}, block ${height}: ${name} ${found}, not ${minor}`);
    }
    for (const [key, { owner: account, epoch, claim }] of aliases) {
      const bytes = state.entries.get(`alias/${key}`);
      const found = bytes === undefined ? NEVER_BOUND : decode(aliasRecord, bytes, MAX_STATE_VALUE_BYTES);
      const [is, due] = [aliasText(found), aliasText({ account, epoch, claim })];
      if (is !== due) this.#fail('aliases', `${id}, block ${height}: alias ${key} is ${is}, not ${due}`);
    }
  }

  /** Sums of a whole state, as found on a disk. */
  sums(id: ParticipantId, state: MemoryState): void {
    if (this.#damaged.has(state)) return;
    const sums = new Sums();
    for (const [key, value] of state.entries.range('account/', 'account0')) sums.add(key, value, 1n);
    for (const [key, value] of state.entries.range('supply/', 'supply0')) sums.add(key, value, 1n);
    for (const [currency, minor] of sums.byCurrency) {
      if (minor !== 0n) this.#fail('conservation', `${id} has ${minor} ${currency} more in accounts than were issued`);
    }
  }

  /** Everything of a node that has every block. @returns whether it is as it should be; a damaged state may not be. */
  whole({ id, state }: Machine): boolean {
    const due = this.#allDue();
    const found = new Map<string, string>();
    for (const [key, value] of state.entries.entries()) {
      for (const [name, text] of textsOf(key, value)) found.set(name, text);
    }
    const odd = [...due.keys(), ...found.keys()].find((key) => due.get(key) !== found.get(key));
    if (odd !== undefined && !this.#damaged.has(state)) {
      const checker = odd.startsWith('balance/') ? 'balances' : 'state';
      this.#fail(checker, `${id}, in the end: ${odd} is ${found.get(odd)}, not ${due.get(odd)}`);
    }
    this.sums(id, state);
    return odd === undefined;
  }

  /** All that the model knows of, as text by state key. */
  #allDue(): Map<string, string> {
    const { keys, tiers, spent, aliases, balances } = this.#model;
    const due = new Map<string, string>();
    for (const [account, publicKey] of keys)
      due.set(`account/${account}`, accountText({ publicKey, tier: tiers.get(account) ?? null }));
    for (const [name, { day, minor }] of spent) due.set(`spent/${name}`, `${day}/${minor}`);
    for (const [alias, { owner, epoch, claim }] of aliases)
      due.set(`alias/${alias}`, aliasText({ account: owner, epoch, claim }));
    for (const [name, minor] of balances) if (minor !== 0n) due.set(`balance/${name}`, String(minor));
    for (const currency of CURRENCIES) {
      const { issuedMinor, redeemedMinor } = this.#model.supply(currency);
      if (issuedMinor > 0n) due.set(`supply/${currency}`, `${issuedMinor}/${redeemedMinor}`);
    }
    return due;
  }
}

/** What an entry of the state says, as `whole` compares it; nothing for what it does not, and no balance of zero. */
function textsOf(key: string, value: Uint8Array): (readonly [name: string, text: string])[] {
  try {
    const name = key.slice(key.indexOf('/') + 1);
    switch (key.slice(0, key.indexOf('/'))) {
      case 'account': {
        const record = accountOf(value);
        const texts: [string, string][] = [[key, accountText(record)]];
        for (const { currency, minor, spent } of record.holdings) {
          if (minor !== 0n) texts.push([`balance/${name}/${currency}`, String(minor)]);
          if (spent !== null) texts.push([`spent/${name}/${currency}`, `${spent.day}/${spent.minor}`]);
        }
        return texts;
      }
      case 'alias':
        return [[key, aliasText(decode(aliasRecord, value, MAX_STATE_VALUE_BYTES))]];
      case 'supply': {
        const { issuedMinor, redeemedMinor } = decode(supplyRecord, value, MAX_STATE_VALUE_BYTES);
        return [[key, `${issuedMinor}/${redeemedMinor}`]];
      }
      default:
        return [];
    }
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return [[key, error.message]];
  }
}

const NEVER_BOUND: AliasRecord = { account: null, epoch: 0, claim: null };

function accountText({ publicKey, tier }: { readonly publicKey: string; readonly tier: string | null }): string {
  return `${publicKey}/${tier}`;
}

function aliasText({ account, epoch, claim }: AliasRecord): string {
  return `of ${account}, epoch ${epoch}, claimed ${claim === null ? 'by nobody' : `by ${claim.account} for ${claim.dueMs}`}`;
}

function accountOf(bytes: Uint8Array): AccountRecord {
  return decode(accountRecord, bytes, MAX_STATE_VALUE_BYTES);
}

function held({ holdings }: AccountRecord): ReadonlyMap<string, bigint> {
  return new Map(holdings.map(({ currency, minor }) => [currency, minor]));
}

/** By currency, what is in accounts less what is in circulation. */
class Sums {
  readonly byCurrency = new Map<string, bigint>();

  /** Counts an entry of the state, where it is money. */
  add(key: string, bytes: Uint8Array | null, times: 1n | -1n): void {
    if (bytes === null) return;
    if (key.startsWith('account/'))
      for (const [currency, minor] of held(accountOf(bytes))) this.#add(currency, times * minor);
    if (!key.startsWith('supply/')) return;
    const { issuedMinor, redeemedMinor } = decode(supplyRecord, bytes, MAX_STATE_VALUE_BYTES);
    this.#add(key.slice(key.indexOf('/') + 1), times * (redeemedMinor - issuedMinor));
  }

  #add(currency: string, minor: bigint): void {
    this.byCurrency.set(currency, (this.byCurrency.get(currency) ?? 0n) + minor);
  }
}
