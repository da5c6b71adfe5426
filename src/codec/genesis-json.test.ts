/** The JSON form of the genesis: it says all that the bytes say, and nothing else is read. */
import fc from 'fast-check';
import { test } from 'tap';
import type { CurrencyCode, Genesis, ParticipantId, PublicKey, TierName } from '../types/index.ts';
import { genesisProblem, genesis as genesisSchema } from './genesis.ts';
import { genesisToJson, parseGenesis } from './genesis-json.ts';
import { MAX_MINOR } from './limits.ts';
import { encode } from './schema.ts';

const key = (n: number) => n.toString(16).padStart(64, '0') as PublicKey;

const example: Genesis = {
  version: 1,
  network: 'tonle-test',
  timeMs: 1_767_225_600_000,
  currencies: [
    { code: 'KHR' as CurrencyCode, exponent: 0, maxAmountMinor: 10n, maxSupplyMinor: MAX_MINOR },
    { code: 'USD' as CurrencyCode, exponent: 2, maxAmountMinor: 1n, maxSupplyMinor: 9n },
  ],
  participants: [
    {
      id: 'nbc' as ParticipantId,
      name: 'ធនាគារជាតិ',
      kind: 'centralBank',
      operatorKey: key(1),
      validatorKey: key(2),
      networkKey: key(3),
    },
    {
      id: 'aclb' as ParticipantId,
      name: 'ACLEDA "Bank"',
      kind: 'bank',
      operatorKey: key(4),
      validatorKey: key(5),
      networkKey: key(6),
    },
  ],
  officers: { keys: [key(7), key(8)], quorum: 2 },
  tiers: [{ name: 'basic' as TierName, limits: [{ currency: 'KHR' as CurrencyCode, maxDailyMinor: 77n }] }],
  rules: {
    maxValidityMs: 600_000,
    maxClockSkewMs: 5_000,
    checkpointInterval: 100,
    aliasClaimDelayMs: 0,
    aliasClaimWindowMs: 1_000,
    dayStartOffsetMinutes: 420,
  },
};

const anyGenesis: fc.Arbitrary<Genesis> = fc
  .record({
    network: fc.stringMatching(/^[ -~]{1,40}$/),
    timeMs: fc.maxSafeNat(),
    codes: fc.uniqueArray(fc.stringMatching(/^[A-Z]{3}$/), { minLength: 1, maxLength: 5 }),
    limits: fc.tuple(fc.bigInt(1n, MAX_MINOR), fc.bigInt(0n, MAX_MINOR), fc.nat(4)),
    ids: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{1,11}$/), { minLength: 1, maxLength: 7 }),
    name: fc.stringMatching(/^[ -~\u1780-\u17b3]{1,20}$/),
    officers: fc.integer({ min: 1, max: 5 }),
    quorum: fc.nat(4),
    rules: fc.record({
      maxValidityMs: fc.integer({ min: 1_000, max: 86_400_000 }),
      maxClockSkewMs: fc.integer({ min: 1, max: 86_400_000 }),
      checkpointInterval: fc.integer({ min: 1, max: 1_000_000 }),
      aliasClaimDelayMs: fc.nat(30 * 86_400_000),
      aliasClaimWindowMs: fc.integer({ min: 1_000, max: 30 * 86_400_000 }),
      dayStartOffsetMinutes: fc.nat(1_439),
    }),
    tiers: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{1,11}$/), { maxLength: 8 }),
    daily: fc.bigInt(0n, MAX_MINOR),
  })
  .map(({ network, timeMs, codes, limits, ids, name, officers, quorum, rules, tiers, daily }) => ({
    version: 1,
    network,
    timeMs,
    currencies: codes.sort().map((code) => ({
      code: code as CurrencyCode,
      exponent: limits[2],
      maxAmountMinor: limits[0],
      maxSupplyMinor: limits[1],
    })),
    participants: ids.map((id, i) => ({
      id: id as ParticipantId,
      name,
      kind: i === 0 ? 'centralBank' : 'bank',
      operatorKey: key(1000 + i),
      validatorKey: key(2000 + i),
      networkKey: key(3000 + i),
    })),
    officers: { keys: Array.from({ length: officers }, (_, i) => key(i)), quorum: 1 + (quorum % officers) },
    tiers: tiers.sort().map((tier, i) => ({
      name: tier as TierName,
      limits: codes.slice(i % codes.length).map((code) => ({ currency: code as CurrencyCode, maxDailyMinor: daily })),
    })),
    rules,
  }));

test('a genesis comes back from its text, byte for byte', async (t) => {
  fc.assert(
    fc.property(anyGenesis, (genesis) => {
      fc.pre(genesisProblem(genesis) === null);
      const text = genesisToJson(genesis);
      const read = parseGenesis(text);
      return (
        Buffer.compare(encode(genesisSchema, read), encode(genesisSchema, genesis)) === 0 &&
        genesisToJson(read) === text
      );
    }),
    { numRuns: 200 },
  );
  t.strictSame(parseGenesis(genesisToJson(example)), example);
});

test('spaces and the order of fields do not matter', async (t) => {
  const turned = Object.fromEntries(Object.entries(JSON.parse(genesisToJson(example)) as object).reverse());
  t.strictSame(parseGenesis(JSON.stringify(turned)), example);
});

const LIMIT = { currency: 'KHR', maxDailyMinor: '1' };

/** The example with other tiers; what is not said of one is fine. */
function withTier(...tiers: readonly object[]): string {
  const genesis = JSON.parse(genesisToJson(example)) as object;
  return JSON.stringify({ ...genesis, tiers: tiers.map((tier) => ({ name: 'basic', limits: [], ...tier })) });
}

const limitIn = (currency: string) => withTier({ limits: [{ ...LIMIT, currency }] });

test('whatever is wrong is refused with its place', async (t) => {
  const text = genesisToJson(example);
  const cases: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    ['nothing', '', /genesis: not JSON/],
    ['half of it', text.slice(0, 200), /genesis: not JSON/],
    ['a list', '[]', /genesis: expected an object/],
    ['too long', ' '.repeat(300_000), /genesis: over \d+ characters/],
    ['too deep', '['.repeat(100_000) + ']'.repeat(100_000), /genesis: expected an object/],
    ['another version', text.replace('"version": 1', '"version": 2'), /genesis\.version: expected 1/],
    ['a field too many', text.replace('"network"', '"note": 1, "network"'), /genesis\.note: unknown field/],
    ['a misspelt field', text.replace('"quorum"', '"quorun"'), /genesis\.officers\.quorum: missing/],
    ['a field twice', text.replace('"quorum": 2', '"quorum": 1, "quorum": 2'), /appears twice in one object/],
    ['a fraction', text.replace('"quorum": 2', '"quorum": 1.5'), /genesis\.officers\.quorum: expected a whole number/],
    ['a quorum too large', text.replace('"quorum": 2', '"quorum": 3'), /the quorum is larger/],
    ['amounts as numbers', text.replace('"10"', '10'), /currencies\.0\.maxAmountMinor: expected minor units/],
    ['a leading zero', text.replace('"10"', '"010"'), /currencies\.0\.maxAmountMinor: expected minor units/],
    [
      'too much',
      text.replace('"10"', '"9223372036854775808"'),
      /currencies\.0\.maxAmountMinor: over 9223372036854775807/,
    ],
    ['more than 64 bits', text.replace('"10"', '"18446744073709551616"'), /maxAmountMinor: expected minor units/],
    ['a lower-case currency', text.replace('"KHR"', '"khr"'), /currencies\.0\.code: expected an ISO 4217 code/],
    ['currencies out of order', text.replace('"KHR"', '"ZAR"'), /currencies: expected each once, ascending/],
    ['another kind', text.replace('"bank"', '"Bank"'), /participants\.1\.kind: expected centralBank or bank/],
    ['no central bank', text.replace('"centralBank"', '"bank"'), /participants: expected one central bank/],
    ['an upper-case key', text.replace(key(4), 'A'.repeat(64)), /participants\.1\.operatorKey/],
    ['a key twice', text.replace(key(4), key(2)), /a key is used for two purposes/],
    ['an officer who is no key', text.replace(`"${key(7)}"`, '7'), /officers\.keys\.0: expected 64/],
    ['a bad id', text.replace('"aclb"', '"ACLB"'), /participants\.1\.id: expected 2 to 12/],
    ['a tier in capitals', text.replace('"basic"', '"Basic"'), /tiers\.0\.name: expected 2 to 12/],
    ['a limit as a number', text.replace('"77"', '77'), /tiers\.0\.limits\.0\.maxDailyMinor: expected minor units/],
    ['a limit too large', text.replace('"77"', '"9223372036854775808"'), /tiers\.0\.limits\.0\.maxDailyMinor: over/],
    ['a limit in no currency', limitIn('ZAR'), /tiers: a limit in a currency that the network does not have/],
    ['a limit twice', withTier({ limits: [LIMIT, LIMIT] }), /tiers: expected each currency of a tier once/],
    ['a tier twice', withTier({}, {}), /tiers: expected each once, ascending by name/],
    ['nine tiers', withTier(...'abcdefghi'.split('').map((name) => ({ name: `t${name}` }))), /tiers: expected 0 to 8/],
    ['a tier without limits', text.replace('"limits"', '"limit"'), /tiers\.0\.limits: missing/],
    ['a day of 25 hours', text.replace('Minutes": 420', 'Minutes": 1440'), /dayStartOffsetMinutes: expected 0 to 1439/],
    ['no window', text.replace('WindowMs": 1000', 'WindowMs": 999'), /aliasClaimWindowMs: expected 1000 to/],
    ['a delay of a year', text.replace('DelayMs": 0', 'DelayMs": 31536000000'), /aliasClaimDelayMs: expected 0 to/],
    [
      'a participant that is text',
      text.replace(/"participants": \[/, '"participants": ["x",'),
      /participants\.0: expected an object/,
    ],
  ];
  for (const [what, bad, says] of cases) {
    t.not(bad, text, `${what} is a change`);
    t.throws(() => parseGenesis(bad), { code: 'GENESIS_INVALID', message: says }, what);
  }
});

test('no text makes it throw anything else', async (t) => {
  const text = genesisToJson(example);
  const edited = fc.tuple(fc.nat(text.length), fc.nat(20), fc.string()).map(([at, cut, put]) => {
    return text.slice(0, at) + put + text.slice(at + cut);
  });
  fc.assert(
    fc.property(fc.oneof(edited, fc.json(), fc.string()), (input) => {
      try {
        return genesisProblem(parseGenesis(input)) === null;
      } catch (error) {
        return error instanceof Error && 'code' in error && error.code === 'GENESIS_INVALID';
      }
    }),
    { numRuns: 500 },
  );
  t.pass('only GENESIS_INVALID');
});
