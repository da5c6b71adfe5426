/** What a step is called, for people who have never seen the program: `dara pays sok 5,000 KHR`. */
import { formatAmount } from '../../codec/amount.ts';
import { isSettlement, participantOf } from '../../codec/text.ts';
import type { AccountId, Amount, CurrencyCode } from '../../types/index.ts';
import type { Action, AmountDistribution, Story } from '../story.ts';
import { count, duration, grouped } from '../words.ts';
import type { OutputBook } from './outputs.ts';

/** What names mean, and amounts, in one story. */
export class Titles {
  readonly #names: ReadonlyMap<AccountId, string>;
  readonly #phones: ReadonlyMap<string, string>;
  readonly #exponents: ReadonlyMap<CurrencyCode, number>;
  readonly #crowds: ReadonlyMap<readonly AccountId[], string>;
  readonly #outputs: OutputBook;

  constructor(story: Story, outputs: OutputBook) {
    this.#names = new Map(story.people.map(({ name, account }) => [account, name]));
    this.#phones = new Map(story.people.flatMap(({ name, phone }) => (phone === null ? [] : [[phone, name]])));
    this.#exponents = new Map(story.network.currencies.map(({ code, exponent }) => [code, exponent]));
    this.#crowds = new Map([...story.crowds].map(([name, members]) => [members, name]));
    this.#outputs = outputs;
  }

  /** As the story calls whoever has the account: `dara`, `bank aclb`, or the account itself. */
  name(account: AccountId): string {
    return this.#names.get(account) ?? (isSettlement(account) ? `bank ${participantOf(account)}` : account);
  }

  money({ minor, currency }: Amount): string {
    return `${grouped(formatAmount(minor, this.#exponents.get(currency) ?? 0))} ${currency}`;
  }

  /** Of a step, with the values that its references have by now. */
  step(action: Action): string {
    const money = (value: Parameters<OutputBook['amount']>[0]) => this.money(this.#outputs.amount(value));
    switch (action.type) {
      case 'say':
        return this.#outputs.text(action.text);
      case 'open':
        return `${participantOf(action.account)} opens an account for ${this.name(action.account)}`;
      case 'issue':
        return `the central bank issues ${money(action.amount)} to ${action.bank}${by(action.signedBy)}`;
      case 'redeem':
        return `${action.bank} redeems ${money(action.amount)}${by(action.signedBy)}`;
      case 'deposit':
        return `${participantOf(action.to)} pays in ${money(action.amount)} for ${this.name(action.to)}`;
      case 'withdraw':
        return `${this.name(action.from)} withdraws ${money(action.amount)}`;
      case 'pay': {
        const [to, how] = 'phone' in action.to ? this.#owner(action.to.phone) : [this.name(action.to.account), ''];
        const via = action.via === null ? '' : ` through ${action.via}`;
        return `${this.name(action.from)} pays ${to} ${money(action.amount)}${how}${via}${by(action.signedBy)}`;
      }
      case 'bulk':
        return `${this.name(action.from)} pays ${count(action.each.length, 'account')} at once`;
      case 'settle':
        return `${action.from} pays ${action.to} ${money(action.amount)} between the banks`;
      case 'alias':
        return `${this.name(action.account)} ${DEEDS[action.deed]} ${action.phone}${by(action.signedBy)}`;
      case 'tier':
        return `${this.name(action.account)} gets the tier ${action.tier}${by(action.signedBy)}`;
      case 'replay':
        return `the payment «${action.output}» is handed in again${action.via === null ? '' : `, through ${action.via}`}`;
      case 'payments':
        return this.#payments(action);
      case 'wait':
        return `${duration(action.ms)} pass`;
      case 'remember':
        return 'who has what is remembered';
      case 'sequence':
        return `${count(action.steps.length, 'step')} one after the other`;
      case 'together':
        return `${count(action.steps.length, 'thing')} at once`;
      case 'partition':
        return `the network falls apart: ${action.groups.map((group) => group.join(' and ')).join(' | ')}`;
      case 'slow':
        return `${action.banks.join(' and ')} ${are(action.banks)} slow by ${duration(action.byMs)}`;
      case 'heal':
        return 'all lines are mended';
      case 'byzantine':
        return `${action.bank} turns dishonest: ${action.actor}`;
      case 'expect':
        return count(action.expectations.length, 'expectation');
      case 'run':
        return action.title;
      default:
        return `${action.banks.join(' and ')} ${FAULTS[action.type]}`;
    }
  }

  /** How an amount is drawn. */
  drawn(amount: AmountDistribution, currency: CurrencyCode): string {
    const money = (minor: bigint) => this.money({ minor, currency });
    switch (amount.kind) {
      case 'fixed':
        return money(amount.minor);
      case 'uniform':
        return `${money(amount.lowMinor)} to ${money(amount.highMinor)}`;
      case 'lognormal':
        return `about ${money(amount.medianMinor)}`;
    }
  }

  /** Whose number it was when the story began, or the number itself. */
  #owner(phone: string): readonly [name: string, how: string] {
    const name = this.#phones.get(phone);
    return name === undefined ? [phone, ''] : [name, ' by phone number'];
  }

  #payments(action: Extract<Action, { type: 'payments' }>): string {
    const { count: n, from, to, overMs, amount, currency } = action;
    const who = `${this.#group(from)} to ${this.#group(to.among)}`;
    return `${count(n, 'payment')} from ${who} over ${duration(overMs)}, ${this.drawn(amount, currency)} each`;
  }

  #group(accounts: readonly AccountId[]): string {
    const [first] = accounts;
    if (accounts.length === 1 && first !== undefined) return this.name(first);
    return this.#crowds.get(accounts) ?? count(accounts.length, 'account');
  }
}

const DEEDS = { bind: 'binds', release: 'releases', claim: 'claims', reject: 'objects to the claim on' } as const;

const FAULTS = {
  crash: 'crashes',
  restart: 'comes back',
  pause: 'freezes',
  resume: 'wakes up',
  wipe: 'loses its disk',
} as const;

function by(signers: readonly string[]): string {
  return signers.length === 0 ? '' : `, signed by ${signers.join(' and ')}`;
}

function are(banks: readonly string[]): string {
  return banks.length === 1 ? 'is' : 'are';
}
