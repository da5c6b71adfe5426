import t from 'tap';
import type { ChainId, ParticipantId } from '../../src/types/index.ts';
import { arrivalsOf, type LoadPlan, PIECE, paymentsOf } from './plan.ts';

const PLAN: LoadPlan = {
  seed: 7,
  loadNumber: 0,
  chainId: '00'.repeat(32) as ChainId,
  banks: ['nbc', 'aclb'] as ParticipantId[],
  accounts: 1_000,
  distribution: 'uniform',
  arrivals: 'poisson',
  perS: 1_000,
  warmUpS: 2,
  measuredS: 8,
  capMs: 1_000,
};

t.test('arrivals are ascending, as many as the rate says, and the same for the same seed', async (t) => {
  const due = arrivalsOf(PLAN);
  t.ok(due.every((ms, i) => ms >= (due[i - 1] ?? 0) && ms < 10_000));
  t.ok(Math.abs(due.length - 10_000) < 400, `${due.length}`);
  const bytes = (plan: LoadPlan) => Buffer.from(arrivalsOf(plan).buffer);
  t.ok(bytes(PLAN).equals(bytes(PLAN)));
  t.notOk(bytes(PLAN).equals(bytes({ ...PLAN, loadNumber: 1 })));
});

t.test('gaps of a Poisson process are exponential: their deviation is their mean', async (t) => {
  const due = arrivalsOf(PLAN);
  const gaps = [...due].map((ms, i) => ms - (due[i - 1] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  t.ok(Math.abs(deviation / mean - 1) < 0.05, `${deviation / mean}`);
});

t.test('a constant rate has equal gaps', async (t) => {
  const due = arrivalsOf({ ...PLAN, arrivals: 'constant', perS: 4 });
  t.equal(due.length, 40);
  t.strictSame([...due.slice(0, 3)], [0, 250, 500]);
});

t.test('nobody pays themselves, and pieces do not depend on each other', async (t) => {
  const payments = paymentsOf(PLAN, 3);
  t.equal(payments.length, PIECE);
  t.ok(
    payments.every(({ from, to, minor }) => from !== to && from < 1_000 && to < 1_000 && minor >= 1n && minor <= 100n),
  );
  t.strictSame(paymentsOf(PLAN, 3).slice(0, 9), payments.slice(0, 9));
  t.equal(new Set(payments.map(({ nonce }) => nonce)).size, PIECE);
});

t.test('hot merchants: the first payee gets its share of 1 / (k ln n), and every payee exists', async (t) => {
  const payments = [0, 1, 2, 3].flatMap((piece) => paymentsOf({ ...PLAN, distribution: 'zipf' }, piece));
  const first = payments.filter(({ to }) => to === 0).length / payments.length;
  t.ok(Math.abs(first - Math.log(2) / Math.log(1_001)) < 0.02, `${first}`);
  t.ok(payments.every(({ to }) => to >= 0 && to < 1_000));
});
