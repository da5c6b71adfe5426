/** Payments of a crowd: who pays whom, how much, when, as rules that chance fills in. */
import { MAX_MEMO_BYTES } from '../../../codec/limits.ts';
import type { Amount } from '../../../types/index.ts';
import type { AmountDistribution, PaymentsAction } from '../../story.ts';
import { at, itemsOf, type Node, textOf } from '../node.ts';
import { refuse } from '../problem.ts';
import { readDecimal } from './money.ts';
import { need, type Reader } from './reader.ts';

/** Ways to end that are no refusal, and have no code. */
const OTHER_ENDINGS = ['expired', 'pending', 'unreachable'];

/** @throws as `refuse`. */
export function compilePayments(value: Node, reader: Reader): PaymentsAction {
  const to = need(value, 'to');
  const zipf = at(to, 'zipf');
  const from = reader.group(need(value, 'from'));
  const among = reader.group(at(to, 'among') ?? to);
  const [only, second] = among;
  if (only !== undefined && second === undefined && from.length === 1 && from[0] === only)
    refuse('SCENARIO_SHAPE', to.place, 'nobody pays themselves; expected somebody else');
  const byPhone = at(value, 'by') !== null;
  if (byPhone) for (const account of among) reader.phoneOf(account, to.place);
  const count = need(value, 'count');
  const eachPayerOnce = at(value, 'each') !== null;
  if (eachPayerOnce && Number(textOf(count)) > from.length)
    refuse(
      'SCENARIO_SHAPE',
      count.place,
      `${textOf(count)} payments, but only ${from.length} who pay once; expected at most as many`,
    );
  return {
    type: 'payments',
    from,
    to: { among, zipf: zipf === null ? null : Number(textOf(zipf)) },
    ...amountsOf(need(value, 'amount'), reader),
    count: Number(textOf(count)),
    overMs: reader.duration(need(value, 'over'), 0),
    arrivals: at(value, 'arrivals') === null ? 'poisson' : (textOf(need(value, 'arrivals')) as 'constant' | 'poisson'),
    eachPayerOnce,
    byPhone,
    memo: reader.memo(at(value, 'memo'), MAX_MEMO_BYTES),
    retry: isYes(at(value, 'retry')),
    mayRefuse: itemsOf(at(value, 'mayRefuse')).map((item) =>
      OTHER_ENDINGS.includes(textOf(item)) ? textOf(item) : reader.refusal(textOf(item), item.place),
    ),
  };
}

export function isYes(node: Node | null): boolean {
  return node !== null && ['yes', 'true'].includes(textOf(node));
}

function amountsOf(node: Node, reader: Reader): Pick<PaymentsAction, 'currency' | 'amount'> {
  if (node.kind !== 'map') {
    const { currency, minor } = positive(node, reader);
    return { currency, amount: { kind: 'fixed', minor } };
  }
  const about = at(node, 'about');
  const first = positive(about ?? need(node, 'from'), reader);
  const roundTo = rounding(at(node, 'roundTo'), first, reader);
  if (about !== null) {
    const sigma = Number(textOf(need(node, 'spread')));
    return { currency: first.currency, amount: { kind: 'lognormal', medianMinor: first.minor, sigma, roundTo } };
  }
  const last = positive(need(node, 'to'), reader);
  if (last.currency !== first.currency || last.minor < first.minor)
    refuse('SCENARIO_AMOUNT', need(node, 'to').place, 'the most is less than the least, or of another currency');
  const amount: AmountDistribution = { kind: 'uniform', lowMinor: first.minor, highMinor: last.minor, roundTo };
  return { currency: first.currency, amount };
}

function positive(node: Node, reader: Reader): Amount {
  const amount = reader.money(node);
  return amount.minor > 0n
    ? amount
    : refuse('SCENARIO_AMOUNT', node.place, 'nobody pays nothing; expected more than zero');
}

/** One minor unit where nothing is said. */
function rounding(node: Node | null, { currency }: Amount, { world }: Reader): bigint {
  const found = world.currencies.get(currency);
  if (node === null || found === undefined) return 1n;
  const { minor } = readDecimal(textOf(node), found, node.place);
  return minor > 0n
    ? minor
    : refuse('SCENARIO_AMOUNT', node.place, 'amounts cannot be rounded to nothing; expected more than zero');
}
