/**
 * The command line: reads it, runs one command, and turns whatever goes wrong into one line and a documented number. What
 * the commands do is in their own files, loaded when they run: most of them need neither libp2p nor LevelDB.
 */
import { Command, CommanderError } from 'commander';
import { registerWalletCommands } from './commands/index.ts';
import { registerInit } from './commands/init.ts';
import { registerNode } from './commands/node.ts';
import { registerScenario } from './commands/scenario.ts';
import { registerUp } from './commands/up.ts';
import type { CliContext, CliIo, Register } from './context.ts';
import { AlreadyTold, codeOf, exitCode, exitCodeOf } from './exit-codes.ts';
import { createOutput, type Output, wantsColour } from './output.ts';
import { systemClock, systemRandom } from './system.ts';
import { ownVersion } from './version.ts';

const COMMANDS: readonly Register[] = [
  registerUp,
  registerWalletCommands,
  registerInit,
  registerNode,
  registerScenario,
];

/**
 * Runs one command.
 *
 * @param argv arguments after the program's name.
 * @returns the exit code, of the table in `exit-codes.ts`.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  // Needed before the line is understood: that it is not may be what there is to say.
  const out = outputOf(argv.includes('--json'), io);
  try {
    const program = await createProgram(io, out);
    await program.parseAsync(argv, { from: 'user' });
    return exitCode('OK');
  } catch (error) {
    return report(error, out, io);
  }
}

async function createProgram(io: CliIo, out: Output): Promise<Command> {
  const program = new Command('tonle')
    .description("A network of banks that issue, hold and move a central bank's digital money.")
    .version(await ownVersion(), '-V, --version')
    .option('--json', 'answer with one JSON document')
    .option('--data <folder>', 'folder of the local network (TONLE_DATA)', io.env['TONLE_DATA'] ?? '.tonle')
    .option('--url <url>', 'API of the node to talk to (TONLE_URL)')
    .configureHelp({ sortOptions: true, showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // `report` says it, in the form that was asked for.
      outputError: () => undefined,
    })
    .exitOverride();
  const cli: CliContext = {
    out,
    get data() {
      return program.getOptionValue('data') as string;
    },
    get url() {
      return (program.getOptionValue('url') as string | undefined) ?? io.env['TONLE_URL'] ?? null;
    },
    io,
    clock: systemClock,
    random: systemRandom,
  };
  for (const register of COMMANDS) register(program, cli);
  return program;
}

function outputOf(json: boolean, io: CliIo): Output {
  const colour = wantsColour(io.env, io.stdout.isTTY === true && io.stderr.isTTY === true);
  return createOutput({ json, colour, stdout: io.stdout, stderr: io.stderr });
}

/** Says what went wrong. @returns the exit code. */
function report(error: unknown, out: Output, io: CliIo): number {
  if (error instanceof CommanderError) return reportUsage(error, out);
  if (!(error instanceof AlreadyTold)) out.fail(codeOf(error), error instanceof Error ? error.message : String(error));
  if (io.env['TONLE_DEBUG'] === '1' && error instanceof Error) io.stderr.write(`${stackOf(error)}\n`);
  return exitCodeOf(error);
}

function reportUsage(error: CommanderError, out: Output): number {
  if (error.exitCode === 0) return exitCode('OK');
  // The help that a bare `tonle` prints says it all.
  if (error.code !== 'commander.help') out.fail('USAGE', `${error.message.replace(/^error: /, '')}; see --help`);
  return exitCode('USAGE');
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
