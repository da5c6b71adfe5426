/** The network of a story: what it says of it, and what `tonle init` would do where it says nothing. */

import { MAX_MINOR } from '../../../codec/limits.ts';
import { participantIdProblem } from '../../../codec/text.ts';
import {
  DEFAULT_CLAIM_DELAY_MS,
  DEFAULT_CURRENCIES,
  DEFAULT_TIERS,
  defaultMembers,
  type Member,
} from '../../../types/defaults.ts';
import type { Currency, CurrencyCode, ParticipantId, Tier, TierName } from '../../../types/index.ts';
import type { NetworkSpec, Place } from '../../story.ts';
import { at, entriesOf, type MapNode, type Node, textOf } from '../node.ts';
import { type Problems, refuse, shown, suggestion } from '../problem.ts';
import { type Currencies, readDecimal } from './money.ts';
import { readDate, readDuration } from './times.ts';

const DEFAULT_BANKS = 4;
const DEFAULT_SEED = 1;
const DEFAULT_BEGIN = '2026-01-05 06:00';
/** In whole units, of currencies that have no limits of their own: some millions at once, some billions in all. */
const OTHER_MOST = 100_000_000n;
const OTHER_SUPPLY = 1_000_000_000_000n;
/** Names that the ledger can carry: of a tier. */
const TIER_NAME = /^[a-z][a-z0-9]{1,11}$/;
const MAX_TIERS = 8;
const NOWHERE: Place = { file: '', line: 0, column: 0, path: '' };

/** @param seed in the place of the story's own. */
export function compileNetwork(network: MapNode | null, seed: number | null, problems: Problems): NetworkSpec {
  const part = (name: string) => (network === null ? null : at(network, name));
  const duration = (name: string, otherwise: number) => {
    const node = part(name);
    return node === null ? otherwise : (problems.attempt(() => readDuration(textOf(node), node.place)) ?? otherwise);
  };
  const currencies = currenciesOf(part('currencies'), problems);
  const begins = part('begins');
  return {
    members: problems.attempt(() => membersOf(part('banks'), part('centralBank'))) ?? defaultMembers(DEFAULT_BANKS),
    currencies,
    tiers: tiersOf(part('tiers'), new Map(currencies.map((currency) => [currency.code, currency])), problems),
    aliasClaimDelayMs: duration('claimDelay', DEFAULT_CLAIM_DELAY_MS),
    blockIntervalMs: duration('blockEvery', 0),
    signatures: textOf(part('signatures') ?? scalar('real')) as 'real' | 'stub',
    seed: seed ?? Number(textOf(part('seed') ?? scalar(DEFAULT_SEED))),
    startsAtMs:
      problems.attempt(() => readDate(begins ? textOf(begins) : DEFAULT_BEGIN, begins?.place ?? NOWHERE)) ??
      readDate(DEFAULT_BEGIN, NOWHERE),
  };
}

function membersOf(banks: Node | null, centralBank: Node | null): readonly Member[] {
  const listed = listedBanks(banks);
  const ids: readonly string[] = listed.map(({ id }) => id);
  const usual = ids.includes('nbc') ? 'nbc' : ids[0];
  const central = centralBank === null ? usual : textOf(centralBank);
  if (centralBank !== null && !ids.includes(textOf(centralBank)))
    refuse(
      'SCENARIO_NAME_UNKNOWN',
      centralBank.place,
      `${shown(textOf(centralBank))} is no bank of the network${suggestion(textOf(centralBank), ids)}`,
    );
  return listed.map(({ id, name }) => ({ id, name, kind: id === central ? 'centralBank' : 'bank' }));
}

function listedBanks(banks: Node | null): readonly Pick<Member, 'id' | 'name'>[] {
  if (banks === null) return defaultMembers(DEFAULT_BANKS);
  if (banks.kind === 'scalar') return defaultMembers(Number(banks.value));
  const known = new Map<string, string>(defaultMembers(DEFAULT_BANKS).map(({ id, name }) => [id, name]));
  const named: readonly (readonly [string, string, Place])[] =
    banks.kind === 'list'
      ? banks.items.map((item) => [textOf(item), known.get(textOf(item)) ?? textOf(item).toUpperCase(), item.place])
      : entriesOf(banks).map(([id, { node, place }]) => [id, textOf(node), place]);
  const seen = new Set<string>();
  return named.map(([id, name, place]) => {
    const problem = participantIdProblem(id);
    if (problem !== null) refuse('SCENARIO_NAME_MALFORMED', place, `${shown(id)} is no id of a bank; ${problem}`);
    if (seen.has(id)) refuse('SCENARIO_NAME_TAKEN', place, `the bank ${shown(id)} is listed twice`);
    seen.add(id);
    return { id: id as ParticipantId, name };
  });
}

function currenciesOf(currencies: Node | null, problems: Problems): readonly Currency[] {
  if (currencies === null) return DEFAULT_CURRENCIES;
  const found = problems.each(entriesOf(currencies), ([code, { node, place }]) => {
    if (!/^[A-Z]{3}$/.test(code))
      refuse(
        'SCENARIO_NAME_MALFORMED',
        place,
        `${shown(code)} is no currency; expected an ISO 4217 code of three capital letters, like KHR`,
      );
    return withPlaces(code as CurrencyCode, Number(textOf(at(node, 'places') ?? node)));
  });
  return found.sort((a, b) => (a.code < b.code ? -1 : 1));
}

function withPlaces(code: CurrencyCode, exponent: number): Currency {
  const usual = DEFAULT_CURRENCIES.find((currency) => currency.code === code);
  const unit = 10n ** BigInt(exponent);
  const usualUnit = 10n ** BigInt(usual?.exponent ?? 0);
  const scaled = (minor: bigint) => ((minor * unit) / usualUnit < MAX_MINOR ? (minor * unit) / usualUnit : MAX_MINOR);
  return {
    code,
    exponent,
    maxAmountMinor: scaled(usual?.maxAmountMinor ?? OTHER_MOST),
    maxSupplyMinor: scaled(usual?.maxSupplyMinor ?? OTHER_SUPPLY),
  };
}

function tiersOf(tiers: Node | null, currencies: Currencies, problems: Problems): readonly Tier[] {
  if (tiers === null) {
    // Of the usual limits, those in currencies that this network has as they are.
    const isUsual = (code: string) =>
      DEFAULT_CURRENCIES.some((usual) => usual.code === code && usual.exponent === currencies.get(code)?.exponent);
    return DEFAULT_TIERS.map(({ name, limits }) => ({
      name,
      limits: limits.filter(({ currency }) => isUsual(currency)),
    }));
  }
  const found = entriesOf(tiers);
  if (found.length > MAX_TIERS)
    problems.add('SCENARIO_LIMIT', tiers.place, `${found.length} tiers; at most ${MAX_TIERS} are expected`);
  return problems.each(found, ([name, { node, place }]) => {
    if (!TIER_NAME.test(name))
      refuse(
        'SCENARIO_NAME_MALFORMED',
        place,
        `${shown(name)} is no name of a tier; expected 2 to 12 of a-z and 0-9, a letter first`,
      );
    return {
      name: name as TierName,
      limits: entriesOf(node).map(([code, limit]) => limitOf(code, limit.node, limit.place, currencies)),
    };
  });
}

function limitOf(code: string, limit: Node, place: Place, currencies: Currencies): Tier['limits'][number] {
  const currency = currencies.get(code);
  if (currency === undefined)
    return refuse(
      'SCENARIO_AMOUNT',
      place,
      `the network has no currency ${shown(code)}${suggestion(code, currencies.keys())}`,
    );
  return { currency: currency.code, maxDailyMinor: readDecimal(textOf(limit), currency, limit.place).minor };
}

function scalar(value: string | number): Node {
  return { kind: 'scalar', place: NOWHERE, value };
}
