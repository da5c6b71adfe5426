/** Reads the values of steps: names, amounts, texts and numbers, in the light of who and what the story has. */

import { MAX_OFFICERS } from '../../../codec/limits.ts';
import { accountIdProblem, settlementAccount } from '../../../codec/text.ts';
import { STATUSES } from '../../../ledger/status.ts';
import { POOL_REFUSALS } from '../../../node/refusals.ts';
import type { AccountId, Amount, ParticipantId, TierName } from '../../../types/index.ts';
import type { Place, Signers, Step, Text, Value } from '../../story.ts';
import { at, itemsOf, type Measure, type Node, textOf } from '../node.ts';
import { refuse, shown, suggestion } from '../problem.ts';
import { type Currencies, readMoney } from './money.ts';
import type { Outputs } from './outputs.ts';
import { looksLikePhone, readPhone } from './people.ts';
import { readDuration, type Timeline } from './times.ts';

/** Everything a story has before its first step. */
export interface World {
  readonly banks: ReadonlySet<string>;
  readonly currencies: Currencies;
  readonly tiers: ReadonlySet<TierName>;
  readonly byName: ReadonlyMap<string, AccountId>;
  readonly crowds: ReadonlyMap<string, readonly AccountId[]>;
  readonly phones: ReadonlyMap<AccountId, string>;
  /** Of what loops make of few words. */
  readonly measure: Measure;
  /** Reads a step that a program makes while the story is played. @throws CodedError, with the first of what is wrong. */
  stepOf(part: unknown, reader: Reader): Step;
}

/** Codes that a transaction can be refused with. */
const REFUSALS: readonly string[] = [
  ...STATUSES.map(({ name }) => name).filter((name) => name !== 'OK'),
  ...Object.keys(POOL_REFUSALS),
];

/** All methods throw as `refuse`. */
export class Reader {
  readonly world: World;
  readonly outputs: Outputs;
  readonly timeline: Timeline;

  constructor(world: World, outputs: Outputs, timeline: Timeline) {
    this.world = world;
    this.outputs = outputs;
    this.timeline = timeline;
  }

  bank(node: Node): ParticipantId {
    return this.bankNamed(textOf(node), node.place);
  }

  bankNamed(name: string, place: Place): ParticipantId {
    const { banks } = this.world;
    return banks.has(name)
      ? (name as ParticipantId)
      : refuse('SCENARIO_NAME_UNKNOWN', place, `${shown(name)} is no bank of the network${suggestion(name, banks)}`);
  }

  banks(node: Node | null): readonly ParticipantId[] {
    return distinct(itemsOf(node), (item) => this.bank(item));
  }

  /** Somebody of the story. */
  person(node: Node): AccountId {
    return this.personNamed(textOf(node), node.place);
  }

  personNamed(name: string, place: Place): AccountId {
    const { byName, crowds } = this.world;
    const found = byName.get(name) ?? this.#holderOf(name);
    if (found !== undefined) return found;
    if (crowds.has(name))
      refuse('SCENARIO_NAME_UNKNOWN', place, `${shown(name)} is a crowd; expected one of them, like \`${name}-001\``);
    if (this.world.banks.has(name))
      refuse(
        'SCENARIO_NAME_UNKNOWN',
        place,
        `${shown(name)} is a bank; expected a person, or \`bank ${name}\` for the bank's own account`,
      );
    return refuse(
      'SCENARIO_NAME_UNKNOWN',
      place,
      `nobody in the story is called ${shown(name)}${suggestion(name, byName.keys())}`,
    );
  }

  /** An account whose owner the story has: of a person, or of a bank. */
  holder(node: Node): AccountId {
    return this.holderNamed(textOf(node), node.place);
  }

  holderNamed(name: string, place: Place): AccountId {
    if (!name.startsWith('bank ')) return this.personNamed(name, place);
    return settlementAccount(this.bankNamed(name.slice('bank '.length), place));
  }

  /** Any account, also one that nobody has. */
  account(node: Node): AccountId {
    const text = textOf(node);
    if (!text.includes('@')) return this.holder(node);
    const problem = accountIdProblem(text);
    return problem === null
      ? (text as AccountId)
      : refuse('SCENARIO_NAME_MALFORMED', node.place, `${shown(text)} is no account; ${problem}`);
  }

  /** Crowds and people, in order, each once. */
  group(node: Node): readonly AccountId[] {
    const [only, second] = itemsOf(node);
    const crowd = only === undefined || second !== undefined ? undefined : this.world.crowds.get(textOf(only));
    if (crowd !== undefined) return crowd;
    const found = itemsOf(node).flatMap((item) => this.world.crowds.get(textOf(item)) ?? [this.#member(item)]);
    for (const _ of found) this.world.measure.take(node.place, 0);
    return [...new Set(found)];
  }

  amount(node: Node): Value<Amount> {
    return this.amountText(textOf(node), node.place);
  }

  amountText(text: string, place: Place): Value<Amount> {
    return text.startsWith('$')
      ? this.outputs.reference(text, place, 'amount')
      : readMoney(text, place, this.world.currencies);
  }

  /** An amount that is written out. */
  money(node: Node): Amount {
    const amount = this.amount(node);
    return 'minor' in amount
      ? amount
      : refuse(
          'SCENARIO_OUTPUT',
          node.place,
          `${shown(textOf(node))} is only known while the story is played; expected an amount`,
        );
  }

  duration(node: Node | null, otherwise: number): number {
    return node === null ? otherwise : readDuration(textOf(node), node.place);
  }

  text(node: Node | null): Text {
    return node === null ? [] : this.outputs.text(textOf(node), node.place);
  }

  /** A text that travels with money: at most so many bytes, as far as it is known. */
  memo(node: Node | null, maxBytes: number): Text {
    const parts = this.text(node);
    const bytes = parts.reduce(
      (sum, part) => sum + (typeof part === 'string' ? new TextEncoder().encode(part).length : 0),
      0,
    );
    if (node !== null && bytes > maxBytes)
      refuse('SCENARIO_LIMIT', node.place, `the memo has ${bytes} bytes; at most ${maxBytes} are expected`);
    if (node !== null && /\p{Cc}/u.test(textOf(node)))
      refuse('SCENARIO_SHAPE', node.place, 'the memo has line breaks or control characters; expected one line');
    return parts;
  }

  phone(node: Node): string {
    return readPhone(textOf(node), node.place);
  }

  /** The number of somebody who is paid by phone. */
  phoneOf(account: AccountId, place: Place): string {
    const name = account.slice(0, account.indexOf('@'));
    return (
      this.world.phones.get(account) ??
      refuse(
        'SCENARIO_PHONE',
        place,
        `${shown(name)} has no phone number; expected somebody who has one, or no \`by: phone\``,
      )
    );
  }

  isPhone(node: Node): boolean {
    return looksLikePhone(textOf(node));
  }

  tier(node: Node): TierName {
    const tiers = [...this.world.tiers];
    const found = tiers.find((name) => name === textOf(node));
    if (found !== undefined) return found;
    const near = suggestion(textOf(node), tiers);
    return refuse('SCENARIO_NAME_UNKNOWN', node.place, `${shown(textOf(node))} is no tier of the network${near}`);
  }

  signers(node: Node | null): Signers {
    return distinct(itemsOf(node), (item) => {
      const text = textOf(item);
      const officer = /^officer ([1-9]\d?)$/.exec(text)?.[1];
      if (officer !== undefined && Number(officer) <= MAX_OFFICERS) return `officer/${officer}`;
      return this.world.banks.has(text) ? text : this.person(item);
    });
  }

  refusal(code: string, place: Place): string {
    return REFUSALS.includes(code)
      ? code
      : refuse('SCENARIO_NAME_UNKNOWN', place, `${shown(code)} is no code of a refusal${suggestion(code, REFUSALS)}`);
  }

  #member(node: Node): AccountId {
    const { byName } = this.world;
    const name = textOf(node);
    const isKnown = byName.has(name) || name.includes('@') || this.world.banks.has(name);
    if (!isKnown)
      refuse(
        'SCENARIO_NAME_UNKNOWN',
        node.place,
        `${shown(name)} is no crowd and nobody in the story${suggestion(name, namesOf(this.world))}`,
      );
    return this.person(node);
  }

  /** Of an account that is written out, like `dara@aclb`: itself, where somebody of the story has it. */
  #holderOf(account: string): AccountId | undefined {
    const [name = ''] = account.split('@');
    const found = this.world.byName.get(name);
    return found === account ? found : undefined;
  }
}

/** Of crowds first: they are few. */
function* namesOf({ crowds, byName }: World): Iterable<string> {
  yield* crowds.keys();
  yield* byName.keys();
}

/** What must be there, by the shape that has been judged. */
export function need(node: Node, key: string): Node {
  return at(node, key) ?? refuse('SCENARIO_KEY_MISSING', node.place, `${shown(key)} is missing`);
}

function distinct<T>(nodes: readonly Node[], read: (node: Node) => T): readonly T[] {
  const found = nodes.map(read);
  const again = found.findIndex((item, i) => found.indexOf(item) !== i);
  const node = nodes[again];
  if (node !== undefined)
    refuse('SCENARIO_NAME_TAKEN', node.place, `${shown(textOf(node))} is listed twice; expected each once`);
  return found;
}
