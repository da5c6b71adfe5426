import fc from 'fast-check';
import t from 'tap';
import { transactionId } from '../crypto/ids.ts';
import { Book } from '../testing/book.ts';
import { GENESIS_TIME_MS, KHR, testNetwork, USD } from '../testing/genesis.ts';
import {
  account,
  issue,
  open,
  redeem,
  settlement,
  transactionOf,
  transfer,
  walletOf,
} from '../testing/transactions.ts';
import type { AliasKey, Command, PublicKey, StateKey } from '../types/index.ts';
import { seenBucket } from './keys.ts';
import { applyBlock, check, rulesOf, touchedKeys, writesRoot } from './ledger.ts';
import { LedgerState } from './state.ts';
import { STATUSES, type StatusName, statusCode, statusNamed, statusOf } from './status.ts';

const network = testNetwork();
const rules = rulesOf(network.genesis);
const OFFICERS = ['officer/1', 'officer/2'];
const PHONE = 'a1'.repeat(32) as AliasKey;

/** dara@aclb has 1000 riel and PHONE; bopha@cnb has nothing; aclb has 1000 riel and 100 dollars left. */
function opened(): Book {
  const book = new Book(network);
  const ok = (signers: string[], commands: Command[]) => {
    if (book.run(signers, commands) !== 'OK') throw new Error('the opening balance failed');
  };
  ok(OFFICERS, [issue(settlement('aclb'), 2_000n), issue(settlement('aclb'), 10_000n, USD)]);
  ok(['operator/aclb'], [open(network, 'dara@aclb'), transfer(settlement('aclb'), 'dara@aclb', 1_000n)]);
  ok(['operator/cnb'], [open(network, 'bopha@cnb')]);
  ok(['operator/aclb', 'wallet/dara'], [bind('dara@aclb')]);
  return book;
}

const bind = (id: string): Command => ({ type: 'registerAlias', aliasKey: PHONE, account: account(id) });
const release = (id: string): Command => ({ type: 'releaseAlias', aliasKey: PHONE, account: account(id) });
const byPhone = (from: string, to: string, minor: bigint, epoch: number): Command =>
  ({ ...transfer(from, to, minor), alias: { aliasKey: PHONE, epoch } }) as Command;

t.test('every command: who must sign, and what refuses it', async (t) => {
  const eur = 'EUR' as typeof KHR;
  const weak = { ...open(network, 'new@aclb'), publicKey: '00'.repeat(32) as PublicKey } as Command;
  const cases: [what: string, signers: string[], command: Command, status: StatusName][] = [
    ['a wallet pays', ['wallet/dara'], transfer('dara@aclb', 'bopha@cnb', 1_000n), 'OK'],
    ['by phone number', ['wallet/dara'], byPhone('dara@aclb', settlement('cnb'), 1n, 1), 'ALIAS_STALE'],
    ['to itself', ['wallet/dara'], transfer('dara@aclb', 'dara@aclb', 1n), 'SAME_ACCOUNT'],
    ['nothing', ['wallet/dara'], transfer('dara@aclb', 'bopha@cnb', 0n), 'AMOUNT_ZERO'],
    ['too much at once', ['wallet/dara'], transfer('dara@aclb', 'bopha@cnb', 1_000_000_001n), 'AMOUNT_TOO_LARGE'],
    ['more than it has', ['wallet/dara'], transfer('dara@aclb', 'bopha@cnb', 1_001n), 'INSUFFICIENT_FUNDS'],
    ['in a currency it lacks', ['wallet/dara'], transfer('dara@aclb', 'bopha@cnb', 1n, USD), 'INSUFFICIENT_FUNDS'],
    ['in an unknown currency', ['wallet/dara'], transfer('dara@aclb', 'bopha@cnb', 1n, eur), 'CURRENCY_UNKNOWN'],
    ['from nobody', ['wallet/dara'], transfer('nobody@aclb', 'bopha@cnb', 1n), 'ACCOUNT_NOT_FOUND'],
    ['to nobody', ['wallet/dara'], transfer('dara@aclb', 'nobody@cnb', 1n), 'PAYEE_NOT_FOUND'],
    ["with another's key", ['wallet/bopha'], transfer('dara@aclb', 'bopha@cnb', 1n), 'ACCOUNT_SIGNATURE_MISSING'],
    ["with its bank's key", ['operator/aclb'], transfer('dara@aclb', 'bopha@cnb', 1n), 'ACCOUNT_SIGNATURE_MISSING'],
    ['a bank opens an account', ['operator/aclb'], open(network, 'sokha@aclb'), 'OK'],
    ["at another's bank", ['operator/cnb'], open(network, 'sokha@aclb'), 'BANK_SIGNATURE_MISSING'],
    ['at no bank', ['operator/aclb'], open(network, 'sokha@nobank'), 'PARTICIPANT_UNKNOWN'],
    ['twice', ['operator/aclb'], open(network, 'dara@aclb'), 'ACCOUNT_EXISTS'],
    ['with the reserved name', ['operator/aclb'], open(network, 'settlement@aclb'), 'ACCOUNT_RESERVED'],
    ['with a weak key', ['operator/aclb'], weak, 'KEY_WEAK'],
    ['a taken number is bound', ['wallet/bopha', 'operator/cnb'], bind('bopha@cnb'), 'ALIAS_TAKEN'],
    ['to no account', ['wallet/bopha', 'operator/cnb'], bind('nobody@cnb'), 'ACCOUNT_NOT_FOUND'],
    ["another's number is released", ['wallet/bopha'], release('bopha@cnb'), 'ALIAS_NOT_YOURS'],
    ['a number is released by the bank', ['operator/aclb'], release('dara@aclb'), 'ACCOUNT_SIGNATURE_MISSING'],
    ['a number is released', ['wallet/dara'], release('dara@aclb'), 'OK'],
    ['officers issue', OFFICERS, issue(settlement('cnb'), 5n), 'OK'],
    ['one officer issues', ['officer/1'], issue(settlement('cnb'), 5n), 'OFFICER_QUORUM_MISSING'],
    ['a bank issues', ['operator/aclb'], issue(settlement('aclb'), 5n), 'OFFICER_QUORUM_MISSING'],
    ['to a wallet', OFFICERS, issue('dara@aclb', 5n), 'SETTLEMENT_ONLY'],
    ['to no bank', OFFICERS, issue(settlement('nobank'), 5n), 'ACCOUNT_NOT_FOUND'],
    ['officers and bank redeem', [...OFFICERS, 'operator/aclb'], redeem(settlement('aclb'), 1_000n), 'OK'],
    ['officers alone redeem', OFFICERS, redeem(settlement('aclb'), 1n), 'ACCOUNT_SIGNATURE_MISSING'],
    ['a bank alone redeems', ['operator/aclb'], redeem(settlement('aclb'), 1n), 'OFFICER_QUORUM_MISSING'],
    ['more than it has', [...OFFICERS, 'operator/aclb'], redeem(settlement('aclb'), 1_001n), 'INSUFFICIENT_FUNDS'],
    ["a wallet's money", [...OFFICERS, 'wallet/dara'], redeem('dara@aclb', 1n), 'SETTLEMENT_ONLY'],
  ];
  for (const [what, signers, command, status] of cases) {
    const book = opened();
    t.equal(book.run(signers, [command]), status, `${command.type}: ${what}`);
    t.equal(book.surplus(), 0n);
  }
});

t.test('where several checks fail, the lowest code is the answer', async (t) => {
  const book = opened();
  const worst = (changes: object) =>
    book.run(['wallet/bopha'], [{ ...transfer('x@aclb', 'x@aclb', 0n), ...changes } as Command]);
  t.equal(worst({ amount: { currency: 'EUR', minor: 0n } }), 'CURRENCY_UNKNOWN');
  t.equal(worst({}), 'AMOUNT_ZERO');
  t.equal(worst({ amount: { currency: KHR, minor: 1n } }), 'SAME_ACCOUNT');
  t.equal(worst({ amount: { currency: KHR, minor: 1n }, to: 'y@cnb' }), 'ACCOUNT_NOT_FOUND');
  t.equal(worst({ amount: { currency: KHR, minor: 1n }, to: 'y@cnb', from: 'dara@aclb' }), 'PAYEE_NOT_FOUND');
});

t.test('a transaction takes effect whole or not at all', async (t) => {
  const book = opened();
  const tx = transactionOf(
    network,
    ['wallet/dara'],
    [transfer('dara@aclb', 'bopha@cnb', 600n), transfer('dara@aclb', 'bopha@cnb', 600n)],
  );
  const { receipts } = book.block([tx]);
  t.match(receipts, [{ status: statusCode('INSUFFICIENT_FUNDS'), failedCommand: 1 }]);
  t.equal(book.balance('dara@aclb'), 1_000n);
  t.equal(book.balance('bopha@cnb'), 0n);
});

t.test('later commands and transactions of a block see what earlier ones did', async (t) => {
  const book = opened();
  const there = transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 1_000n)]);
  const back = transactionOf(network, ['wallet/bopha'], [transfer('bopha@cnb', 'dara@aclb', 400n)]);
  t.strictSame(
    book.block([there, back]).receipts.map((receipt) => receipt.status),
    [0, 0],
  );
  t.equal(book.balance('dara@aclb'), 400n);
  t.equal(book.balance('bopha@cnb'), 600n);
});

t.test('a payment by phone number holds only for the binding the payer saw', async (t) => {
  const book = opened();
  book.run(['operator/cnb', 'wallet/bopha'], [open(network, 'payer@cnb')]);
  const pay = (to: string, epoch: number) => book.run(['operator/aclb'], [byPhone(settlement('aclb'), to, 1n, epoch)]);
  t.equal(pay('dara@aclb', 1), 'OK');
  t.equal(book.run(['wallet/dara'], [release('dara@aclb')]), 'OK');
  t.equal(pay('dara@aclb', 1), 'ALIAS_STALE', 'released');
  t.equal(book.run(['wallet/dara'], [release('dara@aclb')]), 'ALIAS_NOT_FOUND');
  t.equal(book.run(['wallet/bopha', 'operator/cnb'], [bind('bopha@cnb')]), 'OK');
  t.equal(pay('dara@aclb', 1), 'ALIAS_STALE', 'bound to another');
  t.equal(pay('bopha@cnb', 1), 'ALIAS_STALE', 'of an older epoch');
  t.equal(pay('bopha@cnb', 2), 'OK');
});

t.test('a transaction takes effect once: in its block, in later ones, until it has expired, and after', async (t) => {
  const book = opened();
  const untilMs = book.timeMs + 120_000;
  const tx = transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 1n)], untilMs);
  t.equal(book.block([tx, tx]).receipts.length, 1);
  for (const timeMs of [book.timeMs + 1, untilMs - 1, untilMs, untilMs + 1, untilMs + 60_000, untilMs + 10_000_000]) {
    const { receipts } = book.block([tx], timeMs);
    t.equal(receipts.length, 0, `at ${timeMs - untilMs} ms after its end`);
  }
  t.equal(book.balance('bopha@cnb'), 1n);
  t.equal([...book.entries.keys()].filter((key) => key.startsWith('seen/')).length, 0, 'replay memory is empty again');
});

t.test('replay memory is forgotten by the second, as soon as its transactions have expired', async (t) => {
  const book = opened();
  const firstMs = Math.ceil(book.timeMs / 1_000) * 1_000 + 5_000;
  const seen = () => [...book.entries.keys()].filter((key) => key.startsWith('seen/')).length;
  const before = seen();
  for (const untilMs of [firstMs, firstMs + 999, firstMs + 1_000]) {
    book.block([transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 1n)], untilMs)]);
  }
  t.equal(seen(), before + 3);
  t.equal(book.block([], firstMs + 999).writes.forget?.to, seenBucket(firstMs));
  t.equal(seen(), before + 3, 'one is valid still');
  t.same(book.block([], firstMs + 1_000).writes.forget, { from: seenBucket(firstMs), to: seenBucket(firstMs + 1_000) });
  t.equal(seen(), before + 1);
  t.equal(book.block([], firstMs + 1_001).writes.forget, null);
});

t.test('a refused transaction is remembered too: money that comes later does not wake it', async (t) => {
  const book = opened();
  const tx = transactionOf(network, ['wallet/bopha'], [transfer('bopha@cnb', 'dara@aclb', 5n)], book.timeMs + 60_000);
  t.match(book.block([tx]).receipts, [{ status: statusCode('INSUFFICIENT_FUNDS') }]);
  book.run(['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 10n)]);
  t.equal(book.block([tx]).receipts.length, 0);
  t.equal(book.balance('bopha@cnb'), 10n);
});

t.test('validity is bounded on both sides', async (t) => {
  const book = opened();
  const { maxValidityMs } = network.genesis.rules;
  const at = (untilMs: number): StatusName => {
    const transaction = transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 1n)], untilMs);
    const identified = { id: transactionId(transaction.body), transaction };
    const view = new Map([...touchedKeys([identified])].map((key) => [key, book.entries.get(key) ?? null]));
    return check(rules, view, identified, book.timeMs, book.height + 1).status;
  };
  t.equal(at(book.timeMs - 1), 'EXPIRED');
  t.equal(at(book.timeMs), 'OK');
  t.equal(at(book.timeMs + maxValidityMs), 'OK');
  t.equal(at(book.timeMs + maxValidityMs + 1), 'VALIDITY_TOO_LONG');
});

t.test('supply has a cap, and what was redeemed may be issued again', async (t) => {
  const book = new Book(network);
  const cap = 10_000_000_000n;
  for (let i = 0; i < 10; i++) t.equal(book.run(OFFICERS, [issue(settlement('aclb'), cap / 10n)]), 'OK');
  t.equal(book.run(OFFICERS, [issue(settlement('aclb'), 1n)]), 'SUPPLY_CAP');
  t.equal(book.run([...OFFICERS, 'operator/aclb'], [redeem(settlement('aclb'), 7n)]), 'OK');
  t.equal(book.run(OFFICERS, [issue(settlement('aclb'), 8n)]), 'SUPPLY_CAP');
  t.equal(book.run(OFFICERS, [issue(settlement('aclb'), 7n)]), 'OK');
  t.equal(book.surplus(), 0n);
});

t.test('whatever is done, money is conserved and no balance is negative', async () => {
  const accounts = ['dara@aclb', 'bopha@cnb', settlement('aclb'), settlement('cnb')];
  const keys = [...OFFICERS, 'operator/aclb', 'operator/cnb', 'wallet/dara', 'wallet/bopha'];
  const id = fc.constantFrom(...accounts);
  const minor = fc.bigInt(0n, 3_000n);
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.tuple(id, id, minor).map(([from, to, sum]) => transfer(from, to, sum)),
    fc.tuple(id, minor).map(([to, sum]) => issue(to, sum)),
    fc.tuple(id, minor).map(([from, sum]) => redeem(from, sum)),
  );
  const blocks = fc.array(fc.array(fc.array(command, { minLength: 1, maxLength: 3 }), { maxLength: 3 }), {
    maxLength: 4,
  });
  const law = fc.property(blocks, (list) => {
    const book = opened();
    for (const transactions of list)
      book.block(transactions.map((commands) => transactionOf(network, keys, commands, book.timeMs + 9_000)));
    return book.surplus() === 0n && accounts.every((each) => book.balance(each) >= 0n);
  });
  fc.assert(law, { numRuns: 25 });
});

t.test('the order in which a view was loaded leaves no trace', async (t) => {
  const tx = transactionOf(network, OFFICERS, [issue(settlement('wing'), 3n), issue(settlement('aclb'), 4n)]);
  const identified = { id: transactionId(tx.body), transaction: tx };
  const book = new Book(network);
  const keys = [...touchedKeys([identified])];
  const roots = [keys, keys.toReversed()].map((order) => {
    const view = new Map(order.map((key) => [key, book.entries.get(key) ?? null]));
    const input = {
      height: 1,
      timeMs: GENESIS_TIME_MS + 1,
      parentTimeMs: GENESIS_TIME_MS,
      transactions: [identified],
      evidence: [],
    };
    const { writes, writesRoot: root } = applyBlock(rules, view, input);
    t.equal(writesRoot(writes), root);
    return root;
  });
  t.equal(roots[0], roots[1]);
});

t.test('a bug that makes money is an assertion, not a status', async (t) => {
  const book = opened();
  const state = new LedgerState(book.entries);
  state.addBalance(account('dara@aclb'), KHR, 1n);
  t.throws(() => state.keep(), { name: 'AssertionError' });
  t.throws(() => new LedgerState(book.entries).addBalance(account('dara@aclb'), KHR, -1_001n), {
    name: 'AssertionError',
  });
  t.throws(() => new LedgerState(new Map()).account(account('dara@aclb')), { name: 'AssertionError' });
});

t.test('status codes rise, are named once, and say what to do', async (t) => {
  const codes = STATUSES.map(({ code }) => code);
  t.strictSame(
    codes,
    [...new Set(codes)].sort((a, b) => a - b),
  );
  for (const status of STATUSES) {
    t.strictSame(statusOf(status.code), status);
    t.strictSame(statusNamed(status.name), status);
    t.match(status.sentence, /^[A-Z].*\.$/);
  }
  t.equal(statusOf(999), undefined);
  t.equal(walletOf('dara@aclb'), 'wallet/dara');
});

t.test('the writes root commits to each entry, whatever leaf it shares', async (t) => {
  const entriesOf = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      return { key: `account/${String(i).padStart(4, '0')}` as StateKey, value: new Uint8Array([i % 256]) };
    });
  const forget = { from: 'seen/1' as StateKey, to: 'seen/2' as StateKey };
  const roots = new Set<string>();
  const cases = [0, 1, 63, 64, 65, 128, 129, 200].flatMap((count) => {
    const entries = entriesOf(count);
    const changed = entries.map((_, at) => entries.map((entry, i) => (i === at ? { ...entry, value: null } : entry)));
    return [entries, ...changed].flatMap((each) => [
      { entries: each, forget: null },
      { entries: each, forget },
    ]);
  });
  for (const writes of cases) roots.add(writesRoot(writes));
  t.equal(roots.size, cases.length);
});
