/** What `tonle init` does: places the members, makes their keys and homes, and says what goes where. */
import path from 'node:path';
import { chainIdOf } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import { defaultMembers, type Member } from '../types/defaults.ts';
import type { CliContext } from './context.ts';
import { freePorts } from './free-ports.ts';
import { createHome, homePaths, makeEmptyFolder } from './home.ts';
import { DEFAULT_TERMS, defaultRules, makeNetwork, type Place } from './make-network.ts';
import { newPassword } from './password.ts';

export interface InitOptions {
  readonly network: string;
  readonly participants: number;
  readonly officers: number;
  readonly quorum: number;
  /** Customers that the network will have. */
  readonly accounts: number;
  readonly hosts: readonly string[];
  readonly p2pPort: number;
  readonly apiPort: number;
  readonly dev: boolean;
}

/** One home that was made. */
interface MadeHome extends Member, Place {
  readonly folder: string;
}

/** @throws CodedError `USAGE`, `FOLDER_NOT_EMPTY`, `KEY_FILE_PASSWORD_NEEDED`, `PORT_TAKEN`. */
export async function init(folder: string, options: InitOptions, cli: CliContext): Promise<void> {
  const { network, participants, officers, quorum, accounts, hosts, dev } = options;
  if (quorum > officers) throw new CodedError('USAGE', `--quorum ${quorum} is more than --officers ${officers}`);
  if (hosts.length > 0 && hosts.length !== participants) {
    throw new CodedError('USAGE', `--hosts names ${hosts.length} nodes, --participants says ${participants}`);
  }
  await makeEmptyFolder(path.resolve(folder));
  const password = dev ? null : await newPassword(cli.io, 'all key files');
  if (password !== null) cli.out.note(`encrypting ${3 * participants + officers} key files, about a second each`);
  const { clock, random } = cli;
  const members = await placed(options, cli);
  const terms = { ...DEFAULT_TERMS, rules: defaultRules(accounts) };
  const made = makeNetwork({ network, members, officers, quorum, password, clock, random, terms });
  const homes: MadeHome[] = [];
  for (const member of members) {
    const content = made.homes.get(member.id);
    const home = path.join(path.resolve(folder), member.id);
    if (content !== undefined) await createHome(home, content);
    homes.push({ ...member, folder: home });
  }
  const chainId = chainIdOf(made.genesis);
  cli.out.print(describe(homes, chainId, options, cli), {
    network,
    chainId,
    homes: homes.map(({ id, name, kind, folder: home, address, apiHost, apiPort }) => {
      return { participant: id, name, kind, home, p2pAddress: address, apiHost, apiPort };
    }),
  });
}

async function placed(options: InitOptions, cli: CliContext): Promise<(Member & Place)[]> {
  const { participants, hosts, p2pPort, apiPort } = options;
  const counted = Array.from({ length: participants }, (_, i) => p2pPort + i);
  const ports = p2pPort === 0 ? await freePorts(participants, cli.random) : counted;
  if ([p2pPort, apiPort].some((base) => base + participants - 1 > 65_535)) {
    throw new CodedError('USAGE', `${participants} ports from the given one on would go beyond 65535`);
  }
  return defaultMembers(participants).map((member, i) => {
    const host = hosts[i] ?? '127.0.0.1';
    const tcp = `tcp/${ports[i]}`;
    return {
      ...member,
      address: `${hostPart(host)}/${tcp}`,
      listen: `${listenPart(host)}/${tcp}`,
      apiHost: '127.0.0.1',
      apiPort: apiPort === 0 ? 0 : apiPort + i,
    };
  });
}

function describe(homes: readonly MadeHome[], chainId: string, options: InitOptions, { out }: CliContext): string {
  const centralBank = homes.find((home) => home.kind === 'centralBank');
  const table = out.table(homes, [
    { title: 'Participant', value: (home) => home.id },
    { title: 'Name', value: (home) => home.name },
    { title: 'Node', value: (home) => home.address },
    { title: 'Home', value: (home) => home.folder },
  ]);
  const keys = options.dev ? 'The keys are NOT encrypted: for development only.' : 'One password opens all key files.';
  return [
    `Network ${options.network}, chain ${chainId}`,
    `It goes on while up to ${Math.floor((homes.length - 1) / 3)} of its ${homes.length} nodes are down.`,
    '',
    table,
    '',
    'What goes where:',
    '  1. Copy each home to the machine of its participant, and delete it here. It holds the keys of that participant.',
    `  2. ${options.quorum} of ${options.officers} officers issue money. Their keys are in ` +
      `${centralBank === undefined ? '' : homePaths(centralBank.folder).keys}; give one to each.`,
    '  3. node.json says where each node listens and finds the others; correct it where addresses differ.',
    '  4. On each machine: tonle node --home <home>',
    keys,
  ].join('\n');
}

function hostPart(host: string): string {
  if (host.includes(':')) return `/ip6/${host}`;
  return /^\d+(?:\.\d+){3}$/.test(host) ? `/ip4/${host}` : `/dns4/${host}`;
}

/** A node that others reach by a name or a public address often has another one of its own. */
function listenPart(host: string): string {
  if (host === '127.0.0.1' || host === '::1') return hostPart(host);
  return host.includes(':') ? '/ip6/::' : '/ip4/0.0.0.0';
}
