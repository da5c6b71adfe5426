/** Reports for the page's tests: one with rows of every kind, valid and void; the same without PostgreSQL; and an empty one. */
import type { Figure, NodeUse, PostgresReport, Quantiles, Report, Row, RowKind, Run, Setup } from '../report.ts';

const PROBLEM = 'only 94 % of the plan was sent <late>';

/** A distribution with a median and a tail that grows by `tail` with each nine. */
function latency(p50: number, tail: number): { readonly latencyMs: Quantiles; readonly curve: Run['curve'] } {
  const at = (share: number) => p50 * (0.35 + 0.65 * tail ** (-Math.log10(1 - share) - 0.301));
  const curve = Array.from({ length: 72 }, (_, i) => 1 - 10 ** (-i / 18)).map((share) => [share, at(share)] as const);
  const [p90, p95, p99, p999] = [at(0.9), at(0.95), at(0.99), at(0.999)];
  return {
    latencyMs: { count: 20_000, p50: at(0.5), p90, p95, p99, p999, max: at(0.9999) },
    curve: [...curve, [1, at(0.9999)]],
  };
}

function nodeUse(i: number, final: number, accounts: number): NodeUse {
  const cpuS = final * 0.00024 * (1 + 0.06 * i);
  return {
    participant:
      ['nbc', 'aclb', 'cnb', 'wing', 'abab', 'pppb', 'htbb', 'mbb', 'ppcb', 'sathapana', 'amret'][i] ?? `bank${i}`,
    cpuS,
    threadsS: { loop: cpuS * 0.5, checks: cpuS * 0.38, engine: cpuS * 0.08, storage: cpuS * 0.03, other: cpuS * 0.01 },
    maxRssBytes: 180e6 + accounts * 410 + i * 9e6,
    sentBytes: final * (1_450 + 120 * i),
    writtenBytes: final * 900,
  };
}

interface Changes extends Partial<Run> {
  readonly validators?: number;
  readonly accounts?: number;
  readonly p50?: number;
  readonly tail?: number;
}

export function run(offeredPerS: number, finalPerS: number, changes: Changes = {}): Run {
  const { validators = 4, accounts = 1_000, p50 = 22, tail = 2.2, ...rest } = changes;
  const seconds = rest.seconds ?? 20;
  const final = Math.round(finalPerS * seconds);
  const wave = (second: number) => 1 + 0.04 * Math.sin(second * 1.7) + 0.02 * Math.cos(second * 5.1);
  return {
    offeredPerS,
    seconds,
    planned: offeredPerS * seconds,
    sent: offeredPerS * seconds,
    accepted: offeredPerS * seconds - 3,
    final,
    refused: { BALANCE_TOO_LOW: 2, 'POOL_<FULL>': 1 },
    timedOut: 4,
    finalPerS,
    ...latency(p50, tail),
    timeline: Array.from({ length: seconds }, (_, second) => ({
      second,
      final: Math.round(finalPerS * wave(second)),
      p50: p50 * wave(second + 3),
      p99: p50 * 4 * wave(second * 3),
      max: p50 * 7 * wave(second * 2),
    })),
    nodes: Array.from({ length: validators }, (_, i) => nodeUse(i, final, accounts)),
    generator: { cpuS: final * 0.00021, lagP99Ms: 2.1, maxRssBytes: 210e6 },
    blocks: seconds * 18,
    longestGapMs: p50 * 8,
    backlogGrowth: 12,
    problems: [],
    ...rest,
  };
}

export const SETUP: Setup = {
  validators: 4,
  dead: 0,
  accounts: 1_000,
  distribution: 'uniform',
  arrivals: 'poisson',
  checks: 'every validator checks every signature',
  sync: 'log synced before the answer',
};

function row(
  name: string,
  title: string,
  kind: RowKind,
  setup: Partial<Setup>,
  runs: readonly Run[],
  chosen: number | null,
): Row {
  return { name, title, kind, setup: { ...SETUP, ...setup }, runs, chosen, measures: {}, notes: [] };
}

/** Steps of a search that ends at `best`. */
function search(best: number, changes: Changes): readonly Run[] {
  const p50 = changes.p50 ?? 24;
  return [
    run(best * 0.25, best * 0.25, { ...changes, p50: p50 * 0.5 }),
    run(best * 0.5, best * 0.5, { ...changes, p50: p50 * 0.6 }),
    run(best, best * 0.998, { ...changes, p50 }),
    run(best * 2, best * 1.09, { ...changes, p50: p50 * 40, tail: 1.6, backlogGrowth: 9_000 }),
    run(best * 1.4, best * 1.08, { ...changes, p50: p50 * 14, tail: 1.8, backlogGrowth: 3_000 }),
    run(best * 1.2, best * 1.06, {
      ...changes,
      p50: p50 * 6,
      backlogGrowth: 900,
      problems: ['the generator lagged 14 ms at p99'],
    }),
  ];
}

export const SATURATION: Row = {
  ...row('saturation-4', '4 validators', 'saturation', {}, search(1_480, {}), 2),
  verificationsPerS: [13_020, 12_260],
};

const VOID = row(
  'saturation-7-dead',
  '7 validators, 2 of them dead',
  'saturation',
  { validators: 7, dead: 2 },
  [run(400, 771_234, { validators: 7, problems: [PROBLEM] })],
  null,
);

const soakSeconds = 600;
const kill = run(700, 690, { seconds: 60, p50: 26, tail: 3.4, events: [{ second: 24, what: 'proposer killed' }] });

export const ROWS: readonly Row[] = [
  {
    ...SATURATION,
    measures: { readyMs: 1_432.4, diskBytes: 84_300_000, blocksPerS: 18.2 },
    notes: ['The search began at 370 payments a second & doubled.'],
  },
  row('saturation-7', '7 validators', 'saturation', { validators: 7 }, search(860, { validators: 7, p50: 35 }), 2),
  row('saturation-11', '11 validators', 'saturation', { validators: 11 }, search(470, { validators: 11, p50: 58 }), 2),
  row(
    'saturation-4-dead',
    '4 validators, 1 of them dead',
    'saturation',
    { dead: 1 },
    search(1_530, { validators: 3, p50: 31 }),
    2,
  ),
  VOID,
  row(
    'saturation-4-zipf',
    '4 validators, a hot merchant takes a tenth of all payments (Zipf)',
    'saturation',
    { distribution: 'zipf' },
    search(1_440, { p50: 25 }),
    2,
  ),
  row(
    'saturation-4-100k',
    '4 validators, 100,000 accounts',
    'saturation',
    { accounts: 100_000 },
    search(1_410, { accounts: 100_000, p50: 27 }),
    2,
  ),
  row(
    'saturation-4-1m',
    '4 validators, 1,000,000 accounts',
    'saturation',
    { accounts: 1_000_000 },
    search(1_190, { accounts: 1_000_000, p50: 33 }),
    2,
  ),
  row(
    'paced-4',
    '4 validators, 1,000 payments a second',
    'paced',
    {},
    [run(1_000, 999.6, { seconds: 30, p50: 15 })],
    0,
  ),
  row(
    'closed-4',
    '4 validators, closed loop of 32 clients',
    'paced',
    { arrivals: 'closed' },
    [run(1_210, 1_210, { p50: 0.62, tail: 2.9 })],
    0,
  ),
  row('soak-4', '4 validators, ten minutes', 'soak', {}, [run(700, 699.8, { seconds: soakSeconds, p50: 17 })], 0),
  row(
    'kill-4',
    '4 validators, the proposer is killed under load',
    'kill',
    {},
    [
      {
        ...kill,
        timeline: kill.timeline.map((at) =>
          at.second === 24 || at.second === 25 ? { ...at, final: 0, p50: 0, p99: 0, max: 0 } : at,
        ),
      },
    ],
    0,
  ),
];

const FIGURES: readonly Figure[] = [
  {
    what: 'Share of the limit at saturation, 4 validators',
    toReach: '>= 0.45, aim 0.65',
    reached: '0.47',
    verdict: 'reached',
    how: 'final/s × validators / signature checks a second of all cores',
  },
  {
    what: 'Over PostgreSQL with 32 clients',
    toReach: '>= 0.5, aim 1.0',
    reached: '0.52',
    verdict: 'reached',
    how: 'final/s over transfers/s',
  },
  {
    what: 'Latency at 1,000 payments a second',
    toReach: 'p50 <= 25 ms, p99 <= 100 ms',
    reached: 'p50 15 ms, p99 52 ms',
    verdict: 'aim reached',
    how: 'row paced-4',
  },
  {
    what: 'Longest gap after the <proposer> is killed',
    toReach: '<= 1 s',
    reached: '2 s',
    verdict: 'missed',
    how: 'row kill-4, seconds without a final payment',
  },
  {
    what: '1,000,000 accounts | final/s over that of 1,000',
    toReach: '>= 0.9',
    reached: null,
    verdict: 'not measured',
    how: 'rows saturation-4-1m and saturation-4',
  },
];

const POSTGRESQL: PostgresReport = {
  version: '15.14',
  settings: {
    synchronous_standby_names: 'ANY 2 (s1, s2)',
    fsync: 'on',
    synchronous_commit: 'on',
    shared_buffers: '128MB',
  },
  accounts: 1_000,
  way: 'one call of a function',
  runs: [
    {
      clients: 8,
      seconds: 20,
      transfers: 42_000,
      transfersPerS: 2_100,
      failed: 0,
      latencyMs: { mean: 3.8, p50: 3.1, p95: 8.2, p99: 14.4, max: 61 },
      conserved: true,
    },
    {
      clients: 32,
      seconds: 20,
      transfers: 61_000,
      transfersPerS: 3_050,
      failed: 0,
      latencyMs: { mean: 11, p50: 9.6, p95: 21.5, p99: 38, max: 140 },
      conserved: true,
    },
    {
      clients: 32,
      seconds: 20,
      transfers: 53_000,
      transfersPerS: 2_650,
      failed: 0,
      latencyMs: { mean: 11.8, p50: 10.2, p95: 24.1, p99: 41, max: 150 },
      conserved: true,
    },
  ],
};

export const REPORT: Report = {
  version: 1,
  kind: 'full',
  startedAt: '2026-11-28T17:40:12.000Z',
  durationS: 2_412,
  commit: 'c25971b0d3a1+changes',
  seed: 7,
  command: 'npm run bench -- --full --seed 7',
  machine: {
    cpu: 'Sample CPU <8th> at 2.60 GHz',
    cores: 2,
    memoryBytes: 8.2e9,
    kernel: 'Linux 6.1.0',
    versions: { node: '24.21.0', tonle: '0.1.0', postgresql: '15.14' },
    loadAverage: 0.12,
  },
  limit: {
    verificationsPerS: 12_640,
    library: 'libsodium',
    cores: 2,
    opensslPerS: 10_150,
    syncedWrite: { count: 500, p50: 0.84, p90: 1.2, p95: 1.6, p99: 3.4, p999: 8.8, max: 12.1 },
  },
  postgresql: POSTGRESQL,
  rows: ROWS,
  figures: FIGURES,
  failures: [],
};

export const WITHOUT_POSTGRESQL: Report = {
  ...REPORT,
  kind: 'quick',
  postgresql: { skipped: 'PostgreSQL 15 is not <installed>.' },
};

export const EMPTY: Report = { ...WITHOUT_POSTGRESQL, kind: 'rows', limit: null, rows: [], figures: [] };
