import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import type { AccountId, ParticipantId } from '../../types/index.ts';
import type { Expectation, Step } from '../story.ts';
import type { InstantEngine } from './instant-engine.suite.ts';
import {
  ACLB,
  CNB,
  DARA,
  DARAS_PHONE,
  expectThat,
  KHR,
  pay,
  playsWith,
  riel,
  SOK,
  step,
  storyOf,
  WING,
} from './play.suite.ts';

const played = playsWith(setImmediate);

type Unplaced<T> = T extends unknown ? Omit<T, 'place'> : never;

interface Row {
  readonly title: string;
  readonly holds: Unplaced<Expectation>;
  readonly fails: Unplaced<Expectation>;
  /** Of the one that fails. */
  readonly finding: string;
  /** What is done to the engine before. */
  readonly touch?: (engine: InstantEngine) => void;
}

/** Dara pays Sok twice, and once more than there is. */
const STEPS: readonly Step[] = [
  step({ type: 'remember' }, { as: 'dawn' }),
  step(pay(DARA, SOK, 1_000), { as: 'first', atMs: Date.UTC(2026, 0, 5, 2, 30) }),
  step(pay(DARA, SOK, 500), { atMs: Date.UTC(2026, 0, 5, 3) }),
  step(pay(SOK, DARA, 99_999), {
    as: 'too-much',
    atMs: Date.UTC(2026, 0, 5, 4),
    expected: { kind: 'refused', code: 'INSUFFICIENT_FUNDS' },
  }),
];

const SOKS_MOVEMENTS = [
  'Last movements of sok:',
  '  06:00  before step 1  from bank cnb  +50,000 KHR  final',
  '  09:30  step 2  from dara  +1,000 KHR  final',
  '  10:00  step 3  from dara  +500 KHR  final',
  '  11:00  step 4  to dara  -99,999 KHR  refused INSUFFICIENT_FUNDS',
];

const zero = (account: AccountId): Unplaced<Expectation> => {
  return { kind: 'balance', account, is: 'exactly', amount: { zero: KHR } };
};

const ROWS: readonly Row[] = [
  {
    title: 'sok has exactly 51,501 KHR',
    holds: { kind: 'balance', account: SOK, is: 'exactly', amount: riel(51_500) },
    fails: { kind: 'balance', account: SOK, is: 'exactly', amount: riel(51_501) },
    finding: ['Expected exactly 51,501 KHR, found 51,500 KHR: 1 KHR too little.', ...SOKS_MOVEMENTS].join('\n'),
  },
  {
    title: 'sok has at most 51,000 KHR',
    holds: { kind: 'balance', account: SOK, is: 'atLeast', amount: riel(51_500) },
    fails: { kind: 'balance', account: SOK, is: 'atMost', amount: riel(51_000) },
    finding: ['Expected at most 51,000 KHR, found 51,500 KHR: 500 KHR too much.', ...SOKS_MOVEMENTS].join('\n'),
  },
  {
    title: 'nobody@cnb has exactly 0 KHR',
    holds: zero('settlement@cnb' as AccountId),
    fails: zero('nobody@cnb' as AccountId),
    finding: 'There is no account nobody@cnb.',
  },
  {
    title: 'since «dawn», sok has 1,000 KHR more',
    holds: { kind: 'change', account: SOK, since: 'dawn', currency: KHR, minor: 1_500n },
    fails: { kind: 'change', account: SOK, since: 'dawn', currency: KHR, minor: 1_000n },
    finding: [
      'Expected a change of 1,000 KHR more, found 1,500 KHR more (from 50,000 KHR to 51,500 KHR): off by 500 KHR.',
      ...SOKS_MOVEMENTS,
    ].join('\n'),
  },
  {
    title: '155,001 KHR are in circulation',
    holds: { kind: 'supply', currency: KHR, minor: 155_000n },
    fails: { kind: 'supply', currency: KHR, minor: 155_001n },
    finding:
      'Expected exactly 155,001 KHR, found 155,000 KHR: 1 KHR too little.\nIssued were 155,000 KHR, redeemed 0 KHR.',
  },
  {
    title: 'all banks that run have the same books',
    holds: { kind: 'equalRoots', banks: [ACLB, CNB] },
    fails: { kind: 'equalRoots', banks: null },
    touch: (engine) => engine.forged.set(WING, { root: 'f', minor: 0n }),
    finding: [
      'At the same block, the books differ:',
      '  nbc is at block 14, books 14',
      '  aclb is at block 14, books 14',
      '  cnb is at block 14, books 14',
      '  wing is at block 14, books 14f',
    ].join('\n'),
  },
  {
    title: 'all balances together are what was issued less what was redeemed',
    holds: { kind: 'running', bank: WING, is: true },
    fails: { kind: 'conserved' },
    touch: (engine) => engine.forged.set(WING, { root: '', minor: 5n }),
    finding: [
      'At wing, balances come to 155,005 KHR, issued less redeemed to 155,000 KHR: 5 KHR came from nowhere.',
      'At wing, balances come to 0.05 USD, issued less redeemed to 0.00 USD: 0.05 USD came from nowhere.',
    ].join('\n'),
  },
  {
    title: `${DARAS_PHONE} belongs to sok`,
    holds: { kind: 'alias', phone: DARAS_PHONE, account: DARA, epoch: 1 },
    fails: { kind: 'alias', phone: DARAS_PHONE, account: SOK, epoch: null },
    finding: 'Expected sok, found dara. It has been bound once.',
  },
  {
    title: '+85512000009 belongs to sok',
    holds: { kind: 'alias', phone: '+85512000009', account: null, epoch: null },
    fails: { kind: 'alias', phone: '+85512000009', account: SOK, epoch: null },
    finding: 'Expected sok; the number has never been bound.',
  },
  {
    title: 'of the payments «too-much», all ended final',
    holds: { kind: 'endings', of: 'too-much', ending: 'refused/INSUFFICIENT_FUNDS', is: 'exactly', count: 1 },
    fails: { kind: 'endings', of: 'too-much', ending: 'final', is: 'exactly', count: 'all' },
    finding: [
      '0 of 1 payment ended final; expected all.',
      'Ended refused INSUFFICIENT_FUNDS: 1',
      '  11:00  sok pays dara 99,999 KHR',
    ].join('\n'),
  },
  {
    title: '99 of 100 payments «first» are final in less than 5 ms',
    holds: { kind: 'finality', of: 'first', quantile: 0.99, belowMs: 6 },
    fails: { kind: 'finality', of: 'first', quantile: 0.99, belowMs: 5 },
    finding: 'It took 5 ms. 1 of 1 took 5 ms or longer; the slowest: dara pays sok 1,000 KHR, 5 ms.',
  },
  {
    title: 'all payments «too-much» are final in less than 1 s',
    holds: { kind: 'finality', of: null, quantile: 1, belowMs: 1_000 },
    fails: { kind: 'finality', of: 'too-much', quantile: 1, belowMs: 1_000 },
    finding: 'None of the payments «too-much» is final.',
  },
  {
    title: 'cnb alone is proved to have voted twice',
    holds: { kind: 'evidence', against: WING },
    fails: { kind: 'evidence', against: CNB },
    touch: (engine) => {
      engine.evidence = [WING];
    },
    finding: 'Proofs stand in the chain against:\n  block 1: wing',
  },
  {
    title: 'wing alone is proved to have voted twice',
    holds: { kind: 'evidence', against: null },
    fails: { kind: 'evidence', against: WING },
    finding: 'There is no proof against anybody in the blocks so far.',
  },
  {
    title: 'wing is down',
    holds: { kind: 'running', bank: WING, is: true },
    fails: { kind: 'running', bank: WING, is: false },
    finding: 'wing runs.',
  },
  {
    title: 'since «dawn», exactly 0 new blocks',
    holds: { kind: 'blocks', since: 'dawn', is: 'atLeast', count: 3 },
    fails: { kind: 'blocks', since: 'dawn', is: 'exactly', count: 0 },
    finding: 'There are 3: the chain was at block 11, and is at block 14.',
  },
  {
    title: 'first.status is exactly PAYEE_NOT_FOUND',
    holds: { kind: 'value', value: { output: 'first', field: 'code' }, is: 'exactly', to: 0 },
    fails: { kind: 'value', value: { output: 'first', field: 'status' }, is: 'exactly', to: 'PAYEE_NOT_FOUND' },
    finding: 'It is OK.',
  },
];

t.test('each expectation holds where it should, and where it does not the finding says why', async (t) => {
  for (const { title, holds, fails, finding, touch } of ROWS) {
    const { run } = await played(storyOf([...STEPS, expectThat(holds, fails)]), {}, touch);
    t.strictSame([run.verdict, run.problem], ['failed', null], title);
    t.strictSame(run.expectations[0]?.finding, null, `${run.expectations[0]?.title} holds`);
    t.strictSame(run.expectations[1]?.title, title);
    t.strictSame(run.expectations[1]?.finding, finding, title);
  }
});

t.test('an expectation is tried until it holds, and no longer than it may take', async (t) => {
  const late = (ms: number): Step =>
    step({
      type: 'together',
      steps: [
        step({ type: 'sequence', steps: [step({ type: 'wait', ms }), step(pay(DARA, SOK, 1))] }),
        expectThat({ kind: 'balance', account: SOK, is: 'exactly', amount: riel(50_001) }),
      ],
    });
  const inTime = await played(storyOf([late(500)]));
  t.equal(inTime.run.verdict, 'held');
  const tooLate = await played(storyOf([late(5_000)]));
  t.equal(tooLate.run.verdict, 'failed');
});

t.test('a bank that is down fails the question about its books, and others answer for its customers', async (t) => {
  const { run } = await played(
    storyOf([
      step({ type: 'crash', banks: [CNB as ParticipantId] }),
      expectThat(
        { kind: 'balance', account: SOK, is: 'exactly', amount: riel(50_000) },
        { kind: 'conserved' },
        { kind: 'equalRoots', banks: null },
        { kind: 'equalRoots', banks: [ACLB, CNB] },
      ),
    ]),
  );
  t.strictSame(
    run.expectations.map(({ finding }) => finding),
    [null, null, null, 'Not running: cnb.'],
  );
});
