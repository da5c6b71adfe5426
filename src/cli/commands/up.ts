/** `tonle up`: a local network in the foreground, with wallets to pay from. */
import type { Command } from 'commander';
import { MAX_VALIDATORS } from '../../codec/limits.ts';
import type { CliContext } from '../context.ts';
import { LOG_LEVELS } from '../log-level.ts';
import { oneOf, wholeNumber } from '../options.ts';
import type { UpOptions } from '../up-process.ts';

export function registerUp(program: Command, cli: CliContext): void {
  program
    .command('up')
    .description('run a local network in the foreground: a process for each bank, and wallets to pay from')
    .option('--participants <n>', 'members of a new network, the central bank first (default: 4)', participants)
    .option('--port <port>', 'of the first API, the next ones follow; 0 takes free ones (default: 7400)', port)
    .option('--reset', 'forget the network that the folder holds', false)
    .option('--log-level <level>', `of the nodes: ${LOG_LEVELS.join(', ')}`, oneOf(LOG_LEVELS), 'info')
    .action(async (options: UpOptions) => {
      const { upProcess } = await import('../up-process.ts');
      await upProcess(options, cli);
    });
}

const participants = wholeNumber(1, MAX_VALIDATORS);
const port = wholeNumber(0, 65_535);
