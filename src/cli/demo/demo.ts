/**
 * `tonle demo`: the whole of Tonle in half a minute. A network of four processes in a temporary folder, people who pay each
 * other, a bank that dies and returns, and an audit. It ends with an error where a promise does not hold, and leaves no
 * folder and no process behind, however it ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { CodedError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { describeEnd } from '../node-child.ts';
import { type LocalNetworkHandle, startLocalNetwork } from '../start-local-network.ts';
import { Narrator } from './narrator.ts';
import { introduceNetwork, open } from './opening.ts';
import { payAllAtOnce, payOneByOne, payWhileDead } from './payments.ts';
import { audit, keepReceipt, refuse } from './proofs.ts';
import { promised } from './stage.ts';
import { type Summary, summarise } from './summary.ts';

/** @throws CodedError `DEMO_BROKEN` where a promise of the project does not hold. */
export async function demo(cli: CliContext): Promise<void> {
  const startMs = performance.now();
  const tell = new Narrator(cli.out);
  const interruption = watchSignals();
  const data = await mkdtemp(path.join(tmpdir(), 'tonle-demo-'));
  let summary: Omit<Summary, 'tookMs'>;
  try {
    tell.title(
      'Tonle, a network of banks',
      'A central bank and three banks, each a process of its own on this machine, move money that is final in a moment.',
    );
    summary = await perform(data, tell, cli, interruption.signal);
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 3 });
    // Ends here where there was a signal: as that signal ends any program.
    interruption.settle();
  }
  const whole = { ...summary, tookMs: performance.now() - startMs };
  summarise(tell, whole);
  if (cli.out.json) cli.out.print('', whole);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Puts a signal off until `settle`, when everything is cleaned up. */
function watchSignals(): { readonly signal: AbortSignal; settle(): void } {
  const stop = new AbortController();
  let received: NodeJS.Signals | null = null;
  const interrupt = (signal: NodeJS.Signals): void => {
    received = signal;
    stop.abort(new CodedError('INTERRUPTED', 'the demo was interrupted; nothing is left of it'));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  return {
    signal: stop.signal,
    settle: () => {
      for (const signal of SIGNALS) process.removeListener(signal, interrupt);
      if (received !== null) process.kill(process.pid, received);
    },
  };
}

/** The network lives as long as this takes. */
async function perform(
  data: string,
  tell: Narrator,
  cli: CliContext,
  signal: AbortSignal,
): Promise<Omit<Summary, 'tookMs'>> {
  const { io, clock, random } = cli;
  const startMs = performance.now();
  const start = { data, participants: 4, port: 0, reset: false, logLevel: 'info', env: io.env, clock, random } as const;
  const network = await startLocalNetwork({ ...start, signal });
  // The logs go with the folder: whatever ended unasked is said here.
  network.onExit((end) => cli.out.note(describeEnd(end)));
  try {
    const startedMs = performance.now() - startMs;
    introduceNetwork(tell, network, startedMs);
    return { startedMs, ...(await unlessAborted(signal, play(network, tell, cli))) };
  } finally {
    await network.stop();
  }
}

async function play(
  network: LocalNetworkHandle,
  tell: Narrator,
  cli: CliContext,
): Promise<Omit<Summary, 'tookMs' | 'startedMs'>> {
  const stage = await open(network, tell, cli);
  const payments = await payOneByOne(stage);
  const { signatures, validators } = payments;
  promised(
    signatures.fewest * 3 > validators * 2,
    `a payment was final with ${signatures.fewest} signatures of ${validators}`,
  );
  const storm = await payAllAtOnce(stage);
  const outage = await payWhileDead(stage);
  const refusals = await refuse(stage);
  const books = await audit(stage);
  const receipt = await keepReceipt(stage);
  return { payments, storm, outage, refusals, audit: books, receipt };
}

/** What still runs when the signal comes fails with the network, and nobody listens to it any more. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    work.catch(() => undefined);
  }
}
