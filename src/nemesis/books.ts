/**
 * Books of the money as one would keep them by hand from what stands in the blocks: every command of a transaction that took
 * effect is entered as it is written, and the sums are counted anew. Written without a look at how the ledger does it.
 */
import type { AmountJson, CommandJson } from '../codec/json.ts';

export interface Problem {
  readonly name: 'moneyCreated' | 'negativeBalance';
  readonly what: string;
}

interface Supply {
  readonly issued: bigint;
  readonly redeemed: bigint;
}

const NONE: Supply = { issued: 0n, redeemed: 0n };
const AMOUNT = /^(0|[1-9]\d*)(?:\.(\d+))?$/;

export class Books {
  readonly #exponents: ReadonlyMap<string, number>;
  readonly #open: Set<string>;
  /** By `account currency`. */
  readonly #balances = new Map<string, bigint>();
  #supply: ReadonlyMap<string, Supply> = new Map();

  /** @param open accounts that are there from the beginning. */
  constructor(exponents: ReadonlyMap<string, number>, open: readonly string[]) {
    this.#exponents = exponents;
    this.#open = new Set(open);
  }

  balance(account: string, currency: string): bigint {
    return this.#balances.get(`${account} ${currency}`) ?? 0n;
  }

  accounts(): readonly string[] {
    return [...this.#open];
  }

  supply(): ReadonlyMap<string, Supply> {
    return this.#supply;
  }

  /** Enters commands that took effect. @returns the first thing that should not have been possible. */
  apply(commands: readonly CommandJson[]): Problem | null {
    let first: Problem | null = null;
    for (const command of commands) first = this.#enter(command) ?? first;
    return first;
  }

  /** Counts everything. */
  audit(): readonly Problem[] {
    const problems: Problem[] = [];
    const sums = new Map<string, bigint>();
    for (const [key, minor] of this.#balances) {
      const [account = '', currency = ''] = key.split(' ');
      sums.set(currency, (sums.get(currency) ?? 0n) + minor);
      if (minor < 0n) problems.push({ name: 'negativeBalance', what: `${account} holds ${minor} ${currency}` });
    }
    for (const currency of new Set([...sums.keys(), ...this.#supply.keys()])) {
      const { issued, redeemed } = this.#supply.get(currency) ?? NONE;
      const sum = sums.get(currency) ?? 0n;
      if (sum === issued - redeemed) continue;
      const what = `balances of ${sum} ${currency}, ${issued} issued and ${redeemed} redeemed`;
      problems.push({ name: 'moneyCreated', what });
    }
    return problems;
  }

  #enter(command: CommandJson): Problem | null {
    if (command.type === 'openAccount') {
      this.#open.add(command.account);
      return null;
    }
    if (!('amount' in command)) return null;
    const { currency, value } = command.amount;
    const minor = this.#minor(command.amount);
    if (minor === null) return { name: 'moneyCreated', what: `an amount of ${JSON.stringify(value)} ${currency}` };
    switch (command.type) {
      case 'issue':
        this.#count(currency, { issued: minor, redeemed: 0n });
        return this.#move(command.to, currency, minor);
      case 'redeem':
        this.#count(currency, { issued: 0n, redeemed: minor });
        return this.#move(command.from, currency, -minor);
      case 'transfer': {
        const paid = this.#move(command.from, currency, -minor);
        return this.#move(command.to, currency, minor) ?? paid;
      }
      default:
        return { name: 'moneyCreated', what: `a command that nobody knows: ${JSON.stringify(command)}` };
    }
  }

  #move(account: string, currency: string, minor: bigint): Problem | null {
    const key = `${account} ${currency}`;
    const after = (this.#balances.get(key) ?? 0n) + minor;
    this.#balances.set(key, after);
    if (!this.#open.has(account)) return { name: 'moneyCreated', what: `${account} was never opened` };
    return after < 0n ? { name: 'negativeBalance', what: `${account} is left with ${after} ${currency}` } : null;
  }

  #count(currency: string, { issued, redeemed }: Supply): void {
    const before = this.#supply.get(currency) ?? NONE;
    const after = { issued: before.issued + issued, redeemed: before.redeemed + redeemed };
    this.#supply = new Map([...this.#supply, [currency, after]]);
  }

  /** Minor units, or null of what is no amount of that currency. */
  #minor({ currency, value }: AmountJson): bigint | null {
    const exponent = this.#exponents.get(currency);
    const [, whole = '', places = ''] = AMOUNT.exec(value) ?? [];
    if (exponent === undefined || whole === '' || places.length > exponent) return null;
    return BigInt(whole + places.padEnd(exponent, '0'));
  }
}
