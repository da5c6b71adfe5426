/** What Prometheus sees of a node: made of its status when asked, of its events as they come, and of the requests here. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import type { NodeEvent } from '../node/events.ts';
import type { Clock } from '../ports.ts';
import type { Receipt, TransactionId } from '../types/index.ts';
import type { NodeFace } from './node-face.ts';
import { statusCodeJson } from './present.ts';

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** A transaction was taken here, in a request that began at `startMs`. */
  submitted(id: TransactionId, startMs: number): void;
  answered(
    request: { readonly method: string; readonly route: string; readonly status: number },
    seconds: number,
  ): void;
  streamOpened(): void;
  streamClosed(): void;
  /** A transaction of a submission stream is final, which began at `startMs`. */
  final(startMs: number): void;
  submissionsOpened(): void;
  submissionsClosed(): void;
  /** Stops listening to the node. */
  close(): void;
}

/** From a few milliseconds, which one machine needs, to the longest wait that a client can ask for. */
const SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];
/** Submissions whose end is awaited for the histogram; beyond it the oldest are not measured. */
const MAX_AWAITED = 50_000;

export function createMetrics(node: NodeFace, clock: Clock): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  measureStatus(registry, node);
  const requests = new Histogram({
    name: 'tonle_http_request_seconds',
    help: 'From the request to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  const streams = new Gauge({
    name: 'tonle_event_streams',
    help: 'Event streams open now',
    registers: [registry],
  });
  const submissions = new Gauge({
    name: 'tonle_submission_streams',
    help: 'Submission streams open now',
    registers: [registry],
  });
  const finality = measureFinality(registry, clock);
  const count = countEvents(registry);
  const unsubscribe = node.subscribe((event) => {
    finality.observe(event);
    count(event);
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    submitted: finality.submitted,
    answered: ({ method, route, status }, seconds) => requests.observe({ method, route, status }, seconds),
    streamOpened: () => streams.inc(),
    streamClosed: () => streams.dec(),
    final: finality.final,
    submissionsOpened: () => submissions.inc(),
    submissionsClosed: () => submissions.dec(),
    close: unsubscribe,
  };
}

function measureStatus(registry: Registry, node: NodeFace): void {
  type Status = ReturnType<NodeFace['status']>;
  const gauges: readonly (readonly [name: string, help: string, value: (status: Status) => number])[] = [
    ['tonle_height', 'Height of the last final block', ({ height }) => height],
    ['tonle_highest_known_height', 'Highest block that any peer has', ({ highestKnownHeight }) => highestKnownHeight],
    ['tonle_round', 'Round of the height that is being decided', ({ consensus }) => consensus.round],
    ['tonle_peers', 'Participants with an open connection', ({ peers }) => peers.length],
    ['tonle_pool_transactions', 'Transactions taken here that are not final yet', ({ pool }) => pool.transactions],
    ['tonle_pool_batches', 'Batches that no block holds yet', ({ pool }) => pool.batches],
  ];
  for (const [name, help, value] of gauges) {
    const collect = function (this: Gauge) {
      this.set(value(node.status()));
    };
    new Gauge({ name, help, registers: [registry], collect });
  }
}

/** Counts what the node tells. */
function countEvents(registry: Registry): (event: NodeEvent) => void {
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const transactions = counter('tonle_transactions_total', 'Transactions on the chain, by status', ['status']);
  const blocks = counter('tonle_blocks_total', 'Blocks committed since the start', ['via']);
  const rounds = counter('tonle_rounds_above_zero_total', 'Rounds begun because the one before decided nothing');
  const evidence = counter('tonle_evidence_total', 'Equivocations proved, one a height', ['participant']);
  const refused = counter('tonle_blocks_refused_total', 'Proposed blocks that this node judged invalid');
  const expired = counter('tonle_transactions_expired_total', 'Transactions taken here that expired');
  return (event) => {
    switch (event.type) {
      case 'committed':
        blocks.inc({ via: event.via });
        for (const [status, count] of byStatus(event.transactions)) transactions.inc({ status }, count);
        return;
      case 'round':
        if (event.round > 0) rounds.inc();
        return;
      case 'evidence':
        return evidence.inc({ participant: event.participant });
      case 'blockRefused':
        return refused.inc();
      case 'expired':
        return expired.inc(event.ids.length);
      default:
        return;
    }
  };
}

/** One count a status instead of one a transaction: blocks hold thousands. */
function byStatus(transactions: readonly { readonly receipt: Receipt }[]): ReadonlyMap<string, number> {
  const counts = new Map<number, number>();
  for (const { receipt } of transactions) counts.set(receipt.status, (counts.get(receipt.status) ?? 0) + 1);
  return new Map([...counts].map(([status, count]) => [statusCodeJson(status).name, count]));
}

/** A histogram without labels for what comes with each payment: counting one in is two additions, not a microsecond each. */
class Tally {
  readonly #bounds: readonly number[];
  /** One a bound, and one for what is above all of them. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = [...bounds, Number.POSITIVE_INFINITY].map(() => 0);
  }

  observe(value: number): void {
    let at = 0;
    while (value > (this.#bounds[at] ?? Number.POSITIVE_INFINITY)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** As the registry takes it, and Prometheus reads it: each count with those below it. */
  metric(name: string, help: string): Metric {
    const get = () => {
      let count = 0;
      const buckets = this.#counts.map((own, at) => {
        count += own;
        return { metricName: `${name}_bucket`, labels: { le: this.#bounds[at] ?? '+Inf' }, value: count };
      });
      const sums = [
        { metricName: `${name}_sum`, labels: {}, value: this.#sum },
        { metricName: `${name}_count`, labels: {}, value: count },
      ];
      return { name, help, type: 'histogram', aggregator: 'sum', values: [...buckets, ...sums] };
    };
    return { name, get } as unknown as Metric;
  }
}

interface Finality {
  final(startMs: number): void;
  submitted(id: TransactionId, startMs: number): void;
  observe(event: NodeEvent): void;
}

function measureFinality(registry: Registry, clock: Clock): Finality {
  const histogram = new Tally(SECONDS);
  registry.registerMetric(
    histogram.metric('tonle_finality_seconds', 'From the submission of a transaction here until it is final'),
  );
  const awaited = new Map<TransactionId, number>();
  return {
    final: (startMs) => histogram.observe((clock.now() - startMs) / 1_000),
    submitted(id, startMs) {
      if (awaited.has(id)) return;
      awaited.set(id, startMs);
      if (awaited.size <= MAX_AWAITED) return;
      const [oldest] = awaited.keys();
      if (oldest !== undefined) awaited.delete(oldest);
    },
    observe(event) {
      if (event.type === 'expired') for (const id of event.ids) awaited.delete(id);
      if (event.type !== 'committed' || awaited.size === 0) return;
      for (const { receipt } of event.transactions) {
        const startMs = awaited.get(receipt.transactionId);
        if (startMs === undefined) continue;
        awaited.delete(receipt.transactionId);
        histogram.observe((clock.now() - startMs) / 1_000);
      }
    },
  };
}
