import fc from 'fast-check';
import t from 'tap';
import { MAX_CURRENCIES, MAX_MINOR, MAX_SAFE, MAX_STATE_VALUE_BYTES, MAX_TIER_NAME_CHARS } from '../codec/limits.ts';
import { decode, encode } from '../codec/schema.ts';
import { type AccountRecord, accountRecord } from '../codec/state.ts';
import type { CurrencyCode, PublicKey, TierName } from '../types/index.ts';
import { holdingOf, withHolding } from './holdings.ts';

const empty: AccountRecord = { publicKey: '00'.repeat(32) as PublicKey, openedAtHeight: 0, tier: null, holdings: [] };
const codes = Array.from({ length: MAX_CURRENCIES }, (_, i) => `A${String.fromCharCode(65 + i)}Z` as CurrencyCode);

t.test('what was put last of each currency is there, in whatever order it came, as canonical bytes', async () => {
  const puts = fc.array(fc.record({ currency: fc.constantFrom(...codes), minor: fc.bigInt(0n, MAX_MINOR) }));
  fc.assert(
    fc.property(puts, (list) => {
      const record = list.reduce((account, put) => withHolding(account, { ...put, spent: null }), empty);
      const last = new Map(list.map(({ currency, minor }) => [currency, minor]));
      const found = decode(accountRecord, encode(accountRecord, record), MAX_STATE_VALUE_BYTES);
      return (
        found.holdings.length === last.size &&
        codes.every((code) => holdingOf(found, code).minor === (last.get(code) ?? 0n))
      );
    }),
  );
});

t.test('an account with the most of everything has its place in the state', async (t) => {
  const holdings = codes.map((currency) => ({
    currency,
    minor: MAX_MINOR,
    spent: { day: MAX_SAFE, minor: MAX_MINOR },
  }));
  const tier = 't'.repeat(MAX_TIER_NAME_CHARS) as TierName;
  const bytes = encode(accountRecord, { ...empty, openedAtHeight: MAX_SAFE, tier, holdings });
  t.equal(bytes.length, 586);
  t.ok(decode(accountRecord, bytes, MAX_STATE_VALUE_BYTES));
});

for (const [what, order] of [
  ['in another order', ['USD', 'KHR']],
  ['twice', ['KHR', 'KHR']],
] as const) {
  t.test(`a record that has currencies ${what} is refused`, async (t) => {
    const holdings = order.map((code) => ({ currency: code as CurrencyCode, minor: 1n, spent: null }));
    const bytes = encode(accountRecord, { ...empty, holdings });
    t.throws(() => decode(accountRecord, bytes, MAX_STATE_VALUE_BYTES), {
      code: 'FIELD_INVALID',
      message: /expected each currency once, ascending/,
    });
  });
}
