/** What the demo comes to: each promise of the project beside what was measured just now. */

import { ms, seconds } from './latency.ts';
import type { Narrator } from './narrator.ts';
import { describeSignatures, type Outage, type Payments, type Storm } from './payments.ts';
import type { Audit, KeptReceipt, Refusal } from './proofs.ts';

/** What the machine-readable summary says. */
export interface Summary {
  readonly tookMs: number;
  readonly startedMs: number;
  readonly payments: Payments;
  readonly storm: Storm;
  readonly outage: Outage;
  readonly refusals: readonly Refusal[];
  readonly audit: Audit;
  readonly receipt: KeptReceipt;
}

/** The targets that depend on the machine: said, not enforced. */
const TARGETS = { medianMs: 100, ratio: 3 } as const;

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly verdict: string;
}

export function summarise(tell: Narrator, summary: Summary): void {
  const { payments, storm, outage, refusals, audit, receipt, tookMs } = summary;
  const { latency } = payments;
  const rows: readonly Row[] = [
    {
      what: 'A payment is final in a moment',
      measured: `median ${ms(latency.medianMs)}, 90 % within ${ms(latency.p90Ms)}, of ${latency.count}`,
      verdict: verdict(latency.medianMs < TARGETS.medianMs, `aim: under ${TARGETS.medianMs} ms`),
    },
    { what: 'At least 3 of 4 signed it', measured: describeSignatures(payments), verdict: 'kept' },
    {
      what: `${storm.count} at once, each exactly once`,
      measured: `final in ${seconds(storm.tookMs)}, ${storm.blocks} blocks`,
      verdict: 'kept',
    },
    {
      what: 'One bank dead, payments go on',
      measured: `median ${ms(outage.latency.medianMs)}, ${outage.ratio.toFixed(1)} times`,
      verdict: verdict(outage.ratio <= TARGETS.ratio, `aim: at most ${TARGETS.ratio} times`),
    },
    {
      what: 'It comes back and catches up',
      measured: `${outage.missedBlocks} blocks, level ${seconds(outage.caughtUpMs)} after its start`,
      verdict: 'kept',
    },
    { what: 'Bad requests get a code', measured: `${refusals.length} of ${refusals.length}`, verdict: 'kept' },
    { what: 'The same books everywhere', measured: `block ${audit.height} on all nodes`, verdict: 'kept' },
    {
      what: 'No money from nowhere',
      measured: audit.supply.map(({ currency }) => currency).join(' and '),
      verdict: 'kept',
    },
    {
      what: 'Receipts convince offline',
      measured: `yes; ${receipt.forgeries} forgeries refused`,
      verdict: 'kept',
    },
  ];
  tell.chapter('What was promised, and what was measured');
  tell.table(rows, [
    { title: 'Promise', value: (row) => row.what },
    { title: 'Measured now, on this machine', value: (row) => row.measured },
    { title: '', value: (row) => tell.style(row.verdict === 'kept' ? 'green' : 'yellow', row.verdict) },
  ]);
  tell.line();
  tell.line(`The whole story took ${seconds(tookMs)}. Its folder and its processes are gone again.`);
  tell.line('Your own network: tonle up');
}

function verdict(isKept: boolean, aim: string): string {
  return isKept ? 'kept' : `missed (${aim})`;
}
