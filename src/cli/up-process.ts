/** A local network as the business of a whole process: started, shown, watched, and stopped when somebody asks for it. */
import { CodedError } from '../errors.ts';
import type { CliContext } from './context.ts';
import { describeWallets, openDevelopmentWallets } from './dev-wallets.ts';
import type { LogLevel } from './log-level.ts';
import { describeNetwork } from './network-view.ts';
import { describeEnd } from './node-child.ts';
import { Nodes } from './nodes.ts';
import { type LocalNetworkHandle, startLocalNetwork } from './start-local-network.ts';

export interface UpOptions {
  readonly participants?: number;
  readonly port?: number;
  readonly reset: boolean;
  readonly logLevel: LogLevel;
}

/** Resolves when the network was asked to stop and has. @throws CodedError where it does not start, or all nodes end. */
export async function upProcess(options: UpOptions, cli: CliContext): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
  const { data, io, clock, random } = cli;
  const { participants = null, port = null, reset, logLevel } = options;
  let network: LocalNetworkHandle;
  try {
    const { signal } = stop;
    network = await startLocalNetwork({
      data,
      participants,
      port,
      reset,
      logLevel,
      env: io.env,
      clock,
      random,
      signal,
    });
  } catch (error) {
    // Asked to stop before it was up: that is no failure.
    if (stop.signal.aborted) return;
    throw error;
  }
  try {
    await serve(network, stop.signal, cli);
  } finally {
    await network.stop();
  }
}

async function serve(network: LocalNetworkHandle, stop: AbortSignal, cli: CliContext): Promise<void> {
  const { out } = cli;
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve());
  });
  const allEnded = Promise.withResolvers<never>();
  allEnded.promise.catch(() => undefined);
  network.onExit((end) => {
    out.note(out.style('yellow', describeEnd(end)));
    if (network.nodes().every((node) => node.pid === null))
      allEnded.reject(new CodedError('NODES_ENDED', 'all nodes have ended; their logs say why'));
  });
  const shown = show(network, cli);
  // Once the end was asked for, what fails on the way is part of the end.
  shown.catch(() => undefined);
  await Promise.race([shown, stopped, allEnded.promise]);
  await Promise.race([stopped, allEnded.promise]);
}

async function show(network: LocalNetworkHandle, cli: CliContext): Promise<void> {
  const { out } = cli;
  const { data, chainId } = network;
  const inside = { ...cli, data, url: null };
  const founder = await Nodes.of(inside);
  if (!network.furnished) {
    await openDevelopmentWallets(founder, inside);
    await network.setFurnished();
  }
  const wallets = await describeWallets(founder, inside);
  const nodes = network.nodes();
  out.print(describeNetwork(nodes, wallets, data, out), { ready: true, data, chainId, nodes, wallets });
}
