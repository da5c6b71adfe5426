/**
 * The process that offers the load and sees it end: prepares (plans, signs, connects), begins when told, sends each payment
 * when it is due whatever became of those before, and reports. It speaks with whoever started it by messages of IPC.
 */
import { writeFile } from 'node:fs/promises';
import { constants, cpus, setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { openSubmissionStream, type SubmissionSender } from '../../src/api/stream-client.ts';
import type { SubmissionAnswer } from '../../src/api/types.ts';
import { createLatencyHistogram, quantilesOf } from '../histogram.ts';
import type { Run } from '../report.ts';
import { arrivalsOf, type LoadPlan } from './plan.ts';
import { type LoadFigures, Recorder } from './recorder.ts';
import { type SignedPayments, signPayments } from './sign.ts';

interface Target {
  readonly apiUrl: string;
  /** A dead bank's customers go to the next one. */
  readonly isAlive: boolean;
}

export interface Order {
  readonly plan: LoadPlan;
  /** In the order of the plan's banks. */
  readonly targets: readonly Target[];
  /** Where the list of what became final goes: 36 bytes each, the id and the height. */
  readonly endsFile: string;
}

export type FromParent =
  | ({ readonly type: 'prepare' } & Order)
  | { readonly type: 'begin' }
  /** A bank that was killed has come back. */
  | { readonly type: 'reopen'; readonly bank: number };

export type FromGenerator =
  | { readonly type: 'signed'; readonly count: number; readonly of: number }
  | { readonly type: 'prepared'; readonly payments: number }
  | {
      readonly type: 'second';
      readonly second: number;
      readonly sent: number;
      readonly ended: number;
      readonly phase: Phase;
    }
  | { readonly type: 'done'; readonly figures: LoadFigures; readonly generator: Run['generator'] };

export type Phase = 'warm-up' | 'measured' | 'drain' | 'over';

/**
 * Between two looks at what is due, of which each takes a core from a bank for a moment: at every millisecond they were most of what the
 * generator costs. A payment is sent half of it later, on the mean, and its latency counts from when it was due.
 */
const TICK_MS = 2;
/** How long what was sent may still take effect after it was due, at least: as long as a wallet gives a payment. */
const VALID_MS = 60_000;
/** Payments a second that even a slow machine signs: what is assumed before the first are. */
const SLOW_SIGNING_PER_S = 8_000;

class Generator {
  readonly #plan: LoadPlan;
  readonly #payments: SignedPayments;
  readonly #dueMs: Float64Array;
  readonly #recorder: Recorder;
  readonly #endsFile: string;
  /** How much later than it was to be each look was, in the measured time. */
  readonly #lag = createLatencyHistogram();
  readonly #lanes: Lane[];
  #startMs = 0;
  #next = 0;
  #ended = 0;

  constructor({ plan, targets, endsFile }: Order, payments: SignedPayments, dueMs: Float64Array) {
    this.#plan = plan;
    this.#payments = payments;
    this.#dueMs = dueMs;
    this.#recorder = new Recorder(plan, dueMs);
    this.#endsFile = endsFile;
    this.#lanes = targets.map(
      ({ apiUrl }) =>
        new Lane(
          apiUrl,
          (indexes, answers) => this.#hear(indexes, answers),
          (owed) => this.#again(owed),
        ),
    );
    for (const [i, { isAlive }] of targets.entries()) if (isAlive) this.#lanes[i]?.open();
  }

  /** A bank has come back: its customers go to it again. */
  reopen(bank: number): void {
    this.#lanes[bank]?.open();
  }

  async run(): Promise<void> {
    const { warmUpS, measuredS, capMs } = this.#plan;
    this.#startMs = performance.now();
    const endMs = (warmUpS + measuredS) * 1_000;
    let cpu = process.cpuUsage();
    let phase: Phase = 'warm-up';
    let second = 0;
    let generator: Run['generator'] = { cpuS: 0, lagP99Ms: 0, maxRssBytes: 0 };
    let lastMs = 0;
    while (phase !== 'over') {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      const nowMs = performance.now() - this.#startMs;
      if (phase === 'measured') this.#lag.record(Math.max(0, nowMs - lastMs - TICK_MS));
      lastMs = nowMs;
      this.#sendDue(nowMs);
      if (phase === 'warm-up' && nowMs >= warmUpS * 1_000) {
        phase = 'measured';
        cpu = process.cpuUsage();
      }
      if (phase === 'measured' && nowMs >= endMs) {
        phase = 'drain';
        const { user, system } = process.cpuUsage(cpu);
        generator = {
          cpuS: (user + system) / 1e6,
          lagP99Ms: quantilesOf(this.#lag).p99,
          maxRssBytes: process.memoryUsage.rss(),
        };
      }
      if (phase === 'drain' && (this.#isDone() || nowMs > endMs + capMs)) phase = 'over';
      if (nowMs >= (second + 1) * 1_000 || phase === 'over') {
        tell({ type: 'second', second: ++second, sent: this.#next, ended: this.#ended, phase });
      }
    }
    for (const lane of this.#lanes) lane.close();
    await writeFile(this.#endsFile, this.#ends());
    tell({ type: 'done', figures: this.#recorder.figures(), generator });
  }

  #isDone(): boolean {
    return this.#next === this.#payments.count && this.#recorder.open === 0;
  }

  #sendDue(nowMs: number): void {
    while (this.#next < this.#payments.count && (this.#dueMs[this.#next] ?? 0) <= nowMs) {
      const index = this.#next++;
      this.#laneOf(this.#payments.bank(index)).add(index, this.#payments.frame(index));
      this.#recorder.sent(index, nowMs);
    }
    for (const lane of this.#lanes) lane.flush();
  }

  /** The home bank's, or that of the next bank that is alive. */
  #laneOf(bank: number): Lane {
    for (let i = 0; i < this.#lanes.length; i++) {
      const lane = this.#lanes[(bank + i) % this.#lanes.length];
      if (lane?.isOpen === true) return lane;
    }
    throw new Error('no bank is alive');
  }

  /** A bank is gone, and nobody knows what became of what it had: the very same payments go to the next bank. */
  #again(owed: readonly number[]): void {
    for (const index of owed) {
      if (!this.#recorder.hasEnded(index))
        this.#laneOf(this.#payments.bank(index)).add(index, this.#payments.frame(index));
    }
  }

  #hear(indexes: readonly number[], answers: readonly SubmissionAnswer[]): void {
    const atMs = performance.now() - this.#startMs;
    for (const answer of answers) {
      const index = indexes[answer.n];
      if (index === undefined) throw new Error(`an answer to a payment that was not sent: ${JSON.stringify(answer)}`);
      if (answer.state === 'pending') continue;
      this.#ended += 1;
      const code = codeOf(answer);
      this.#recorder.ended(index, { atMs, code, height: answer.state === 'final' ? answer.height : 0 });
    }
  }

  #ends(): Uint8Array {
    const { heights } = this.#recorder;
    const file = Buffer.alloc(36 * heights.reduce((count, height) => count + (height > 0 ? 1 : 0), 0));
    let at = 0;
    for (const [index, height] of heights.entries()) {
      if (height === 0) continue;
      file.set(this.#payments.id(index), at);
      file.writeUInt32LE(height, at + 32);
      at += 36;
    }
    return file;
  }
}

/** The stream of submissions to one bank. */
class Lane {
  readonly #apiUrl: string;
  readonly #onAnswers: (indexes: readonly number[], answers: readonly SubmissionAnswer[]) => void;
  readonly #onLost: (indexes: readonly number[]) => void;
  /** Payments in the order they were sent over the present stream: what its answers count by. */
  #indexes: number[] = [];
  #waiting: Uint8Array[] = [];
  #stream: SubmissionSender | null = null;

  /** @param onLost is told all that was sent over a stream that has ended, whether it was answered or not. */
  constructor(
    apiUrl: string,
    onAnswers: (indexes: readonly number[], answers: readonly SubmissionAnswer[]) => void,
    onLost: (indexes: readonly number[]) => void,
  ) {
    this.#apiUrl = apiUrl;
    this.#onAnswers = onAnswers;
    this.#onLost = onLost;
  }

  get isOpen(): boolean {
    return this.#stream !== null;
  }

  open(): void {
    const indexes: number[] = [];
    this.#indexes = indexes;
    const stream = openSubmissionStream(this.#apiUrl, {
      onAnswers: (answers) => this.#onAnswers(indexes, answers),
      onEnd: () => {
        if (this.#stream !== stream) return;
        this.#stream = null;
        this.#waiting = [];
        this.#onLost(indexes);
      },
    });
    this.#stream = stream;
  }

  add(index: number, frame: Uint8Array): void {
    this.#indexes.push(index);
    this.#waiting.push(frame);
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#stream?.push(Buffer.concat(this.#waiting));
    this.#waiting = [];
  }

  close(): void {
    const stream = this.#stream;
    this.#stream = null;
    stream?.destroy();
  }
}

function codeOf(answer: SubmissionAnswer): string {
  switch (answer.state) {
    case 'final':
      return answer.status;
    case 'refused':
      return answer.error.code;
    default:
      return answer.state.toUpperCase();
  }
}

async function prepare(order: Order): Promise<Generator> {
  const dueMs = arrivalsOf(order.plan);
  const beganMs = Date.now();
  let signed = 0;
  // The clock starts when all are signed, which is foreseen the better the more are: as long as a payment may take effect it is in the
  // replay memory of every node.
  const startMs = () => {
    const tookMs = Date.now() - beganMs;
    return beganMs + (signed === 0 ? (dueMs.length / SLOW_SIGNING_PER_S) * 1_000 : (tookMs * dueMs.length) / signed);
  };
  const payments = await signPayments(
    order.plan,
    dueMs.length,
    cpus().length,
    (index) => Math.round(startMs() + (dueMs[index] ?? 0) + VALID_MS),
    (count) => {
      signed = count;
      tell({ type: 'signed', count, of: dueMs.length });
    },
  );
  return new Generator(order, payments, dueMs);
}

function tell(message: FromGenerator): void {
  process.send?.(message);
}

let generator: Generator | null = null;
process.on('message', (message: FromParent) => {
  switch (message.type) {
    case 'prepare':
      void prepare(message).then((prepared) => {
        generator = prepared;
        tell({ type: 'prepared', payments: arrivalsOf(message.plan).length });
      });
      return;
    case 'begin':
      raisePriority();
      void generator?.run().then(() => process.disconnect?.());
      return;
    case 'reopen':
      generator?.reopen(message.bank);
  }
});
process.on('disconnect', () => process.exit());

/** Its few milliseconds a second must come when they are due; where that is not allowed, the lag says what came of it. */
function raisePriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SYSTEM_ERROR') throw error;
  }
}
