/**
 * The links of a local network as the kernel has them: every bank in a network namespace of its own (Linux), joined by a
 * bridge. What a link loses is lost below TCP, which a proxy cannot do. Needs no privileges but those of a user namespace:
 * the program runs itself again under `unshare -Urn`, in which it may do all this, and nothing outside is touched.
 *
 * A bank that may not reach another is given a wrong hardware address for it: its frames then reach nobody, while those
 * the other way still arrive. So one move makes one-way partitions and whole ones.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { changeConfig, portOf } from '../cli/links/home-config.ts';
import type { Wires } from '../cli/links/wires.ts';
import type { LocalNode } from '../cli/local-network.ts';
import { assert } from '../errors.ts';
import type { ParticipantId } from '../types/index.ts';

/** Kinds of faults that links of this sort cannot have: nothing here delays, and no connection is reset. */
export const NOT_IN_NAMESPACES: readonly string[] = ['slow', 'drop', 'cut'];

const UNSHARE = ['unshare', '-Urn'] as const;
/** Of the banks among each other, and of everybody who asks a bank. */
const PEERS = { bridge: 'peers', subnet: '10.77.0' };
const PUBLIC = { bridge: 'public', subnet: '10.78.0' };
/** Locally administered, and of nobody. */
const NOBODY = '02:00:00:00:00:01';

/** One bank's namespace: it lasts as long as a process in it does. */
interface Room {
  readonly anchor: ChildProcess;
  readonly pid: number;
  readonly number: number;
}

/** @returns why there can be no namespaces here, or null. */
export function namespacesProblem(): string | null {
  try {
    run([...UNSHARE, 'ip', 'link', 'add', 'probe', 'type', 'bridge']);
    run([...UNSHARE, 'ip', 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other']);
    run([...UNSHARE, 'nsenter', '--version']);
    return null;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return said.split('\n').filter(Boolean).at(-1) ?? said;
  }
}

/** Runs this very program again, inside. @returns how it ended. */
export function runInside(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const [program, ...words] = [...UNSHARE, process.execPath, ...args];
  return spawn(program, words, { stdio: 'inherit', env });
}

/** Rooms for the nodes of one network; call inside. */
export class Namespaces implements Wires {
  readonly #rooms = new Map<ParticipantId, Room>();

  /** Builds a room for each node and sends it there. Call it before the nodes start. */
  async lay(nodes: readonly LocalNode[]): Promise<void> {
    run(['ip', 'link', 'set', 'lo', 'up']);
    for (const { bridge } of [PEERS, PUBLIC]) {
      run(['ip', 'link', 'add', bridge, 'type', 'bridge']);
      run(['ip', 'link', 'set', bridge, 'up']);
    }
    run(['ip', 'address', 'add', `${PUBLIC.subnet}.254/24`, 'dev', PUBLIC.bridge]);
    for (const [i, { participant }] of nodes.entries()) this.#rooms.set(participant, await build(i + 1));
    const address = (to: LocalNode) => `/ip4/${this.#address(to.participant)}/tcp/${portOf(to.p2pAddress)}`;
    for (const node of nodes) {
      const peers = nodes.filter((other) => other !== node);
      await changeConfig(node, (config) => ({
        ...config,
        p2p: {
          listen: [address(node)],
          peers: peers.map((other) => ({ participant: other.participant, address: address(other) })),
        },
        api: { ...config.api, host: `${PUBLIC.subnet}.${this.#room(node.participant).number}` },
      }));
    }
  }

  /** Words before the command of a node: it runs in its room. */
  under(participant: ParticipantId): readonly string[] {
    return ['nsenter', '-t', String(this.#room(participant).pid), '-n'];
  }

  clog(from: ParticipantId, to: ParticipantId): void {
    this.#ip(from, ['neighbour', 'replace', this.#address(to), 'lladdr', NOBODY, 'dev', 'peers', 'nud', 'permanent']);
  }

  mend(a: ParticipantId, b: ParticipantId): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const known = this.#ip(from, ['neighbour', 'show', this.#address(to), 'dev', 'peers']);
      if (known.includes('PERMANENT')) this.#ip(from, ['neighbour', 'del', this.#address(to), 'dev', 'peers']);
    }
  }

  cut(): void {
    assert(false, 'nothing refuses a connection in a namespace');
  }

  slow(): void {
    assert(false, 'nothing delays in a namespace');
  }

  drop(): void {
    assert(false, 'nothing resets a connection in a namespace');
  }

  async close(): Promise<void> {
    await Promise.all([...this.#rooms.values()].map(({ anchor }) => leave(anchor)));
  }

  #ip(inside: ParticipantId, words: readonly string[]): string {
    return run([...this.under(inside), 'ip', ...words]);
  }

  #address(participant: ParticipantId): string {
    return `${PEERS.subnet}.${this.#room(participant).number}`;
  }

  #room(participant: ParticipantId): Room {
    const room = this.#rooms.get(participant);
    assert(room !== undefined, `${participant} has a room`);
    return room;
  }
}

/** A namespace with a link to each bridge. It ends with this process, which alone holds its standard input. */
async function build(number: number): Promise<Room> {
  const anchor = spawn(UNSHARE[0], ['-n', 'sh', '-c', 'echo here; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    anchor.stdout.once('data', () => resolve());
    anchor.once('error', reject);
  });
  const { pid } = anchor;
  assert(pid !== undefined, 'what has spoken runs');
  const inside = ['nsenter', '-t', String(pid), '-n', 'ip'];
  run([...inside, 'link', 'set', 'lo', 'up']);
  for (const { bridge, subnet } of [PEERS, PUBLIC]) {
    const outer = `${bridge}${number}`;
    run(['ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', bridge, 'netns', String(pid)]);
    run(['ip', 'link', 'set', outer, 'master', bridge, 'up']);
    run([...inside, 'address', 'add', `${subnet}.${number}/24`, 'dev', bridge]);
    run([...inside, 'link', 'set', bridge, 'up']);
  }
  return { anchor, pid, number };
}

async function leave(anchor: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => anchor.once('exit', () => resolve()));
  anchor.stdin?.end();
  await ended;
}

/** @returns what it said. @throws where it fails, with its own words. */
function run(command: readonly string[]): string {
  const [program = '', ...words] = command;
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
