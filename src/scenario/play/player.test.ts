import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import type { AccountId } from '../../types/index.ts';
import type { Run } from '../run.ts';
import type { Action, ExpectedEnding, PaymentsAction, Step } from '../story.ts';
import {
  ACLB,
  CNB,
  DARA,
  DARAS_PHONE,
  expectThat,
  KHR,
  MALLORY,
  NBC,
  PEOPLE,
  pay,
  person,
  playsWith,
  riel,
  SOK,
  SOKS_PHONE,
  STARTS_MS,
  step,
  storyOf,
  WING,
} from './play.suite.ts';

const played = playsWith(setImmediate);

const FREE = '+85512000009';
const final: ExpectedEnding = { kind: 'final' };

const held = (run: Run, name: string) =>
  run.holdings.find((holding) => holding.name === name)?.balances.map(({ value, currency }) => `${value} ${currency}`);

const balance = (account: AccountId, minor: number) =>
  expectThat({ kind: 'balance', account, is: 'exactly', amount: minor === 0 ? { zero: KHR } : riel(minor) });

t.test('before the first step everybody has an account, money and a phone number', async (t) => {
  const { run } = await played(storyOf([]));
  t.strictSame([run.verdict, run.problem], ['held', null]);
  t.strictSame(
    ['dara', 'sok', 'mallory', 'Bank aclb'].map((name) => held(run, name)),
    [['100000 KHR'], ['50000 KHR'], ['5000 KHR'], []],
  );
  t.strictSame(run.supply[0], { currency: 'KHR', issued: '155000', redeemed: '0', circulating: '155000' });
  t.ok(run.payments.length > 0 && run.payments.every(({ step, ending }) => step === '0' && ending === 'final'));
});

t.test('each action moves what it says, and ends as its rule says', async (t) => {
  const rows: readonly (readonly [string, Action, ExpectedEnding, readonly number[]])[] = [
    ['pay', pay(DARA, SOK, 1_000), final, [99_000, 51_000, 5_000]],
    ['pay by phone', pay(DARA, SOKS_PHONE, 1_000), final, [99_000, 51_000, 5_000]],
    ['pay through another bank', pay(DARA, SOK, 1_000, { via: WING }), final, [99_000, 51_000, 5_000]],
    ['pay a number nobody has', pay(DARA, FREE, 1_000), refused('ALIAS_NOT_FOUND'), [100_000, 50_000, 5_000]],
    ['pay too much', pay(MALLORY, SOK, 5_001), refused('INSUFFICIENT_FUNDS'), [100_000, 50_000, 5_000]],
    [
      "pay from another's wallet",
      pay(DARA, MALLORY, 1, { via: WING, signedBy: [MALLORY, 'wing'] }),
      refused('ACCOUNT_SIGNATURE_MISSING'),
      [100_000, 50_000, 5_000],
    ],
    [
      'deposit',
      { type: 'deposit', to: DARA, amount: riel(1) },
      refused('INSUFFICIENT_FUNDS'),
      [100_000, 50_000, 5_000],
    ],
    ['withdraw', { type: 'withdraw', from: DARA, amount: riel(40_000) }, final, [60_000, 50_000, 5_000]],
    ['issue', { type: 'issue', bank: ACLB, amount: riel(7), signedBy: [] }, final, [100_000, 50_000, 5_000]],
    [
      'issue with one officer',
      { type: 'issue', bank: WING, amount: riel(7), signedBy: ['officer/1'] },
      refused('OFFICER_QUORUM_MISSING'),
      [100_000, 50_000, 5_000],
    ],
    [
      'redeem what is not there',
      { type: 'redeem', bank: ACLB, amount: riel(1), signedBy: [] },
      refused('INSUFFICIENT_FUNDS'),
      [100_000, 50_000, 5_000],
    ],
    [
      'bind a number that another has',
      { type: 'alias', deed: 'bind', account: MALLORY, phone: DARAS_PHONE, signedBy: [] },
      refused('ALIAS_TAKEN'),
      [100_000, 50_000, 5_000],
    ],
    [
      'bind',
      { type: 'alias', deed: 'bind', account: MALLORY, phone: FREE, signedBy: [] },
      final,
      [100_000, 50_000, 5_000],
    ],
    [
      'release',
      { type: 'alias', deed: 'release', account: DARA, phone: DARAS_PHONE, signedBy: [] },
      final,
      [100_000, 50_000, 5_000],
    ],
    [
      'bulk',
      {
        type: 'bulk',
        from: DARA,
        each: [
          { to: SOK, amount: riel(10) },
          { to: MALLORY, amount: riel(5) },
          { to: SOK, amount: riel(1) },
        ],
        perTransaction: 2,
        memo: ['Wages'],
      },
      final,
      [99_984, 50_011, 5_005],
    ],
  ];
  for (const [name, action, expected, balances] of rows) {
    const { run } = await played(storyOf([step(action, { expected })]));
    t.strictSame([run.verdict, run.problem, run.steps[0]?.outcome], ['held', null, 'done'], name);
    const found = ['dara', 'sok', 'mallory'].map((who) => held(run, who)?.[0]);
    t.strictSame(
      found,
      balances.map((minor) => `${minor} KHR`),
      name,
    );
    const others: ExpectedEnding = expected.kind === 'final' ? refused('ALIAS_STALE') : final;
    const wrong = await played(storyOf([step(action, { expected: others }), step({ type: 'say', text: ['never'] })]));
    t.strictSame([wrong.run.verdict, wrong.run.steps.length], ['stopped', 1], `${name}, expected to end otherwise`);
    t.match(wrong.run.problem, expected.kind === 'refused' ? new RegExp(expected.code) : /final/, name);
  }
});

t.test('money goes from bank to bank, is paid in, and leaves circulation', async (t) => {
  const { run } = await played(
    storyOf([
      step({ type: 'issue', bank: ACLB, amount: riel(1_000), signedBy: [] }),
      step({ type: 'settle', from: ACLB, to: CNB, amount: riel(600) }),
      step({ type: 'deposit', to: SOK, amount: riel(100) }),
      step({ type: 'redeem', bank: CNB, amount: riel(500), signedBy: [] }),
    ]),
  );
  t.strictSame([run.verdict, run.problem], ['held', null]);
  t.strictSame(
    ['Bank aclb', 'Bank cnb', 'sok'].map((name) => held(run, name)),
    [['400 KHR'], [], ['50100 KHR']],
  );
  t.strictSame(run.supply[0], { currency: 'KHR', issued: '156000', redeemed: '500', circulating: '155500' });
});

t.test('an account can be opened by a step, and gets a tier that bounds its payments', async (t) => {
  const late = { ...person('late@aclb', 0), isOpen: false };
  const { run } = await played(
    storyOf(
      [
        step(pay(DARA, late.account, 1), { expected: refused('PAYEE_NOT_FOUND') }),
        step({ type: 'open', account: late.account }),
        step(pay(DARA, late.account, 2_000)),
        step(
          { type: 'tier', account: late.account, tier: 'basic' as never, signedBy: ['wing'] },
          { expected: refused('BANK_SIGNATURE_MISSING') },
        ),
        step({ type: 'tier', account: late.account, tier: 'basic' as never, signedBy: [] }),
        step(pay(late.account, DARA, 1_001), { expected: { kind: 'any' }, as: 'over' }),
        expectThat({ kind: 'endings', of: 'over', ending: 'refused', is: 'exactly', count: 'all' }),
      ],
      [...PEOPLE, late],
    ),
  );
  t.strictSame([run.verdict, run.problem], ['held', null]);
});

t.test('a claimed number moves when the claim is due, and who saw it before pays nobody else', async (t) => {
  const alias = (deed: 'claim' | 'bind' | 'reject', account: AccountId, signedBy: readonly string[] = []): Action => {
    return { type: 'alias', deed, account, phone: DARAS_PHONE, signedBy };
  };
  const { run } = await played(
    storyOf([
      step(pay(SOK, DARAS_PHONE, 1), { as: 'seen' }),
      step(alias('claim', MALLORY)),
      step(alias('bind', MALLORY), { expected: refused('CLAIM_NOT_DUE') }),
      step(alias('bind', MALLORY), { atMs: STARTS_MS + 2 * 3_600_000 }),
      expectThat({ kind: 'alias', phone: DARAS_PHONE, account: MALLORY, epoch: 2 }),
      step(pay(SOK, DARA, 1, { to: { phone: DARAS_PHONE, seenBy: 'seen' } }), { expected: refused('ALIAS_STALE') }),
      step(pay(SOK, DARAS_PHONE, 9)),
      balance(MALLORY, 5_009),
      step(alias('claim', DARA)),
      step(alias('reject', MALLORY, ['wing'])),
    ]),
  );
  t.strictSame([run.verdict, run.problem], ['held', null]);
});

t.test('what a step left is known to later ones', async (t) => {
  const { run } = await played(
    storyOf([
      step(pay(DARA, SOK, 1_234), { as: 'lunch' }),
      step(
        pay(SOK, MALLORY, 0, {
          amount: { output: 'lunch', field: 'amount' },
          memo: ['Like ', { output: 'lunch', field: 'amount' }],
        }),
      ),
      balance(MALLORY, 6_234),
      expectThat({ kind: 'value', value: { output: 'lunch', field: 'status' }, is: 'exactly', to: 'OK' }),
      step({ type: 'say', text: ['It took ', { output: 'lunch', field: 'finalityMs' }] }),
      step({ type: 'remember' }, { as: 'noon' }),
      step(pay(DARA, SOK, 1)),
      expectThat({ kind: 'value', value: { output: 'noon', field: 'sok.KHR' }, is: 'exactly', to: '50000 KHR' }),
    ]),
  );
  t.strictSame([run.verdict, run.problem], ['held', null], run.expectations.map(({ finding }) => finding).join());
  t.equal(run.payments.at(-2)?.memo, 'Like 1234 KHR');
  t.match(run.steps[4]?.title, /^It took \d+$/);
  const missing = await played(storyOf([step(pay(DARA, SOK, 0, { amount: { output: 'later', field: 'amount' } }))]));
  t.match(missing.run, { verdict: 'stopped', problem: /later has not been played/ });
});

t.test('the very same transaction again takes effect once', async (t) => {
  const { run } = await played(
    storyOf([
      step(pay(DARA, SOK, 1_000), { as: 'honest' }),
      step({ type: 'replay', output: 'honest', via: null, patienceMs: 10_000 }),
      step({ type: 'replay', output: 'honest', via: CNB, patienceMs: 10_000 }),
      balance(SOK, 51_000),
    ]),
  );
  t.strictSame([run.verdict, run.problem], ['held', null]);
  t.equal(new Set(run.payments.filter(({ step }) => step !== '0').map(({ id }) => id)).size, 1);
  const flow = { from: 'aclb', to: 'cnb', amount: { currency: 'KHR', value: '1000' }, transfers: 1 };
  t.strictSame(
    run.flows.filter(({ from }) => from === 'aclb' && run.flows.length > 0).filter(({ to }) => to === 'cnb'),
    [flow],
  );
});

t.test('without a quorum a payment is pending, and ends when the line is mended', async (t) => {
  const { run, engine } = await played(
    storyOf([
      step({ type: 'remember' }, { as: 'cut' }),
      step({
        type: 'partition',
        groups: [
          [NBC, ACLB],
          [CNB, WING],
        ],
      }),
      step(pay(DARA, SOK, 10, { patienceMs: 3_000 }), { as: 'west', expected: { kind: 'pending' } }),
      expectThat(
        { kind: 'blocks', since: 'cut', is: 'exactly', count: 0 },
        { kind: 'endings', of: 'west', ending: 'pending', is: 'exactly', count: 1 },
      ),
      step({ type: 'heal' }),
      expectThat({ kind: 'endings', of: 'west', ending: 'final', is: 'exactly', count: 'all' }),
      balance(SOK, 50_010),
    ]),
  );
  t.strictSame([run.verdict, run.problem], ['held', null], run.expectations.map(({ finding }) => finding).join());
  t.strictSame(engine.asked, ['partition nbc,aclb | cnb,wing', 'heal']);
  t.match(run.faults, [{ kind: 'partition', toMs: Number }]);
});

t.test('a payment that its bank did not answer for is known by the chain', async (t) => {
  const { run } = await played(
    storyOf([
      step(pay(DARA, SOK, 1), { as: 'first' }),
      step({ type: 'crash', banks: [ACLB] }),
      step(
        { type: 'replay', output: 'first', via: ACLB, patienceMs: 1_000 },
        { as: 'again', expected: { kind: 'unreachable' } },
      ),
      expectThat(
        { kind: 'endings', of: 'again', ending: 'final', is: 'exactly', count: 'all' },
        { kind: 'running', bank: ACLB, is: false },
      ),
      step(pay(DARA, SOKS_PHONE, 1), { expected: { kind: 'unreachable' } }),
      step(pay(DARA, SOKS_PHONE, 1, { via: WING })),
      balance(DARA, 99_998),
      step({ type: 'restart', banks: [ACLB] }),
      expectThat({ kind: 'running', bank: ACLB, is: true }),
    ]),
  );
  t.strictSame([run.verdict, run.problem], ['held', null], run.expectations.map(({ finding }) => finding).join());
  t.match(run.faults, [{ kind: 'crash', banks: ['aclb'], toMs: Number }]);
});

t.test('a story in which no bank is left ends with a report', async (t) => {
  const { run } = await played(
    storyOf([step({ type: 'crash', banks: [NBC, ACLB, CNB, WING] }), balance(DARA, 100_000)]),
  );
  t.match(run, { verdict: 'failed', expectations: [{ held: false, finding: /no bank answers/ }] });
});

t.test('steps begin at their times, groups at once', async (t) => {
  const wait = (ms: number) => step({ type: 'wait', ms });
  const { run } = await played(
    storyOf([
      step({ type: 'together', steps: [step({ type: 'sequence', steps: [wait(1_000), wait(2_000)] }), wait(1_500)] }),
      step(pay(DARA, SOK, 1), { atMs: STARTS_MS + 3_600_000 }),
      step(pay(DARA, SOK, 1), { atMs: STARTS_MS + 1 }),
    ]),
  );
  const at = (number: string) => {
    const found = run.steps.find((each) => each.number === number);
    return [found?.startedAtMs, found?.endedAtMs].map(
      (ms) => (ms ?? 0) - (run.steps.find((each) => each.number === '1.2')?.startedAtMs ?? 0),
    );
  };
  t.strictSame(at('1.1.1'), [0, 1_000]);
  t.strictSame(at('1.1.2'), [1_000, 3_000]);
  t.strictSame(at('1.2'), [0, 1_500]);
  t.equal(run.steps.find(({ number }) => number === '2')?.startedAtMs, STARTS_MS + 3_600_000);
  t.equal(
    run.steps.find(({ number }) => number === '3')?.startedAtMs,
    STARTS_MS + 3_600_005,
    'a time that is over is now',
  );
});

t.test('an expectation that does not hold ends the story, unless it is to go on', async (t) => {
  const steps = [balance(SOK, 1), step(pay(DARA, SOK, 1))];
  const { run } = await played(storyOf(steps));
  t.match(run, { verdict: 'failed', problem: null, steps: { length: 1 }, expectations: [{ held: false }] });
  const all = await played(storyOf(steps), { keepGoing: true });
  t.match(all.run, { verdict: 'failed', problem: null, steps: { length: 2 } });
});

t.test('an interrupted story ends after its step', async (t) => {
  const controller = new AbortController();
  const { run } = await played(storyOf([step(pay(DARA, SOK, 1)), step(pay(DARA, SOK, 1))]), {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'ended') controller.abort();
    },
  });
  t.match(run, { verdict: 'stopped', problem: /interrupted/, steps: { length: 1 } });
});

t.test('a TypeScript step plays steps of its own', async (t) => {
  const body = async (play: Parameters<Extract<Action, { type: 'run' }>['body']>[0]) => {
    const { amount } = await play.do(
      step(pay(DARA, SOK, 1_000 + Math.floor(play.random('gift')() * 10)), { as: 'gift' }),
    );
    play.expect((await play.balance('sok', 'KHR')) > 50_999n, `sok has ${amount} more`);
    play.expect(play.now() < 0, 'time runs backwards');
  };
  const stepOf = (part: unknown) => part as Step;
  const { run } = await played(storyOf([step({ type: 'run', title: 'A gift', body, stepOf })]));
  t.strictSame(
    run.expectations.map(({ held, title }) => [held, title.replace(/100\d/, '100x')]),
    [
      [true, 'sok has 100x KHR more'],
      [false, 'time runs backwards'],
    ],
  );
  t.equal(run.verdict, 'failed');
});

const CROWD = Array.from({ length: 10 }, (_, i) =>
  person(`c-${i}@${i % 2 === 0 ? 'aclb' : 'cnb'}`, 10_000, `+8551200010${i}`),
);

function payments(changes: Partial<PaymentsAction> = {}): PaymentsAction {
  const accounts = CROWD.map(({ account }) => account);
  return {
    type: 'payments',
    from: accounts,
    to: { among: accounts, zipf: 1.2 },
    currency: KHR,
    amount: { kind: 'uniform', lowMinor: 1n, highMinor: 100n, roundTo: 1n },
    count: 60,
    overMs: 60_000,
    arrivals: 'poisson',
    eachPayerOnce: false,
    byPhone: true,
    memo: ['Tea'],
    retry: false,
    mayRefuse: [],
    ...changes,
  };
}

const crowds = new Map([['tea', CROWD.map(({ account }) => account)]]);

t.test('a crowd pays', async (t) => {
  const progress: number[] = [];
  const story = storyOf(
    [
      step(payments(), { as: 'rush' }),
      expectThat(
        { kind: 'endings', of: 'rush', ending: 'final', is: 'exactly', count: 'all' },
        { kind: 'value', value: { output: 'rush', field: 'sent' }, is: 'exactly', to: 60 },
        { kind: 'finality', of: 'rush', quantile: 0.99, belowMs: 6 },
        { kind: 'conserved' },
      ),
    ],
    CROWD,
    crowds,
  );
  const onEvent: NonNullable<Parameters<typeof played>[1]>['onEvent'] = (event) => {
    if (event.type === 'progress') progress.push(event.done);
  };
  const { run } = await played(story, { onEvent });
  t.strictSame([run.verdict, run.problem], ['held', null], run.expectations.map(({ finding }) => finding).join());
  t.equal(progress.at(-1), 60);
  const again = await played(story);
  t.strictSame(again.run, run, 'the same seed, the same run');
  const sums = run.holdings.find(({ name }) => name.startsWith('tea'))?.balances;
  t.strictSame(sums, [{ currency: 'KHR', value: '100000' }], 'a crowd is one sum');
});

t.test('payments of a crowd that may not be refused stop the story', async (t) => {
  const poor = payments({ amount: { kind: 'fixed', minor: 9_000n } });
  const { run } = await played(storyOf([step(poor)], CROWD, crowds));
  t.match(run, { verdict: 'stopped', problem: /INSUFFICIENT_FUNDS/ });
  const allowed = await played(storyOf([step({ ...poor, mayRefuse: ['INSUFFICIENT_FUNDS'] })], CROWD, crowds));
  t.strictSame([allowed.run.verdict, allowed.run.problem], ['held', null]);
});

t.test('with retry a crowd goes to other banks with the very same payments', async (t) => {
  const down = step({ type: 'crash', banks: [ACLB] });
  const without = await played(storyOf([down, step(payments())], CROWD, crowds));
  t.match(without.run, { verdict: 'stopped', problem: /went wrong/ });
  const { run } = await played(storyOf([down, step(payments({ retry: true }), { as: 'rush' })], CROWD, crowds));
  t.strictSame([run.verdict, run.problem], ['held', null]);
  const rush = run.payments.filter(({ step }) => step === '2');
  t.equal(new Set(rush.map(({ id }) => id)).size, 60);
  t.ok(rush.every(({ via, ending }) => via !== 'aclb' && ending === 'final'));
});

t.test('whatever people pay each other, what they hold is what circulates', async (t) => {
  const who = fc.constantFrom(DARA, SOK, MALLORY);
  const random = fc.array(fc.record({ from: who, to: who, minor: fc.nat(200_000), phone: fc.boolean() }), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(random, async (all) => {
      const steps = all.map(({ from, to, minor, phone }) => {
        const payee = phone && to === SOK ? SOKS_PHONE : to;
        return step(pay(from, payee, minor), { expected: { kind: 'any' } });
      });
      const { run } = await played(storyOf([...steps, expectThat({ kind: 'conserved' })]));
      t.equal(run.verdict, 'held');
      const sum = run.holdings.flatMap(({ balances }) => balances).reduce((all, { value }) => all + BigInt(value), 0n);
      return String(sum) === run.supply[0]?.circulating;
    }),
    { numRuns: 30 },
  );
});

function refused(code: string): Extract<ExpectedEnding, { kind: 'refused' }> {
  return { kind: 'refused', code };
}
