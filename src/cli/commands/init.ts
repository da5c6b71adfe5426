/** `tonle init`: makes a network of its own, one home folder a participant, to be carried to where each node runs. */
import { type Command, InvalidArgumentError } from 'commander';
import { MAX_OFFICERS, MAX_VALIDATORS } from '../../codec/limits.ts';
import type { CliContext } from '../context.ts';
import type { InitOptions } from '../init-network.ts';
import { wholeNumber } from '../options.ts';

export function registerInit(program: Command, cli: CliContext): void {
  program
    .command('init')
    .description('make a network: its genesis, and a home folder for each participant')
    .argument('<folder>', 'a new folder for the homes')
    .option('--participants <n>', 'members, the central bank first', wholeNumber(1, MAX_VALIDATORS), 4)
    .option('--network <name>', 'name of the network, for people', 'tonle')
    .option('--officers <n>', 'keys that issue and redeem', wholeNumber(1, MAX_OFFICERS), 3)
    .option('--quorum <n>', 'how many of them it takes', wholeNumber(1, MAX_OFFICERS), 2)
    .option('--accounts <n>', 'customers to expect: the more, the fewer checkpoints', wholeNumber(0, MAX_ACCOUNTS), 0)
    .option('--hosts <list>', 'addresses or names of the nodes, comma-separated, one a participant', hostList, [])
    .option('--p2p-port <port>', 'where the first node listens for others; 0 takes free ones', port, 7300)
    .option(
      '--api-port <port>',
      'where the API of the first node listens; 0 takes a free one at each start',
      port,
      7400,
    )
    .option('--dev', 'leave the keys unencrypted: for development only', false)
    .action(async (folder: string, options: InitOptions) => {
      const { init } = await import('../init-network.ts');
      await init(folder, options, cli);
    });
}

const port = wholeNumber(0, 65_535);
/** More than people there are in the country. */
const MAX_ACCOUNTS = 100_000_000;

function hostList(text: string): string[] {
  const hosts = text.split(',').map((host) => host.trim());
  const bad = hosts.find((host) => !/^[0-9A-Za-z._:-]{1,253}$/.test(host));
  if (bad !== undefined) throw new InvalidArgumentError(`${JSON.stringify(bad)} is no address and no host name.`);
  return hosts;
}
