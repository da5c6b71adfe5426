import { test } from 'tap';
import { count, duration, grouped, quantile, timeOfDay } from '../words.ts';
import { explain, findPayments } from './explain.ts';
import { endingsOf, histogramOf, PER_DOUBLING, slicesOf } from './figures.ts';
import { pageOf } from './page.ts';
import { ID, JOURNAL, RUN } from './sample.suite.ts';
import { timeTicks } from './svg.ts';
import { explanationText, type Paint, progressLine, stepLine, summaryOf } from './terminal.ts';

const plain: Paint = (_, text) => text;

test('figures', async (t) => {
  await t.test('a quantile is by the nearest rank', async (t) => {
    const rows = [
      [[], 0.5, 0],
      [[7], 0.99, 7],
      [[1, 2, 3, 4], 0.5, 2],
      [[1, 2, 3, 4], 0.51, 3],
      [[1, 2, 3, 4], 1, 4],
      [[1, 2, 3, 4], 0, 1],
    ] as const;
    for (const [values, q, expected] of rows) t.equal(quantile(values, q), expected, `${q} of [${values}]`);
  });

  await t.test('the histogram holds every payment that became final, in the bucket of its time', async (t) => {
    const histogram = histogramOf(RUN);
    t.equal(histogram?.total, 41);
    t.equal(
      histogram?.buckets.reduce((sum, bucket) => sum + bucket.count, 0),
      41,
    );
    t.same(histogram?.buckets[0], { fromMs: 16, toMs: 16 * 2 ** (1 / PER_DOUBLING), count: 2 });
    t.equal(histogram?.maxMs, 18 + 39 * 39);
    t.equal(histogramOf({ ...RUN, payments: [] }), null);
  });

  await t.test('slices hold every payment once, also those at the very end', async (t) => {
    const slices = slicesOf({ ...RUN, endedAtMs: RUN.startedAtMs + 51 * 60_000 }, 10);
    const sum = (of: 'final' | 'refused' | 'other') => slices.reduce((all, slice) => all + slice[of], 0);
    t.same([sum('final'), sum('refused'), sum('other')], [41, 1, 1]);
    t.equal(slices[9]?.other, 1);
  });

  await t.test('endings name the code of a refusal, final first', async (t) => {
    t.same(
      [...endingsOf(RUN)],
      [
        ['final', 41],
        ['refused ALIAS_STALE', 1],
        ['unreachable', 1],
      ],
    );
  });
});

test('words', async (t) => {
  t.same([0, 999, 1_500, 61_000, 600_000, 9_000_000].map(duration), [
    '0 ms',
    '999 ms',
    '1.5 s',
    '61 s',
    '10 min',
    '2.5 h',
  ]);
  t.same(['5', '1234', '1234567.50', '-1000'].map(grouped), ['5', '1,234', '1,234,567.50', '-1,000']);
  t.same([count(1, 'block'), count(2_000, 'block')], ['1 block', '2,000 blocks']);
  t.equal(timeOfDay(Date.UTC(2026, 0, 5, 23, 30)), '06:30', 'Phnom Penh is seven hours ahead');
  t.equal(timeOfDay(Date.UTC(2026, 0, 5, 23, 30, 9)), '06:30:09');
});

test('ticks are round in local time, and not too many', async (t) => {
  const hour = 3_600_000;
  t.same(timeTicks(Date.UTC(2026, 0, 1, 0, 10), Date.UTC(2026, 0, 1, 5), 6, 7 * hour).map(timeOfDay), [
    '08:00',
    '09:00',
    '10:00',
    '11:00',
    '12:00',
  ]);
  for (const span of [1, 1_000, 90_000, hour, 30 * hour, 900 * hour]) {
    t.ok(timeTicks(5, 5 + span, 10, 0).length <= 11, `${span} ms`);
  }
});

test('the page', async (t) => {
  const page = pageOf(RUN);

  await t.test('needs nothing from elsewhere', async (t) => {
    t.notMatch(page, /<script|<link|src=|@import|url\(|https?:/);
    t.match(page, /^<!doctype html>/);
  });

  await t.test('has nobody’s text as markup', async (t) => {
    t.match(page, 'Lunch &#38; more');
    t.match(page, 'Lunch &#60;for&#62; &#34;two&#34;');
    t.notMatch(page, '<lunch>');
  });

  await t.test('says first what did not hold, and that signatures are stubs', async (t) => {
    const at = (text: string) => page.indexOf(text);
    t.ok(at('sok has 5,000 KHR: 1 KHR less.') > 0);
    t.ok(at('sok has 5,000 KHR: 1 KHR less.') < at('What happened when'));
    t.match(page, 'Signatures are stubbed');
    t.notMatch(pageOf({ ...RUN, engine: { ...RUN.engine, signatures: 'real' } }), 'Signatures are stubbed');
  });

  await t.test('shows what the banks held, moment by moment', async (t) => {
    t.match(
      page,
      /Settlement positions.*08:00<\/td><td class="number">700,000 KHR<\/td>.*09:00<\/td><td class="number"><\/td>/s,
    );
    t.notMatch(pageOf({ ...RUN, positions: RUN.positions.slice(0, 1) }), 'Settlement positions');
  });

  await t.test('leaves out charts of what did not happen', async (t) => {
    const empty = pageOf({ ...RUN, payments: [], flows: [], blocks: [], expectations: [], steps: [], faults: [] });
    t.notMatch(empty, 'How fast payments became final');
    t.notMatch(empty, 'Where the KHR went');
    t.notMatch(empty, /NaN|undefined|Infinity/);
    t.notMatch(page, /NaN|undefined|Infinity/);
  });
});

test('the way of a payment', async (t) => {
  await t.test('is found by the beginning of its id, or by words', async (t) => {
    t.same(
      findPayments(RUN, ID.slice(0, 8)).map(({ id }) => id),
      [ID],
    );
    t.equal(findPayments(RUN, 'Dara pays').length, RUN.payments.length);
    t.same(findPayments(RUN, 'ffffff'), []);
  });

  await t.test('has every hop in order', async (t) => {
    const { hops, conclusion } = explain(JOURNAL, RUN.payments[0]!);
    t.same(
      hops.map(({ afterMs, what }) => [afterMs, what]),
      [
        [null, 'dara pays sok 5,000 KHR: handed to aclb at 08:00'],
        [0, 'aclb packs it into batch d1, with 1 other'],
        [3, 'cnb has the batch, and every signature in it holds'],
        [4, 'nbc has the batch, and every signature in it holds'],
        [5, 'cnb proposes it in block 7, round 0 (b7)'],
        [9, 'prevote for it: cnb; against it nbc'],
        [10, 'precommit for it: cnb'],
        [12, 'block 7 is certified in round 0 by aclb, cnb'],
        [12, 'aclb executes block 7 and keeps it'],
        [50, 'nbc catches up: executes block 7 and keeps it'],
      ],
    );
    t.equal(conclusion, 'Final after 20 ms. It stands in block 1 at place 0.');
    t.match(explanationText(explain(JOURNAL, RUN.payments[0]!), plain), /\+12 ms {2}certified/);
  });

  await t.test('of one that was handed in twice begins with both', async (t) => {
    const again = { ...RUN.payments[0]!, via: 'cnb', title: 'the same again' };
    const { hops } = explain(JOURNAL, RUN.payments[0]!, [again]);
    t.same(
      hops.filter(({ stage }) => stage === 'submitted').map(({ what }) => what),
      ['dara pays sok 5,000 KHR: handed to aclb at 08:00', 'the same again: handed to cnb at 08:00'],
    );
  });

  await t.test('of a refusal ends with the rule', async (t) => {
    const refused = RUN.payments.find(({ code }) => code === 'ALIAS_STALE');
    t.match(explain([], refused!).conclusion, /^Refused by rule ALIAS_STALE: The phone number was bound anew/);
  });
});

test('the terminal', async (t) => {
  t.equal(progressLine(12, 24, 'payment'), `         [############------------] 12 of 24 payments`);
  t.equal(progressLine(0, 0, 'payment'), `         [${'#'.repeat(24)}] 0 of 0 payments`);
  t.equal(stepLine(RUN.steps[1]!, plain), '08:00    ✓ dara pays sok 5,000 KHR  final in 20 ms, block 1');
  t.match(
    summaryOf(RUN, plain),
    /Expected: sok has exactly 5,001 KHR \(sample\.yaml:12:5\)\n {2}sok has 5,000 KHR: 1 KHR less\./,
  );
  t.match(summaryOf(RUN, plain), /an expectation did not hold\.$/);
  t.match(summaryOf({ ...RUN, verdict: 'held', expectations: [] }, plain), /everything held\.$/);
});
