/** A small run for the reports' tests: a day with a payment of each ending, a fault and an expectation that does not hold. */
import type { JournalEntry } from '../engine.ts';
import type { PaymentRecord, Run } from '../run.ts';

const START_MS = Date.UTC(2026, 3, 18, 1);
const place = (line: number) => ({ file: 'sample.yaml', line, column: 5, path: `steps[${line}]` });

export const ID = 'ab'.repeat(32);

function payment(i: number, changes: Partial<PaymentRecord> = {}): PaymentRecord {
  return {
    id: i === 0 ? ID : i.toString(16).padStart(64, '0'),
    step: '2',
    kind: 'payment',
    title: 'dara pays sok 5,000 KHR',
    from: 'dara@aclb',
    to: 'sok@cnb',
    amount: { currency: 'KHR', value: '5000' },
    memo: 'Lunch <for> "two"',
    via: 'aclb',
    submittedAtMs: START_MS + i * 60_000,
    finalityMs: 20 + i,
    ending: 'final',
    code: null,
    height: i + 1,
    index: 0,
    ...changes,
  };
}

export const RUN: Run = {
  format: 'tonle-run',
  version: 1,
  story: { title: 'Lunch & more', about: 'Two people, one <lunch>.', file: 'sample.yaml' },
  engine: {
    kind: 'sim',
    seed: 7,
    signatures: 'stub',
    versions: { tonle: '0.1.0', node: '24.0.0' },
    traceHash: 'cd'.repeat(32),
    engineMs: 10_000,
    realMs: 1_234,
  },
  currencies: [
    { code: 'KHR', exponent: 0 },
    { code: 'USD', exponent: 2 },
  ],
  members: [
    { id: 'nbc', name: 'National Bank of Cambodia', kind: 'centralBank' },
    { id: 'aclb', name: 'ACLEDA Bank', kind: 'bank' },
    { id: 'cnb', name: 'Canadia Bank', kind: 'bank' },
  ],
  startedAtMs: START_MS,
  endedAtMs: START_MS + 7_200_000,
  verdict: 'failed',
  problem: null,
  steps: [
    {
      number: '1',
      place: place(9),
      type: 'say',
      title: 'It is noon.',
      note: null,
      startedAtMs: START_MS,
      endedAtMs: START_MS,
      outcome: 'done',
      result: '',
    },
    {
      number: '2',
      place: place(10),
      type: 'pay',
      title: 'dara pays sok 5,000 KHR',
      note: 'A note.',
      startedAtMs: START_MS,
      endedAtMs: START_MS + 3_600_000,
      outcome: 'done',
      result: 'final in 20 ms, block 1',
    },
    {
      number: '3',
      place: place(12),
      type: 'expect',
      title: 'sok has exactly 5,001 KHR',
      note: null,
      startedAtMs: START_MS + 3_600_000,
      endedAtMs: START_MS + 3_600_000,
      outcome: 'failed',
      result: 'did not hold',
    },
  ],
  payments: [
    payment(0),
    ...Array.from({ length: 40 }, (_, i) => payment(i + 1, { finalityMs: 18 + i * i })),
    payment(50, { ending: 'refused', code: 'ALIAS_STALE', finalityMs: null, height: 9 }),
    payment(51, { ending: 'unreachable', finalityMs: null, height: null, index: null }),
  ],
  blocks: [
    {
      height: 1,
      hash: 'e'.repeat(64),
      atMs: START_MS,
      round: 0,
      proposer: 'aclb',
      signers: ['nbc', 'aclb'],
      transactions: 1,
      evidenceAgainst: [],
    },
    {
      height: 2,
      hash: 'f'.repeat(64),
      atMs: START_MS + 9,
      round: 1,
      proposer: 'cnb',
      signers: ['nbc', 'aclb'],
      transactions: 1,
      evidenceAgainst: ['nbc'],
    },
  ],
  faults: [
    { kind: 'crash', title: 'aclb crashes', banks: ['aclb'], fromMs: START_MS + 600_000, toMs: START_MS + 3_000_000 },
    {
      kind: 'partition',
      title: 'nbc and aclb | cnb',
      banks: ['nbc', 'aclb', 'cnb'],
      fromMs: START_MS + 1_200_000,
      toMs: null,
    },
  ],
  expectations: [
    {
      step: '3',
      place: place(12),
      title: 'sok has exactly 5,001 KHR',
      held: false,
      finding: 'sok has 5,000 KHR: 1 KHR less.',
    },
    { step: '3', place: place(13), title: 'money is conserved', held: true, finding: null },
  ],
  holdings: [
    { name: 'dara', account: 'dara@aclb', bank: 'aclb', balances: [{ currency: 'KHR', value: '95000' }] },
    {
      name: 'sok',
      account: 'sok@cnb',
      bank: 'cnb',
      balances: [
        { currency: 'KHR', value: '5000' },
        { currency: 'USD', value: '1.50' },
      ],
    },
  ],
  flows: [
    { from: 'aclb', to: 'cnb', amount: { currency: 'KHR', value: '205000' }, transfers: 41 },
    { from: 'cnb', to: 'aclb', amount: { currency: 'KHR', value: '55000' }, transfers: 4 },
    { from: 'cnb', to: 'cnb', amount: { currency: 'KHR', value: '15000' }, transfers: 2 },
  ],
  positions: [
    { atMs: START_MS, banks: [{ bank: 'aclb', balances: [{ currency: 'KHR', value: '700000' }] }] },
    { atMs: START_MS + 3_600_000, banks: [{ bank: 'aclb', balances: [] }] },
  ],
  supply: [{ currency: 'KHR', issued: '100000', redeemed: '0', circulating: '100000' }],
};

/** What three banks told of the payment `ID`. */
export const JOURNAL: readonly JournalEntry[] = [
  { atMs: 100, bank: 'aclb', type: 'batched', digest: 'd1', transactions: [ID, 'ef'.repeat(32)] },
  { atMs: 103, bank: 'cnb', type: 'batchHeld', digest: 'd1', author: 'aclb' },
  { atMs: 104, bank: 'nbc', type: 'batchHeld', digest: 'd1', author: 'aclb' },
  { atMs: 105, bank: 'cnb', type: 'proposal', height: 7, round: 0, blockHash: 'b7', proposer: 'cnb', batches: ['d1'] },
  { atMs: 107, bank: 'nbc', type: 'proposal', height: 7, round: 0, blockHash: 'b7', proposer: 'cnb', batches: ['d1'] },
  { atMs: 108, bank: 'cnb', type: 'voted', step: 'prevote', height: 7, round: 0, blockHash: 'b7' },
  { atMs: 109, bank: 'nbc', type: 'voted', step: 'prevote', height: 7, round: 0, blockHash: null },
  { atMs: 110, bank: 'cnb', type: 'voted', step: 'precommit', height: 7, round: 0, blockHash: 'b7' },
  {
    atMs: 112,
    bank: 'aclb',
    type: 'committed',
    height: 7,
    blockHash: 'b7',
    timeMs: 112,
    round: 0,
    proposer: 'cnb',
    signers: ['aclb', 'cnb'],
    via: 'consensus',
    transactions: [{ id: ID, status: 0 }],
    evidence: [],
  },
  {
    atMs: 150,
    bank: 'nbc',
    type: 'committed',
    height: 7,
    blockHash: 'b7',
    timeMs: 112,
    round: 0,
    proposer: 'cnb',
    signers: ['aclb', 'cnb'],
    via: 'sync',
    transactions: [{ id: ID, status: 0 }],
    evidence: [],
  },
] as unknown as readonly JournalEntry[];
