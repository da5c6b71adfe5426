/**
 * One node as the business of a whole process: it stops on a signal, ends with a documented number when it cannot go on,
 * and says when it is ready. Every record is synced before it matters, so ending at once is never worse than a crash,
 * which the node is made for; a stop in order only spares the next start some work.
 */
import { flushCompileCache } from 'node:module';
import type { CliContext } from './context.ts';
import { codeOf, exitCode, exitCodeOf } from './exit-codes.ts';
import { homePaths, readHome } from './home.ts';
import { createDiary, type Diary, factsOf } from './log.ts';
import type { LogLevel } from './log-level.ts';
import { passwordSource } from './password.ts';
import type { RunningNode } from './run-node.ts';
import { ownVersion } from './version.ts';

export interface NodeCommandOptions {
  readonly home: string;
  readonly logLevel: LogLevel;
  /** Run by `tonle up`: stops when standard input ends, and leaves interrupts of the terminal to it. */
  readonly supervised: boolean;
}

/** A stop in order takes some 100 ms; whoever asked for it waits for two seconds at most. */
const STOP_WITHIN_MS = 1_500;

/** What a ready node prints with `--json`, on one line. */
export interface ReadyLine {
  readonly ready: true;
  readonly participant: string;
  readonly apiUrl: string;
  readonly p2pAddresses: readonly string[];
  readonly height: number;
}

/** Runs the node; resolves when it has stopped in order. @throws CodedError where it cannot start. */
export async function nodeProcess(options: NodeCommandOptions, cli: CliContext): Promise<void> {
  const stopAsked = onStop(options.supervised, cli);
  const { clock, random } = cli;
  const home = await readHome(options.home, passwordSource(cli.io));
  const diary = createDiary(options.logLevel, home.participant.id);
  const onFatal = (error: unknown): void => endAtOnce(error, diary, cli);
  process.on('uncaughtException', onFatal);
  process.on('unhandledRejection', onFatal);
  // A home that is refused need not wait for libp2p, LevelDB and Fastify to load.
  const { runNode } = await import('./run-node.ts');
  const start = runNode({ home, clock, random, diary, version: await ownVersion(), onFatal });
  // Who runs it in the foreground reads the one line that the program ends with; nobody reads that of a child.
  if (options.supervised) start.catch((error: unknown) => diary.log.error('node.notStarted', factsOf(error)));
  const first = await Promise.race([start, stopAsked]);
  // Asked to stop while it still opens: nothing is under way that a crash could not cut off as well.
  if (typeof first === 'string') process.exit(exitCode('OK'));
  announce(first, home.participant.id, diary, cli);
  // Written at the end of the process otherwise, which a node that is killed never reaches.
  flushCompileCache();
  const reason = await stopAsked;
  diary.log.info('node.stopping', { reason });
  clock.schedule(STOP_WITHIN_MS, () => {
    diary.log.warn('node.stoppedAtOnce', { afterMs: STOP_WITHIN_MS });
    process.exit(exitCode('OK'));
  });
  await first.stop();
  diary.log.info('node.stopped', { height: first.height(), home: homePaths(options.home).folder });
  process.exit(exitCode('OK'));
}

/** Resolves with the reason when somebody asks the process to stop. */
function onStop(supervised: boolean, { io }: CliContext): Promise<string> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve('SIGTERM'));
    process.on('SIGINT', () => supervised || resolve('SIGINT'));
    if (!supervised) return;
    // The other end is held by `tonle up` alone: however that process ends, this is how its nodes hear of it.
    io.stdin.on('end', () => resolve('the parent has ended')).resume();
    io.stdin.on('error', () => resolve('the parent has ended'));
  });
}

function announce(node: RunningNode, participant: string, { log }: Diary, { out }: CliContext): void {
  const { apiUrl, p2pAddresses } = node;
  const line: ReadyLine = { ready: true, participant, apiUrl, p2pAddresses, height: node.height() };
  log.info('node.ready', { apiUrl, p2pAddresses, height: line.height });
  out.print(`${participant} is ready at height ${line.height}: API ${apiUrl}, peers ${p2pAddresses.join(', ')}`, line);
}

/** A broken disk or a broken assumption: nothing more is signed or written. */
function endAtOnce(error: unknown, { log }: Diary, { out }: CliContext): never {
  log.error('node.fatal', factsOf(error));
  out.fail(codeOf(error), error instanceof Error ? error.message : String(error));
  process.exit(exitCodeOf(error));
}
