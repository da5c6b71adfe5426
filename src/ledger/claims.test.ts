/** A phone number goes over to another account without the key of the old one: by a claim, a delay, and nobody's objection. */
import fc from 'fast-check';
import t from 'tap';
import { Book } from '../testing/book.ts';
import { testNetwork } from '../testing/genesis.ts';
import { account, issue, open, settlement, transfer } from '../testing/transactions.ts';
import type { AliasKey, Command } from '../types/index.ts';
import { lapseOf, openClaim } from './claims.ts';
import type { StatusName } from './status.ts';

const DELAY_MS = 10_000;
const WINDOW_MS = 5_000;
const network = testNetwork(4, { aliasClaimDelayMs: DELAY_MS, aliasClaimWindowMs: WINDOW_MS });
const PHONE = 'a1'.repeat(32) as AliasKey;
/** Keys that bind and claim for an account: its own and its bank's. */
const BOPHA = ['wallet/bopha', 'operator/cnb'];
const SOKHA = ['wallet/sokha', 'operator/wing'];

type About = 'registerAlias' | 'releaseAlias' | 'claimAlias' | 'rejectClaim';
const say = (type: About, id: string, aliasKey = PHONE): Command => ({ type, aliasKey, account: account(id) });
const claim = (id: string) => say('claimAlias', id);
const register = (id: string) => say('registerAlias', id);
const reject = (id: string) => say('rejectClaim', id);

/** dara@aclb has PHONE and some money, bopha@cnb and sokha@wing would like the number. */
function opened(on = network): Book {
  const book = new Book(on);
  const ok = (signers: string[], commands: Command[]) => {
    if (book.run(signers, commands) !== 'OK') throw new Error('the opening failed');
  };
  ok(['officer/1', 'officer/2'], [issue(settlement('aclb'), 2_000n)]);
  ok(['operator/aclb'], [open(network, 'dara@aclb'), transfer(settlement('aclb'), 'dara@aclb', 1_000n)]);
  ok(['operator/cnb'], [open(network, 'bopha@cnb')]);
  ok(['operator/wing'], [open(network, 'sokha@wing')]);
  ok(['operator/aclb', 'wallet/dara'], [register('dara@aclb')]);
  return book;
}

/** The same, with bopha's claim. @returns when it is due. */
function claimed(): { readonly book: Book; readonly dueMs: number } {
  const book = opened();
  if (book.run(BOPHA, [claim('bopha@cnb')]) !== 'OK') throw new Error('the claim failed');
  return { book, dueMs: book.timeMs + DELAY_MS };
}

const pays = (book: Book, to: string, epoch: number) =>
  book.run(
    ['operator/aclb'],
    [{ ...transfer(settlement('aclb'), to, 1n), alias: { aliasKey: PHONE, epoch } } as Command],
  );

t.test('a lost phone: the number goes over after the delay, and payments to the old epoch fail', async (t) => {
  const { book, dueMs } = claimed();
  t.equal(pays(book, 'dara@aclb', 1), 'OK', 'until then payments go on');
  t.equal(book.run(BOPHA, [register('bopha@cnb')], dueMs - 1), 'CLAIM_NOT_DUE');
  t.equal(pays(book, 'dara@aclb', 1), 'OK', 'due changes nothing by itself');
  t.equal(book.run(BOPHA, [register('bopha@cnb')]), 'OK');
  t.equal(pays(book, 'dara@aclb', 1), 'ALIAS_STALE');
  t.equal(pays(book, 'bopha@cnb', 1), 'ALIAS_STALE');
  t.equal(pays(book, 'bopha@cnb', 2), 'OK');
  t.equal(book.run(['wallet/dara'], [reject('dara@aclb')]), 'ALIAS_NOT_YOURS', 'too late to object');
  t.equal(book.run(['wallet/dara', 'operator/aclb'], [claim('dara@aclb')]), 'OK', 'it can be claimed back');
});

t.test('every status, and who must sign', async (t) => {
  const cases: [what: string, signers: string[], command: Command, status: StatusName][] = [
    ['no account', BOPHA, claim('nobody@cnb'), 'ACCOUNT_NOT_FOUND'],
    ['a number that nobody has', BOPHA, say('claimAlias', 'bopha@cnb', 'b2'.repeat(32) as AliasKey), 'ALIAS_NOT_FOUND'],
    ["the claimer's own", ['wallet/dara', 'operator/aclb'], claim('dara@aclb'), 'ALIAS_YOURS'],
    ['the second claim', SOKHA, claim('sokha@wing'), 'CLAIM_OPEN'],
    ['the same again', BOPHA, claim('bopha@cnb'), 'CLAIM_OPEN'],
    ['a registration without a claim', SOKHA, register('sokha@wing'), 'ALIAS_TAKEN'],
    ['one before it is due', BOPHA, register('bopha@cnb'), 'CLAIM_NOT_DUE'],
    ['one before it is due, by the key alone', ['wallet/bopha'], register('bopha@cnb'), 'BANK_SIGNATURE_MISSING'],
    ['an objection by the holder', ['wallet/dara'], reject('dara@aclb'), 'OK'],
    ["an objection by the holder's bank", ['operator/aclb'], reject('dara@aclb'), 'OK'],
    ["an objection by the claimer's bank", ['operator/cnb'], reject('dara@aclb'), 'HOLDER_SIGNATURE_MISSING'],
    ['an objection by the claimer', BOPHA, reject('bopha@cnb'), 'ALIAS_NOT_YOURS'],
    ['an objection for nobody', BOPHA, reject('nobody@cnb'), 'ACCOUNT_NOT_FOUND'],
    [
      'of a number that nobody has',
      ['wallet/dara'],
      say('rejectClaim', 'dara@aclb', 'b2'.repeat(32) as AliasKey),
      'ALIAS_NOT_FOUND',
    ],
    ['a release by the holder', ['wallet/dara'], say('releaseAlias', 'dara@aclb'), 'OK'],
  ];
  for (const [what, signers, command, status] of cases) {
    t.equal(claimed().book.run(signers, [command]), status, `${command.type}: ${what}`);
  }
  const alone: [signers: string[], status: StatusName][] = [
    [['wallet/bopha'], 'BANK_SIGNATURE_MISSING'],
    [['operator/cnb'], 'ACCOUNT_SIGNATURE_MISSING'],
    [['wallet/bopha', 'operator/aclb'], 'BANK_SIGNATURE_MISSING'],
  ];
  for (const [signers, status] of alone) t.equal(opened().run(signers, [claim('bopha@cnb')]), status);
  t.equal(opened().run(['wallet/dara'], [reject('dara@aclb')]), 'CLAIM_NOT_FOUND');
});

t.test('a claim ends: rejected, carried out, released, lapsed', async (t) => {
  const rejected = claimed();
  t.equal(rejected.book.run(['operator/aclb'], [reject('dara@aclb')]), 'OK');
  t.equal(rejected.book.run(BOPHA, [register('bopha@cnb')], rejected.dueMs), 'ALIAS_TAKEN');
  t.equal(rejected.book.run(['operator/aclb'], [reject('dara@aclb')]), 'CLAIM_NOT_FOUND', 'once is enough');
  t.equal(rejected.book.run(SOKHA, [claim('sokha@wing')]), 'OK', 'and another may follow');

  const released = claimed();
  t.equal(released.book.run(['wallet/dara'], [say('releaseAlias', 'dara@aclb')]), 'OK');
  t.equal(released.book.run(SOKHA, [register('sokha@wing')]), 'OK', 'whoever registers first has it');
  t.equal(released.book.run(BOPHA, [register('bopha@cnb')], released.dueMs), 'ALIAS_TAKEN', 'the claim is gone');

  const last = claimed();
  t.equal(last.book.run(BOPHA, [register('bopha@cnb')], last.dueMs + WINDOW_MS - 1), 'OK', 'the last moment');

  const lapsed = claimed();
  t.equal(lapsed.book.run(BOPHA, [register('bopha@cnb')], lapsed.dueMs + WINDOW_MS), 'ALIAS_TAKEN');
  t.equal(lapsed.book.run(['wallet/dara'], [reject('dara@aclb')]), 'CLAIM_NOT_FOUND');
  t.equal(lapsed.book.run(BOPHA, [claim('bopha@cnb')]), 'OK', 'with a new delay');
  t.equal(lapsed.book.run(BOPHA, [register('bopha@cnb')]), 'CLAIM_NOT_DUE');
});

t.test('where the genesis asks for no delay, a claim is due at once', async (t) => {
  const book = opened(testNetwork(4, { aliasClaimDelayMs: 0, aliasClaimWindowMs: WINDOW_MS }));
  t.equal(book.run(BOPHA, [claim('bopha@cnb'), register('bopha@cnb')]), 'OK');
  t.equal(opened().run(BOPHA, [claim('bopha@cnb'), register('bopha@cnb')]), 'CLAIM_NOT_DUE');
});

t.test('a claim is open from its making until it lapses', async () => {
  const { rules } = network.genesis;
  const law = fc.property(fc.nat(), fc.integer({ min: -DELAY_MS, max: 2 * WINDOW_MS }), (dueMs, after) => {
    const made = { account: account('bopha@cnb'), dueMs };
    const record = { account: account('dara@aclb'), epoch: 1, claim: made };
    return (openClaim(record, dueMs + after, rules) === null) === dueMs + after >= lapseOf(made, rules);
  });
  fc.assert(law);
});

t.test('without the holder, its bank and its key, the number moves by a claim that waited, or not at all', async () => {
  const key = fc.constantFrom(
    'wallet/bopha',
    'wallet/sokha',
    'operator/cnb',
    'operator/wing',
    'officer/1',
    'officer/2',
  );
  const id = fc.constantFrom('bopha@cnb', 'sokha@wing', 'dara@aclb');
  const type = fc.constantFrom<About>('registerAlias', 'releaseAlias', 'claimAlias', 'rejectClaim');
  const step = fc.record({ signers: fc.uniqueArray(key, { minLength: 1 }), id, type, waitMs: fc.nat(DELAY_MS / 2) });
  const law = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const book = opened();
    let claimedAtMs: number | null = null;
    for (const { signers, id: who, type: what, waitMs } of steps) {
      const done = book.run(signers, [say(what, who)], book.timeMs + 1 + waitMs) === 'OK';
      if (done && what === 'claimAlias') claimedAtMs = book.timeMs;
      // Whoever has it then may do with it as it likes.
      if (done && what === 'registerAlias') return claimedAtMs !== null && book.timeMs >= claimedAtMs + DELAY_MS;
      if (done && what !== 'claimAlias') return false;
    }
    return pays(book, 'dara@aclb', 1) === 'OK';
  });
  fc.assert(law, { numRuns: 60 });
});
