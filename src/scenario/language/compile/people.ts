/** Everybody who has an account: people one by one, and crowds with names, banks and phone numbers out of their rule. */
import { parsePhone } from '../../../api/phone.ts';
import { accountIdProblem, isSettlement } from '../../../codec/text.ts';
import { CodedError } from '../../../errors.ts';
import { Chance } from '../../../simulator/world/random.ts';
import type { AccountId, Amount, ParticipantId, TierName } from '../../../types/index.ts';
import type { NetworkSpec, Person, Place } from '../../story.ts';
import { MAX_PEOPLE } from '../limits.ts';
import { at, entriesOf, itemsOf, type MapNode, type Node, textOf } from '../node.ts';
import { type Problems, refuse, shown, suggestion } from '../problem.ts';
import { type Currencies, readMoney } from './money.ts';

/** Words that stand where names do. */
const RESERVED: ReadonlySet<string> = new Set([
  'all',
  'bank',
  'banks',
  'nobody',
  'none',
  'of',
  'settlement',
  'since',
  'steps',
  'together',
  'variables',
]);
/** Mobile prefixes whose numbers have six digits more; together twelve million numbers. */
const PREFIXES = [10, 11, 15, 16, 17, 69, 70, 81, 87, 92, 93, 98];

/** People before the crowds have their phone numbers. */
export interface Cast {
  readonly people: readonly (Person & { readonly wantsPhone: boolean })[];
  readonly byName: ReadonlyMap<string, AccountId>;
  readonly crowds: ReadonlyMap<string, readonly AccountId[]>;
}

export function compilePeople(
  people: MapNode | null,
  crowds: MapNode | null,
  network: NetworkSpec,
  problems: Problems,
): Cast {
  const registry = new Registry(network);
  problems.each(entriesOf(people), ([name, { node, place }]) => registry.addPerson(name, node, place));
  problems.each(entriesOf(crowds), ([name, { node, place }]) => registry.addCrowd(name, node, place));
  return registry;
}

/** Invents the numbers of crowds out of the seed. @param taken numbers that the story speaks of. */
export function withPhones({ people }: Cast, taken: ReadonlySet<string>, seed: number): readonly Person[] {
  const chance = new Chance(seed, 'phones of crowds');
  const used = new Set(taken);
  return people.map(({ wantsPhone, ...person }) => {
    if (!wantsPhone) return person;
    let phone: string;
    do phone = `+855${chance.pick(PREFIXES)}${String(chance.below(1_000_000)).padStart(6, '0')}`;
    while (used.has(phone));
    used.add(phone);
    return { ...person, phone };
  });
}

/** A phone number, in its canonical form. @throws as `refuse`, without the reason's own code. */
export function readPhone(text: string, place: Place): string {
  try {
    return parsePhone(text);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return refuse(
      'SCENARIO_PHONE',
      place,
      `${shown(text)} is no phone number that can be called; expected one like \`012 345 678\` or \`+855 12 345 678\``,
    );
  }
}

/** Whether a text is meant as a phone number: names begin with a letter of their own, and accounts have an @. */
export function looksLikePhone(text: string): boolean {
  return /^\+?[\d(][\d ().-]{4,}$/.test(text);
}

class Registry implements Cast {
  readonly people: (Person & { wantsPhone: boolean })[] = [];
  readonly byName = new Map<string, AccountId>();
  readonly crowds = new Map<string, readonly AccountId[]>();
  readonly #network: NetworkSpec;
  readonly #currencies: Currencies;
  readonly #phones = new Map<string, string>();

  constructor(network: NetworkSpec) {
    this.#network = network;
    this.#currencies = new Map(network.currencies.map((currency) => [currency.code, currency]));
  }

  addPerson(name: string, part: Node, place: Place): void {
    const [phone, opens] = [at(part, 'phone'), at(part, 'opens')];
    const bank = at(part, 'bank');
    const person = {
      ...this.#holder(name, this.#bank(bank ?? part), part, place),
      phone: phone === null ? null : readPhone(textOf(phone), phone.place),
      isOpen: opens === null,
      wantsPhone: false,
    };
    if (opens !== null && person.has.length > 0)
      refuse(
        'SCENARIO_SHAPE',
        opens.place,
        `${shown(name)} has no account yet, so no money; expected steps that open it and deposit`,
      );
    const other = person.phone === null ? undefined : this.#phones.get(person.phone);
    if (phone !== null && other !== undefined)
      refuse('SCENARIO_NAME_TAKEN', phone.place, `the number is that of ${shown(other)} already; expected another one`);
    if (person.phone !== null) this.#phones.set(person.phone, name);
    this.#add(person, place);
  }

  addCrowd(name: string, part: Node, place: Place): void {
    this.#checkName(name, place);
    if (this.byName.has(name))
      refuse('SCENARIO_NAME_TAKEN', place, `${shown(name)} is the name of a person already; expected another one`);
    const count = Number(textOf(at(part, 'count') ?? part));
    if (this.people.length + count > MAX_PEOPLE)
      refuse(
        'SCENARIO_LIMIT',
        (at(part, 'count') ?? part).place,
        `with this crowd the story has ${this.people.length + count} people; at most ${MAX_PEOPLE} are expected`,
      );
    const banks = this.#banksOf(at(part, 'banks'));
    const [first] = banks;
    if (first === undefined) return;
    const common = this.#holder(`${name}-${number(count, count)}`, first, part, place);
    const phones = at(part, 'phones');
    const wantsPhone = phones !== null && ['yes', 'true'].includes(textOf(phones));
    const accounts = Array.from({ length: count }, (_, i) => {
      const member = `${name}-${number(i + 1, count)}`;
      const account = accountOf(member, banks[i % banks.length] ?? first, place);
      this.#add({ ...common, name: member, account, phone: null, isOpen: true, wantsPhone }, place);
      return account;
    });
    this.crowds.set(name, accounts);
  }

  /** What people and crowds have in common. */
  #holder(
    name: string,
    bank: ParticipantId,
    part: Node,
    place: Place,
  ): Pick<Person, 'name' | 'account' | 'tier' | 'has'> {
    this.#checkName(name, place);
    return {
      name,
      account: accountOf(name, bank, place),
      tier: this.#tier(at(part, 'tier')),
      has: this.#has(at(part, 'has')),
    };
  }

  #add(person: Person & { wantsPhone: boolean }, place: Place): void {
    if (this.byName.has(person.name))
      refuse('SCENARIO_NAME_TAKEN', place, `the name ${shown(person.name)} is taken already; expected each once`);
    this.byName.set(person.name, person.account);
    this.people.push(person);
  }

  #checkName(name: string, place: Place): void {
    const isBank = this.#network.members.some(({ id }) => id === name);
    if (isBank || this.crowds.has(name))
      refuse(
        'SCENARIO_NAME_TAKEN',
        place,
        `${shown(name)} is the name of a ${isBank ? 'bank' : 'crowd'} already; expected another one`,
      );
    if (RESERVED.has(name))
      refuse('SCENARIO_NAME_MALFORMED', place, `${shown(name)} is a word of the language; expected another name`);
    if (looksLikePhone(name))
      refuse('SCENARIO_NAME_MALFORMED', place, `${shown(name)} looks like a phone number; expected a name`);
  }

  #bank(node: Node): ParticipantId {
    const ids = this.#network.members.map(({ id }) => id);
    return (
      ids.find((id) => id === textOf(node)) ??
      refuse(
        'SCENARIO_NAME_UNKNOWN',
        node.place,
        `${shown(textOf(node))} is no bank of the network${suggestion(textOf(node), ids)}`,
      )
    );
  }

  #banksOf(list: Node | null): readonly ParticipantId[] {
    if (list !== null) return itemsOf(list).map((node) => this.#bank(node));
    const { members } = this.#network;
    const commercial = members.filter(({ kind }) => kind === 'bank');
    return (commercial.length > 0 ? commercial : members).map(({ id }) => id);
  }

  /** The named tier; without a name `full`, or the last one where there is no such; null where the network has none. */
  #tier(node: Node | null): TierName | null {
    const names = this.#network.tiers.map(({ name }) => name);
    if (node === null) return names.find((name) => name === 'full') ?? names.at(-1) ?? null;
    const found = names.find((name) => name === textOf(node));
    return (
      found ??
      refuse(
        'SCENARIO_NAME_UNKNOWN',
        node.place,
        `${shown(textOf(node))} is no tier of the network${suggestion(textOf(node), names)}`,
      )
    );
  }

  #has(amounts: Node | null): readonly Amount[] {
    const found = itemsOf(amounts).map((node) => {
      const amount = readMoney(textOf(node), node.place, this.#currencies);
      const most = this.#currencies.get(amount.currency)?.maxAmountMinor ?? 0n;
      if (amount.minor === 0n || amount.minor > most)
        refuse(
          'SCENARIO_AMOUNT',
          node.place,
          `${shown(textOf(node))} cannot be paid in; expected more than zero, and at most what one command can carry`,
        );
      return amount;
    });
    const [again] = found.filter(({ currency }, i) => found.findIndex((other) => other.currency === currency) !== i);
    if (again && amounts)
      refuse('SCENARIO_AMOUNT', amounts.place, `${shown(again.currency)} is listed twice; expected each currency once`);
    return found;
  }
}

/** `dara@aclb` of `dara`. @throws as `refuse`. */
function accountOf(name: string, bank: ParticipantId, place: Place): AccountId {
  const account = `${name}@${bank}` as AccountId;
  const problem =
    accountIdProblem(account) ?? (isSettlement(account) ? 'the name is reserved for the bank itself' : null);
  return problem === null
    ? account
    : refuse('SCENARIO_NAME_MALFORMED', place, `${shown(name)} cannot name a person: ${problem}`);
}

/** `017`: as many digits as the last one has, three at least. */
function number(of: number, last: number): string {
  return String(of).padStart(Math.max(3, String(last).length), '0');
}
