/** `tonle node`: one node in the foreground, until it is told to stop or cannot go on. */
import { type Command, Option } from 'commander';
import type { CliContext } from '../context.ts';
import { LOG_LEVELS } from '../log-level.ts';
import type { NodeCommandOptions } from '../node-process.ts';
import { oneOf } from '../options.ts';

export function registerNode(program: Command, cli: CliContext): void {
  program
    .command('node')
    .description('run one node in the foreground; its diary goes to standard error as JSON lines')
    .requiredOption('--home <folder>', 'the home folder of the node, as `tonle init` makes it')
    .option('--log-level <level>', LOG_LEVELS.join(', '), oneOf(LOG_LEVELS), 'info')
    .addOption(new Option('--supervised').default(false).hideHelp())
    .action(async (options: NodeCommandOptions) => {
      // libp2p, LevelDB and Fastify load here, and not for every other command.
      const { nodeProcess } = await import('../node-process.ts');
      await nodeProcess(options, cli);
    });
}
