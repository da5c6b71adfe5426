/**
 * Every reader of text and JSON in `codec/` against hostile input: what it takes it writes the same again, what it refuses it
 * refuses by one of its own codes.
 */
import fc from 'fast-check';
import t from 'tap';
import * as arbitrary from '../testing/arbitraries.ts';
import {
  CODEC_CODES,
  fuzzRuns,
  hostileJson,
  hostileText,
  readerProblem,
  refusalProblem,
  samples,
} from '../testing/fuzz.ts';
import { TIERS, testNetwork } from '../testing/genesis.ts';
import type { Currency } from '../types/index.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { genesisToJson, parseGenesis } from './genesis-json.ts';
import { fromHex, toHex } from './hex.ts';
import { transactionFromJson, transactionToJson } from './json.ts';
import { encode } from './schema.ts';
import * as text from './text.ts';
import { transaction } from './transaction.ts';

const { genesis } = testNetwork();
const { currencies } = genesis;
const [khr, usd] = currencies as unknown as [Currency, Currency];
const digest = 'ab'.repeat(32);

type Reader = readonly [
  name: string,
  truth: readonly string[],
  codes: readonly string[],
  read: (text: string) => unknown,
  again: ((value: never) => string) | null,
];

const same = (value: string) => value;
const AMOUNT_CODES = ['AMOUNT_MALFORMED', 'AMOUNT_NEGATIVE', 'AMOUNT_TOO_PRECISE', 'AMOUNT_OVERFLOW'];
const minorOf =
  (currency: Currency) =>
  ({ minor }: { minor: bigint }) =>
    formatAmount(minor, currency.exponent);
const accounts = ['dara@aclb', 'settlement@nbc', 'a.b_c-d@wing', 'abcdefghijklmnopqrs@abcdefghijkl'];
const short = (value: string) => (/^.{3,32}$/.test(value) ? value : 'not of 3 to 32 characters');

const readers: readonly Reader[] = [
  ['an account', accounts, ['ACCOUNT_MALFORMED'], text.parseAccountId, short],
  ['a participant', ['nbc', 'aclb', 'abcdefghijkl'], ['PARTICIPANT_MALFORMED'], text.parseParticipantId, same],
  ['a currency', ['KHR', 'USD'], ['CURRENCY_MALFORMED'], text.parseCurrency, same],
  ['a tier', ['basic', 'full', 'a1'], ['TIER_MALFORMED'], text.parseTier, same],
  ['a hash', [digest], ['HASH_MALFORMED'], text.parseHash, same],
  ['a key', [digest], ['KEY_MALFORMED'], text.parsePublicKey, same],
  ['a nonce', ['ab'.repeat(16)], ['NONCE_MALFORMED'], text.parseNonce, same],
  ['hex', [digest, '', '00'], ['HEX_MALFORMED'], fromHex, toHex],
  [
    'an amount in riel',
    ['0', '5000', '9223372036854775807'],
    AMOUNT_CODES,
    (value) => parseAmount(value, khr),
    minorOf(khr),
  ],
  ['a genesis', [genesisToJson(genesis)], ['GENESIS_INVALID'], parseGenesis, null],
];

for (const [name, truth, codes, read, again] of readers) {
  t.test(`${name}: hostile text`, async (t) => {
    for (const value of truth) t.doesNotThrow(() => read(value), value.slice(0, 40));
    law(800, (seed) => {
      const value = hostileText(seed, truth);
      return [value, readerProblem(value, read, codes, again as ((value: unknown) => string) | null)];
    });
    t.pass('laws hold');
  });
}

t.test('an amount in dollars is never rounded', async (t) => {
  law(1_500, (seed) => {
    const value = hostileText(seed, ['0', '1.50', '92233720368547758.07', '0.01', '5']);
    const places = /\.(\d*)$/.exec(value)?.[1]?.length ?? 0;
    const shown = places === 0 ? `${value}.00` : value.padEnd(value.length + 2 - places, '0');
    const problem = readerProblem(value, (found) => parseAmount(found, usd), AMOUNT_CODES, null);
    const written =
      problem ??
      readerProblem(
        value,
        (found) => parseAmount(found, usd),
        AMOUNT_CODES,
        ({ minor }) => (formatAmount(minor, 2) === shown ? value : formatAmount(minor, 2)),
      );
    return [value, written];
  });
  t.pass('laws hold');
});

t.test('a genesis that is read is written and read the same', async (t) => {
  const truth = [genesis, testNetwork(7, {}, TIERS).genesis].map((each) => JSON.parse(genesisToJson(each)) as unknown);
  law(1_500, (seed) => {
    const value = JSON.stringify(hostileJson(seed, truth));
    const twice = (found: string) => {
      const first = genesisToJson(parseGenesis(found));
      return first === genesisToJson(parseGenesis(first)) ? found : 'something else the second time';
    };
    return [value, readerProblem(value, twice, ['GENESIS_INVALID'], same)];
  });
  t.pass('laws hold');
});

const FORM_CODES = [
  ...CODEC_CODES,
  ...['FIELD_MISSING', 'FIELD_UNKNOWN', 'AMOUNT_NOT_TEXT', ...AMOUNT_CODES, 'CURRENCY_MALFORMED', 'CURRENCY_UNKNOWN'],
  ...[
    'ACCOUNT_MALFORMED',
    'HASH_MALFORMED',
    'KEY_MALFORMED',
    'NONCE_MALFORMED',
    'SIGNATURE_MALFORMED',
    'SIGNATURE_MISSING',
    'TIER_MALFORMED',
  ],
];

t.test('the JSON form of a transaction: what is read has bytes, and reads the same again', async (t) => {
  const inCurrencies = samples(arbitrary.transaction, 12).map((value) => ({
    ...value,
    body: {
      ...value.body,
      commands: value.body.commands.map((command) =>
        'amount' in command ? { ...command, amount: { ...command.amount, currency: khr.code } } : command,
      ),
    },
  }));
  const truth = inCurrencies.map((value) => transactionToJson(value, currencies));
  for (const value of truth) t.doesNotThrow(() => transactionFromJson(value, currencies));
  law(3_000, (seed) => {
    const value = hostileJson(seed, truth);
    try {
      const read = transactionFromJson(value, currencies);
      const bytes = encode(transaction, read);
      const written = transactionToJson(read, currencies);
      const again = encode(transaction, transactionFromJson(written, currencies));
      if (Buffer.compare(bytes, again) !== 0) return [value, 'reads as another transaction the second time'];
      // An amount of dollars is filled up with zeros; all else is written as it was read.
      const said = JSON.stringify(value);
      const isSame = said.includes('"USD"') || JSON.stringify(written) === said;
      return [value, isSame ? null : `is written as ${JSON.stringify(written)}`];
    } catch (error) {
      return [value, refusalProblem(error, FORM_CODES)];
    }
  });
  t.equal(({} as Record<string, unknown>)['polluted'], undefined, 'no prototype was touched');
});

/** Runs one input a seed; `attempt` answers it and what is wrong, or null. */
function law(inputs: number, attempt: (seed: number) => readonly [input: unknown, problem: string | null]): void {
  const property = fc.property(fc.nat(), (seed) => {
    const [input, problem] = attempt(seed);
    if (problem !== null) throw new Error(`${problem}\n${JSON.stringify(input).slice(0, 1_500)}`);
  });
  fc.assert(property, fuzzRuns(inputs));
}
