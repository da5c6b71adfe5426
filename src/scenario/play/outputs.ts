/** What steps leave for later ones, and how `${lunch.amount}` becomes a value. */
import { formatAmount, parseAmount } from '../../codec/amount.ts';
import { assert, CodedError } from '../../errors.ts';
import type { AccountId, Amount, Currency, CurrencyCode } from '../../types/index.ts';
import type { Outputs, Reference, Text, Value } from '../story.ts';
import type { Handed } from './submissions.ts';

/** What everybody had at one moment. */
export type Balances = ReadonlyMap<AccountId, ReadonlyMap<CurrencyCode, bigint>>;

/** What a step leaves under its name. */
export interface Left {
  /** Read when they are asked for: what is under way changes. */
  readonly fields: () => Outputs;
  readonly handed: readonly Handed[];
  /** Of a `remember` step. */
  readonly balances: Balances | null;
  /** Of the chain when the step had ended. */
  readonly height: number;
}

export class OutputBook {
  readonly #left = new Map<string, Left>();
  readonly #currencies: readonly Currency[];

  constructor(currencies: readonly Currency[]) {
    this.#currencies = currencies;
  }

  keep(name: string, left: Left): void {
    this.#left.set(name, left);
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  /** @throws CodedError `SCENARIO_OUTPUT_MISSING` where that step has not been played: it stands in another branch. */
  of(name: string): Left {
    const left = this.#left.get(name);
    if (left !== undefined) return left;
    throw new CodedError('SCENARIO_OUTPUT_MISSING', `the step called ${name} has not been played yet`);
  }

  /** @throws CodedError `SCENARIO_OUTPUT_MISSING`. */
  field({ output, field }: Reference): string | number {
    const fields = this.of(output).fields();
    const found = fields[field];
    if (found !== undefined) return found;
    const known = Object.keys(fields).join(', ');
    throw new CodedError('SCENARIO_OUTPUT_MISSING', `the step called ${output} left no ${field}; it left ${known}`);
  }

  /** @throws CodedError `SCENARIO_OUTPUT_MISSING`, `AMOUNT_*`. */
  amount(value: Value<Amount>): Amount {
    if (!isReference(value)) return value;
    const [number = '', code = ''] = String(this.field(value)).split(' ');
    const currency = this.#currencies.find((entry) => entry.code === code);
    if (currency !== undefined) return parseAmount(number, currency);
    throw new CodedError('SCENARIO_OUTPUT_MISSING', `${value.output}.${value.field} is no amount of money`);
  }

  number(value: Value<number>): number {
    return isReference(value) ? Number(this.field(value)) : value;
  }

  text(text: Text): string {
    return text.map((part) => (typeof part === 'string' ? part : String(this.field(part)))).join('');
  }

  /** As outputs write it, and as `amount` reads it back: `5000 KHR`. */
  write({ currency, minor }: Amount): string {
    const found = this.#currencies.find(({ code }) => code === currency);
    assert(found !== undefined, 'a story has the currencies of its network');
    return `${formatAmount(minor, found.exponent)} ${currency}`;
  }
}

function isReference(value: unknown): value is Reference {
  return typeof value === 'object' && value !== null && 'output' in value;
}
