import fc from 'fast-check';
import t from 'tap';
import type { Currency } from '../types/index.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { fromHex, isHex, toHex } from './hex.ts';
import { MAX_MINOR } from './limits.ts';
import {
  isSettlement,
  parseAccountId,
  parseCurrency,
  parseHash,
  parseNonce,
  parseParticipantId,
  parseTier,
  participantOf,
} from './text.ts';

const khr = { code: 'KHR', exponent: 0, maxAmountMinor: 1n, maxSupplyMinor: 1n } as Currency;
const usd = { ...khr, code: 'USD', exponent: 2 } as Currency;

t.test('account ids', async (t) => {
  for (const good of [
    'dara@aclb',
    'a@bc',
    '0@aclb',
    'sok.dara-1_x@wing2',
    'abaakhppxxx@abaa',
    `${'a'.repeat(19)}@abcdefghijkl`,
  ]) {
    t.equal(parseAccountId(good), good);
  }
  const bad = [
    '',
    'dara',
    '@aclb',
    'dara@',
    'Dara@aclb',
    'dara@a',
    'dara@1clb',
    'da ra@aclb',
    '.dara@aclb',
    'dara-@aclb',
  ];
  for (const text of [
    ...bad,
    'dara@aclb@x',
    'dârà@aclb',
    `${'a'.repeat(20)}@abcdefghijkl`,
    'dara@abcdefghijklm',
    'a\n@aclb',
  ]) {
    t.throws(() => parseAccountId(text), { code: 'ACCOUNT_MALFORMED' }, JSON.stringify(text));
  }
  t.equal(participantOf(parseAccountId('dara@aclb')), 'aclb');
  t.equal(isSettlement(parseAccountId('settlement@aclb')), true);
  t.equal(isSettlement(parseAccountId('settlement1@aclb')), false);
});

t.test('other ids are refused by their own codes', async (t) => {
  t.throws(() => parseParticipantId('ACLB'), { code: 'PARTICIPANT_MALFORMED' });
  t.throws(() => parseCurrency('khr'), { code: 'CURRENCY_MALFORMED' });
  for (const tier of ['', 'a', 'Full', '1st', 'full-', 'abcdefghijklm'])
    t.throws(() => parseTier(tier), { code: 'TIER_MALFORMED' });
  t.throws(() => parseHash('AB'.repeat(32)), { code: 'HASH_MALFORMED' });
  t.throws(() => parseNonce('ab'), { code: 'NONCE_MALFORMED' });
});

t.test('amounts in text', async (t) => {
  const good: [string, Currency, bigint][] = [
    ['0', khr, 0n],
    ['5000', khr, 5000n],
    ['1', usd, 100n],
    ['1.5', usd, 150n],
    ['1.50', usd, 150n],
    ['0.01', usd, 1n],
    [String(MAX_MINOR), khr, MAX_MINOR],
  ];
  for (const [text, currency, minor] of good) t.equal(parseAmount(text, currency).minor, minor, text);
  const bad: [string, Currency, string][] = [
    ['-1', khr, 'AMOUNT_NEGATIVE'],
    ['1.5', khr, 'AMOUNT_TOO_PRECISE'],
    ['1.0', khr, 'AMOUNT_TOO_PRECISE'],
    ['1.001', usd, 'AMOUNT_TOO_PRECISE'],
    [String(MAX_MINOR + 1n), khr, 'AMOUNT_OVERFLOW'],
    ['9'.repeat(41), khr, 'AMOUNT_MALFORMED'],
    ...['', '+1', '01', '1.', '.5', '1e3', '1,000', ' 1', '1 ', '0x10', 'NaN', '１', '1\n', '--1'].map(
      (text): [string, Currency, string] => [text, usd, 'AMOUNT_MALFORMED'],
    ),
  ];
  for (const [text, currency, code] of bad) t.throws(() => parseAmount(text, currency), { code }, JSON.stringify(text));
});

t.test('an amount written is the amount read', async () => {
  const amounts = fc.bigInt(0n, MAX_MINOR);
  for (const currency of [khr, usd]) {
    fc.assert(
      fc.property(amounts, (minor) => parseAmount(formatAmount(minor, currency.exponent), currency).minor === minor),
    );
  }
});

t.test('hex is lowercase, whole, and of the length asked for', async (t) => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => Buffer.compare(fromHex(toHex(bytes)), bytes) === 0));
  for (const text of ['a', 'AB', 'zz', '0x12', ' 12']) t.throws(() => fromHex(text), { code: 'HEX_MALFORMED' }, text);
  t.throws(() => fromHex('abcd', 3), { code: 'HEX_MALFORMED' });
  t.equal(isHex('ab', 1), true);
  t.equal(isHex('ab', 2), false);
});
