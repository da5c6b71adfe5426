/** `tonle up`: a local network in the foreground, with wallets to pay from. */
import type { Command } from 'commander';
import { MAX_VALIDATORS } from '../../codec/limits.ts';
import type { CliContext } from '../context.ts';
import { LOG_LEVELS, type LogLevel } from '../log-level.ts';
import { oneOf, wholeNumber } from '../options.ts';

export function registerUp(program: Command, cli: CliContext): void {
  program
    .command('up')
    .description('run a local network in the foreground')
    .action(async () => {
      const { startLocalNetwork } = await import('../start-local-network.ts');
      const network = await startLocalNetwork({
        data: cli.data,
        participants: null,
        port: 0,
        reset: false,
        logLevel: 'info',
        env: cli.io.env,
        clock: cli.clock,
        random: cli.random,
      });
      cli.out.print('up', network.nodes());
      await new Promise<void>((resolve) => process.on('SIGINT', () => resolve()).on('SIGTERM', () => resolve()));
      await network.stop();
    });
}
