/** What an `expect` step asks for, one expectation for every value that it names. */
import type { CurrencyCode } from '../../../types/index.ts';
import type { Expectation, Place } from '../../story.ts';
import { at, type Entry, entriesOf, itemsOf, type Node, textOf } from '../node.ts';
import { refuse, shown } from '../problem.ts';
import { readComparison, readMoney } from './money.ts';
import { isYes } from './payments.ts';
import { readPhone } from './people.ts';
import { need, type Reader } from './reader.ts';
import { readDuration } from './times.ts';

const QUANTILES: Readonly<Record<string, number>> = { p50: 0.5, p95: 0.95, p99: 0.99, max: 1 };

type Compile = (value: Node, reader: Reader) => readonly Expectation[];

const KINDS: Readonly<Record<string, Compile>> = {
  balance: (value, reader) =>
    entriesOf(value).flatMap(([name, { node, place }]) => {
      const account = reader.holderNamed(name, place);
      return itemsOf(node).map((item) => ({
        place: item.place,
        kind: 'balance',
        account,
        ...comparedAmount(item, reader),
      }));
    }),
  change: (value, reader) => {
    const since = need(value, 'since');
    const memory = reader.outputs.named(textOf(since), since.place, 'memory');
    const changed = entriesOf(value).filter(([name]) => name !== 'since');
    return changed.flatMap(([name, { node, place }]) => {
      const account = reader.holderNamed(name, place);
      return itemsOf(node).map((item) => ({
        place: item.place,
        kind: 'change',
        account,
        since: memory,
        ...signedAmount(item, reader),
      }));
    });
  },
  supply: (value, reader) =>
    itemsOf(value).map((item) => ({ place: item.place, kind: 'supply', ...reader.money(item) })),
  roots: (value, reader) => [
    { place: value.place, kind: 'equalRoots', banks: value.kind === 'list' ? reader.banks(value) : null },
  ],
  money: (value) => [{ place: value.place, kind: 'conserved' }],
  alias: (value, reader) => entriesOf(value).map(([phone, entry]) => aliasOf(phone, entry, reader)),
  payments: (value, reader) => {
    const of = need(value, 'of');
    const output = reader.outputs.named(textOf(of), of.place, 'transaction', 'payments');
    const counts = entriesOf(value).filter(([ending]) => ending !== 'of');
    return counts.map(([ending, { node, place }]) => ({
      place,
      kind: 'endings',
      of: output,
      ending: endingOf(ending, place, reader),
      ...tally(node, reader),
    }));
  },
  finality: (value, reader) => {
    const of = at(value, 'of');
    const output = of === null ? null : reader.outputs.named(textOf(of), of.place, 'transaction', 'payments');
    const bounds = entriesOf(value).filter(([name]) => name !== 'of');
    if (bounds.length === 0)
      refuse('SCENARIO_KEY_MISSING', value.place, '`finality` lacks a bound; expected `p50`, `p95`, `p99` or `max`');
    return bounds.map(([name, { node, place }]) => ({
      place,
      kind: 'finality',
      of: output,
      quantile: QUANTILES[name] ?? 1,
      belowMs: readDuration(textOf(node).slice('below '.length), node.place),
    }));
  },
  evidence: (value, reader) => [
    { place: value.place, kind: 'evidence', against: textOf(value) === 'none' ? null : reader.bank(value) },
  ],
  running: (value, reader) =>
    entriesOf(value).map(([name, { node, place }]) => ({
      place,
      kind: 'running',
      bank: reader.bankNamed(name, place),
      is: isYes(node),
    })),
  blocks: (value, reader) => {
    const [since, count] = [need(value, 'since'), need(value, 'is')];
    const { is, count: so } = tally(count, reader);
    if (typeof so !== 'number')
      return refuse(
        'SCENARIO_SHAPE',
        count.place,
        `${shown(textOf(count))} is no number of blocks; expected one such as \`0\` or \`at least 3\``,
      );
    return [
      { place: value.place, kind: 'blocks', since: reader.outputs.named(textOf(since), since.place), is, count: so },
    ];
  },
  value: (value, reader) => entriesOf(value).map(([output, entry]) => outputIs(output, entry, reader)),
};

/** @throws as `refuse`. @param value one mapping of expectations, or a list of them. */
export function compileExpectations(value: Node, reader: Reader): readonly Expectation[] {
  return itemsOf(value).flatMap((mapping) =>
    entriesOf(mapping).flatMap(([kind, { node }]) => KINDS[kind]?.(node, reader) ?? []),
  );
}

function comparedAmount(node: Node, reader: Reader) {
  const { is, rest } = readComparison(textOf(node));
  const amount = reader.amountText(rest, node.place);
  return { is, amount: 'minor' in amount && amount.minor === 0n ? { zero: amount.currency } : amount };
}

function signedAmount(node: Node, { world }: Reader): { readonly currency: CurrencyCode; readonly minor: bigint } {
  const text = textOf(node);
  const { currency, minor } = readMoney(text.replace(/^[+-]/, ''), node.place, world.currencies);
  return { currency, minor: text.startsWith('-') ? -minor : minor };
}

function aliasOf(text: string, { node, place }: Entry, reader: Reader): Expectation {
  const phone = readPhone(text, place);
  const [account, epoch] = [at(node, 'account') ?? node, at(node, 'epoch')];
  return {
    place,
    kind: 'alias',
    phone,
    account: textOf(account) === 'nobody' ? null : reader.person(account),
    epoch: epoch === null ? null : Number(textOf(epoch)),
  };
}

/** `refused INSUFFICIENT_FUNDS` as the player counts it. */
function endingOf(text: string, place: Place, reader: Reader): string {
  const [ending = '', code] = text.split(' ');
  return code === undefined ? ending : `${ending}/${reader.refusal(code, place)}`;
}

function tally(node: Node, { outputs }: Reader) {
  const text = textOf(node);
  const { is, rest } = readComparison(text);
  if (rest === 'all') return { is, count: 'all' as const };
  return { is, count: rest.startsWith('$') ? outputs.reference(rest, node.place, 'number') : Number(rest) };
}

function outputIs(output: string, { node, place }: Entry, { outputs }: Reader): Expectation {
  const value = outputs.reference(output, place);
  if (node.kind === 'scalar' && typeof node.value === 'number')
    return { place, kind: 'value', value, is: 'exactly', to: node.value };
  const { is, rest } = readComparison(textOf(node));
  const isCompared = is !== 'exactly';
  if (isCompared && !/^\d+(?:\.\d+)?$/.test(rest))
    refuse(
      'SCENARIO_SHAPE',
      node.place,
      `${shown(rest)} is no number to compare with; expected one such as \`at most 3\``,
    );
  return { place, kind: 'value', value, is, to: isCompared ? Number(rest) : rest };
}
