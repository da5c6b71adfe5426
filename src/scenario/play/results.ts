/** What came of a step's transactions: in a sentence, as outputs, and whether it is what the story expects. */
import type { Amount } from '../../types/index.ts';
import type { Ending } from '../engine.ts';
import type { ExpectedEnding, Outputs, Step } from '../story.ts';
import { count, duration, grouped, quantile } from '../words.ts';
import type { OutputBook } from './outputs.ts';
import type { Handed } from './submissions.ts';

/** `final in 34 ms, block 12`; of many: `1,200 final, 3 refused INSUFFICIENT_FUNDS, p99 80 ms`. */
export function resultOf(handed: readonly Handed[]): string {
  const [first] = handed;
  if (first === undefined) return '';
  if (handed.length === 1) return describe(first);
  const times = finalities(handed);
  const speed =
    times.length === 0 ? [] : [`p50 ${duration(quantile(times, 0.5))}`, `p99 ${duration(quantile(times, 0.99))}`];
  return [...[...tally(handed)].map(([ending, n]) => `${grouped(n)} ${ending}`), ...speed].join(', ');
}

/** How many ended how: `final` -> 40, `refused ALIAS_STALE` -> 1. */
function tally(handed: readonly Handed[]): ReadonlyMap<string, number> {
  const endings = new Map<string, number>();
  for (const { ending } of handed) endings.set(nameOf(ending), (endings.get(nameOf(ending)) ?? 0) + 1);
  return endings;
}

/** `final`, `refused ALIAS_STALE`, `pending`. */
export function nameOf(ending: Ending): string {
  return ending.kind === 'refused' ? `refused ${ending.code}` : ending.kind;
}

/** Ascending, in ms, of those that are final. */
export function finalities(handed: readonly Handed[]): number[] {
  return handed.flatMap(({ finalityMs }) => (finalityMs === null ? [] : [finalityMs])).sort((a, b) => a - b);
}

/** @returns what is wrong with how they ended, for who has not seen the code, or null. */
export function endingProblem({ action, expected }: Step, handed: readonly Handed[]): string | null {
  if (action.type === 'payments') return crowdProblem(handed, action.mayRefuse);
  const wrong = handed.find(({ ending }) => !isExpected(ending, expected));
  if (wrong === undefined) return null;
  return `${wrong.title}: expected ${expectedName(expected)}, but it ${came(wrong.ending)}`;
}

/** Outputs that a step with transactions leaves. */
export function outputsOf(handed: readonly Handed[], book: OutputBook): Outputs {
  const [first] = handed;
  if (first === undefined) return {};
  const times = finalities(handed);
  const moves = handed.flatMap((entry) => entry.moves.map(({ amount }) => amount));
  const total = totalOf(moves);
  const many = {
    sent: handed.length,
    final: handed.filter(({ ending }) => ending.kind === 'final').length,
    refused: handed.filter(({ ending }) => ending.kind === 'refused').length,
    pending: handed.filter(({ ending }) => ending.kind === 'pending').length,
    ...(total === null ? {} : { total: book.write(total) }),
    ...(times.length === 0
      ? {}
      : { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), maxMs: times.at(-1) ?? 0 }),
  };
  if (handed.length > 1) return many;
  const { id, ending, finalityMs } = first;
  const receipt = 'receipt' in ending ? ending.receipt : null;
  return {
    ...many,
    id,
    ending: ending.kind,
    ...(ending.kind === 'final' ? { status: 'OK' } : {}),
    ...(ending.kind === 'refused' ? { status: ending.code } : {}),
    ...(receipt === null ? {} : { code: receipt.status, height: receipt.height, index: receipt.index }),
    ...(finalityMs === null ? {} : { finalityMs }),
    ...(total === null ? {} : { amount: book.write(total) }),
  };
}

function describe({ ending, finalityMs }: Handed): string {
  switch (ending.kind) {
    case 'final':
      return `final${finalityMs === null ? '' : ` in ${duration(finalityMs)}`}, block ${ending.receipt.height}`;
    case 'refused':
      return `refused: ${ending.code}`;
    case 'expired':
      return 'expired';
    case 'pending':
      return 'taken, and not final yet';
    case 'unreachable':
      return 'its bank does not answer';
  }
}

function came(ending: Ending): string {
  switch (ending.kind) {
    case 'final':
      return `became final in block ${ending.receipt.height}`;
    case 'refused':
      return `was refused with ${ending.code}: ${ending.message}`;
    case 'expired':
      return 'expired';
    case 'pending':
      return 'was taken by its bank and did not become final in time';
    case 'unreachable':
      return 'found no bank that answers';
  }
}

function isExpected(ending: Ending, expected: ExpectedEnding): boolean {
  if (expected.kind === 'any') return true;
  if (expected.kind !== 'refused') return ending.kind === expected.kind;
  return ending.kind === 'refused' && ending.code === expected.code;
}

function expectedName(expected: ExpectedEnding): string {
  return expected.kind === 'refused' ? `a refusal with ${expected.code}` : `«${expected.kind}»`;
}

function crowdProblem(handed: readonly Handed[], mayRefuse: readonly string[]): string | null {
  const wrong = handed.filter(({ ending }) => {
    const code = ending.kind === 'refused' ? ending.code : ending.kind.toUpperCase();
    return ending.kind !== 'final' && !mayRefuse.includes(code);
  });
  const [first] = wrong;
  if (first === undefined) return null;
  const allowed =
    mayRefuse.length === 0 ? 'all must become final' : `only ${mayRefuse.join(', ')} may stand in the way`;
  return `${count(wrong.length, 'payment')} of ${grouped(handed.length)} went wrong (${allowed}). The first: ${first.title}, which ${came(first.ending)}`;
}

/** Null where there is nothing to add up, or several currencies. */
function totalOf(amounts: readonly Amount[]): Amount | null {
  const [first] = amounts;
  if (first === undefined || amounts.some(({ currency }) => currency !== first.currency)) return null;
  return { currency: first.currency, minor: amounts.reduce((sum, { minor }) => sum + minor, 0n) };
}
