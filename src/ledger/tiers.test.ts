/** Tiers: what wallets may pay out from one midnight to the next, all payments together. */
import fc from 'fast-check';
import t from 'tap';
import { MAX_MINOR } from '../codec/limits.ts';
import type { SpentRecord } from '../codec/state.ts';
import { Book } from '../testing/book.ts';
import { GENESIS_TIME_MS, KHR, TIERS, testNetwork, USD } from '../testing/genesis.ts';
import { account, issue, open, settlement, transfer } from '../testing/transactions.ts';
import type { Command, TierName } from '../types/index.ts';
import { holdingOf } from './holdings.ts';
import type { StatusName } from './status.ts';
import { dailyLimit, dayOf, spentOn } from './tiers.ts';

const DAY_MS = 86_400_000;
/** A day begins at 17:00 UTC: midnight in Phnom Penh. */
const network = testNetwork(4, { dayStartOffsetMinutes: 420 }, TIERS);
const MIDNIGHT_MS = GENESIS_TIME_MS + 17 * 3_600_000;
const OFFICERS = ['officer/1', 'officer/2'];
const AS_BANK = ['operator/aclb'];

const tier = (id: string, name: string): Command => ({
  type: 'setTier',
  account: account(id),
  tier: name as TierName,
});

/** poor@aclb is `basic` (500 riel, no dollar), dara@aclb is `full` (1000 riel); each has 5000 riel and 50 dollars. */
function opened(): Book {
  const book = new Book(network);
  const ok = (signers: string[], commands: Command[]) => {
    if (book.run(signers, commands) !== 'OK') throw new Error('the opening failed');
  };
  ok(OFFICERS, [issue(settlement('aclb'), 20_000n), issue(settlement('aclb'), 20_000n, USD)]);
  ok(AS_BANK, [open(network, 'poor@aclb', 'basic'), open(network, 'dara@aclb', 'full')]);
  for (const id of ['poor@aclb', 'dara@aclb'])
    ok(AS_BANK, [transfer(settlement('aclb'), id, 5_000n), transfer(settlement('aclb'), id, 5_000n, USD)]);
  return book;
}

/** dara pays poor, unless it is said otherwise. */
const pay = (minor: bigint, currency = KHR, from = 'dara@aclb', to = 'poor@aclb') =>
  transfer(from, to, minor, currency);
const byDara = (book: Book, minor: bigint, timeMs?: number) => book.run(['wallet/dara'], [pay(minor)], timeMs);

function spentOf(book: Book, id: string, currency = KHR): SpentRecord | null {
  const record = book.account(id);
  return record === null ? null : holdingOf(record, currency).spent;
}

t.test('every status, and who must sign', async (t) => {
  const wallet = (id: string, name: string | null) => open(network, id, name);
  const cases: [what: string, signers: string[], command: Command, status: StatusName][] = [
    ['with a tier', AS_BANK, wallet('new@aclb', 'basic'), 'OK'],
    ['with none', AS_BANK, wallet('new@aclb', null), 'TIER_UNKNOWN'],
    ['with one that is not there', AS_BANK, wallet('new@aclb', 'gold'), 'TIER_UNKNOWN'],
    ['by its bank', AS_BANK, tier('poor@aclb', 'full'), 'OK'],
    ['by itself', ['wallet/poor'], tier('poor@aclb', 'full'), 'BANK_SIGNATURE_MISSING'],
    ['by another bank', ['operator/cnb'], tier('poor@aclb', 'full'), 'BANK_SIGNATURE_MISSING'],
    ['to one that is not there', AS_BANK, tier('poor@aclb', 'gold'), 'TIER_UNKNOWN'],
    ['of no account', AS_BANK, tier('nobody@aclb', 'full'), 'ACCOUNT_NOT_FOUND'],
    ["of the bank's own", AS_BANK, tier(settlement('aclb'), 'basic'), 'ACCOUNT_RESERVED'],
    ['all of the day', ['wallet/dara'], pay(1_000n), 'OK'],
    ['a unit more', ['wallet/dara'], pay(1_001n), 'DAILY_LIMIT'],
    ['more than there is and than is allowed', ['wallet/dara'], pay(5_001n), 'INSUFFICIENT_FUNDS'],
    ['where there is no limit', ['wallet/dara'], pay(5_000n, USD), 'OK'],
    ['where nothing goes out', ['wallet/poor'], pay(1n, USD, 'poor@aclb', 'dara@aclb'), 'DAILY_LIMIT'],
    ['to a bank', ['wallet/poor'], pay(501n, KHR, 'poor@aclb', settlement('aclb')), 'DAILY_LIMIT'],
    ['from a bank', AS_BANK, pay(10_000n, KHR, settlement('aclb')), 'OK'],
  ];
  for (const [what, signers, command, status] of cases) {
    const book = opened();
    t.equal(book.run(signers, [command]), status, `${command.type}: ${what}`);
    t.equal(book.surplus(), 0n);
  }
});

t.test('a network without tiers knows none', async (t) => {
  const plain = testNetwork();
  const book = new Book(plain);
  t.equal(book.run(AS_BANK, [open(plain, 'dara@aclb', 'full')]), 'TIER_UNKNOWN');
  t.equal(book.run(AS_BANK, [open(plain, 'dara@aclb')]), 'OK');
  book.run(OFFICERS, [issue(settlement('aclb'), 10n)]);
  book.run(AS_BANK, [transfer(settlement('aclb'), 'dara@aclb', 10n)]);
  t.equal(book.run(['wallet/dara'], [transfer('dara@aclb', settlement('aclb'), 10n)]), 'OK');
  t.equal(spentOf(book, 'dara@aclb'), null, 'and counts nothing');
});

t.test('payments of a day add up, in one transaction and in several, and a refused one does not count', async (t) => {
  const book = opened();
  t.equal(byDara(book, 600n), 'OK');
  t.equal(book.run(['wallet/dara'], [pay(300n), pay(101n)]), 'DAILY_LIMIT');
  t.equal(byDara(book, 401n), 'DAILY_LIMIT');
  t.equal(book.run(['wallet/dara'], [pay(300n), pay(100n)]), 'OK');
  t.equal(byDara(book, 1n), 'DAILY_LIMIT');
  t.equal(book.run(['wallet/poor'], [pay(200n, KHR, 'poor@aclb', 'dara@aclb')]), 'OK');
  t.equal(byDara(book, 1n), 'DAILY_LIMIT', 'what comes in gives nothing back');
  t.strictSame(spentOf(book, 'dara@aclb'), { day: dayOf(book.timeMs, network.genesis.rules), minor: 1_000n });
});

t.test('a new day begins at midnight of the genesis', async (t) => {
  const book = opened();
  t.equal(byDara(book, 1_000n, MIDNIGHT_MS - 2), 'OK');
  t.equal(byDara(book, 1n, MIDNIGHT_MS - 1), 'DAILY_LIMIT');
  t.equal(byDara(book, 1_000n, MIDNIGHT_MS), 'OK');
  t.equal(byDara(book, 1n, MIDNIGHT_MS + DAY_MS - 1), 'DAILY_LIMIT');
  t.equal(byDara(book, 1n, MIDNIGHT_MS + DAY_MS), 'OK');
  t.equal(book.account('dara@aclb')?.holdings.length, 2, 'one of each currency, not one a day');
});

t.test('another tier counts at once, for what went out today too', async (t) => {
  const book = opened();
  byDara(book, 600n);
  t.equal(book.run(AS_BANK, [tier('dara@aclb', 'basic')]), 'OK');
  t.equal(byDara(book, 1n), 'DAILY_LIMIT');
  t.equal(book.run(AS_BANK, [tier('dara@aclb', 'full')]), 'OK');
  t.equal(byDara(book, 400n), 'OK');
  t.equal(byDara(book, 1n), 'DAILY_LIMIT');
  // Dollars that went out while nothing bounded them.
  t.equal(book.run(['wallet/dara'], [pay(5n, USD)]), 'OK');
  t.strictSame(spentOf(book, 'dara@aclb', USD)?.minor, 5n);
});

t.test('what goes out can be counted, however often it goes round', async (t) => {
  const currencies = network.genesis.currencies.map((currency) => {
    return { ...currency, maxAmountMinor: MAX_MINOR, maxSupplyMinor: MAX_MINOR };
  });
  const book = new Book({ ...network, genesis: { ...network.genesis, currencies } });
  const to = (from: string, payee: string) => pay(MAX_MINOR, USD, from, payee);
  book.run(AS_BANK, [open(network, 'dara@aclb', 'full')]);
  t.equal(book.run(OFFICERS, [issue(settlement('aclb'), MAX_MINOR, USD)]), 'OK');
  const round = [to(settlement('aclb'), 'dara@aclb'), to('dara@aclb', settlement('aclb'))];
  t.equal(book.run(['operator/aclb', 'wallet/dara'], [...round, ...round]), 'OK');
  t.equal(spentOf(book, 'dara@aclb', USD)?.minor, MAX_MINOR);
});

t.test('whatever is paid and when, no day lets out more than its limit', async () => {
  const step = fc.record({
    minor: fc.bigInt(1n, 700n),
    from: fc.constantFrom('poor', 'dara'),
    waitMs: fc.nat(DAY_MS / 3),
  });
  const law = fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
    const book = opened();
    const { genesis } = network;
    const out = new Map<string, bigint>();
    for (const { minor, from, waitMs } of steps) {
      const to = settlement('aclb');
      const done =
        book.run([`wallet/${from}`], [pay(minor, KHR, `${from}@aclb`, to)], book.timeMs + 1 + waitMs) === 'OK';
      const key = `${from} ${dayOf(book.timeMs, genesis.rules)}`;
      const before = out.get(key) ?? 0n;
      const limit = from === 'poor' ? 500n : 1_000n;
      const wouldFit = before + minor <= limit && book.balance(`${from}@aclb`) + (done ? minor : 0n) >= minor;
      if (done !== wouldFit) return false;
      if (done) out.set(key, before + minor);
    }
    return book.surplus() === 0n;
  });
  fc.assert(law, { numRuns: 40 });
});

t.test('days and limits by themselves', async (t) => {
  const { genesis } = network;
  const days: [offset: number, timeMs: number, day: number][] = [
    [0, 0, 0],
    [0, DAY_MS - 1, 0],
    [0, DAY_MS, 1],
    [420, 17 * 3_600_000 - 1, 0],
    [420, 17 * 3_600_000, 1],
    [1_439, 59_999, 0],
    [1_439, 60_000, 1],
  ];
  for (const [dayStartOffsetMinutes, timeMs, day] of days)
    t.equal(dayOf(timeMs, { ...genesis.rules, dayStartOffsetMinutes }), day);
  t.equal(spentOn(3, null), 0n);
  t.equal(spentOn(3, { day: 2, minor: 9n }), 0n);
  t.equal(spentOn(3, { day: 3, minor: 9n }), 9n);
  t.equal(dailyLimit(genesis, 'basic' as TierName, USD), 0n);
  t.equal(dailyLimit(genesis, 'full' as TierName, USD), null);
  t.equal(dailyLimit(genesis, null, KHR), null);
});

t.test('a bank counts nothing that it pays out', async (t) => {
  const book = opened();
  t.equal(spentOf(book, settlement('aclb')), null);
  t.not(book.balance(settlement('aclb')), 20_000n, 'and has paid');
});
