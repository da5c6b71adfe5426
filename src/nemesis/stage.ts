/** Everything a run needs, put up: the network with proxies between its nodes, people with money, the checker and its eyes. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Client, createClient } from '../api/client.ts';
import type { CliContext } from '../cli/context.ts';
import { describeWallets, openDevelopmentWallets } from '../cli/dev-wallets.ts';
import { homePaths } from '../cli/home.ts';
import { layProxies } from '../cli/links/proxy-wires.ts';
import type { Wires } from '../cli/links/wires.ts';
import { Nodes } from '../cli/nodes.ts';
import { createOutput } from '../cli/output.ts';
import type { PasswordSource } from '../cli/password.ts';
import { type LocalNetworkHandle, startLocalNetwork } from '../cli/start-local-network.ts';
import { readTerms, resolvePayee } from '../cli/wallet.ts';
import { findWallet, unlockWallet } from '../cli/wallet-files.ts';
import { parseGenesis } from '../codec/genesis-json.ts';
import { settlementAccount } from '../codec/text.ts';
import { CodedError } from '../errors.ts';
import type { Clock, Random } from '../ports.ts';
import { Checker } from './checker.ts';
import { Namespaces } from './namespaces.ts';
import { Witness } from './witness.ts';
import { type Person, Workload } from './workload.ts';

export interface StageOptions {
  readonly seed: number;
  readonly banks: number;
  /** An empty folder of its own. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the nodes' processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Every bank in a network namespace of its own; this process is inside one already. Proxies otherwise. */
  readonly namespaces?: boolean;
}

export interface Stage {
  readonly network: LocalNetworkHandle;
  readonly wires: Wires;
  readonly checker: Checker;
  readonly witness: Witness;
  readonly workload: Workload;
}

/** Longer than a restart of all takes, so that most payments under way survive it, and short enough to see some expire. */
const VALIDITY_MS = 30_000;

/** @throws CodedError where the network does not start. Nothing is left running. */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { banks, folder, clock, random, env, signal } = options;
  const namespaces = options.namespaces ? new Namespaces() : null;
  let wires: Wires | null = namespaces;
  let network: LocalNetworkHandle | null = null;
  try {
    network = await startLocalNetwork({
      data: path.join(folder, 'net'),
      participants: banks,
      port: 0,
      reset: false,
      logLevel: 'info',
      env,
      clock,
      random,
      signal,
      beforeStart: async (nodes) => {
        if (namespaces === null) wires = await layProxies(nodes, clock);
        else await namespaces.lay(nodes);
      },
      ...(namespaces === null ? {} : { under: (participant) => namespaces.under(participant) }),
    });
    if (wires === null) throw new CodedError('NODE_NOT_STARTED', 'no proxies were laid');
    return { network, wires, ...(await peopleAndEyes(network, options)) };
  } catch (error) {
    await network?.stop();
    await (wires as Wires | null)?.close();
    throw error;
  }
}

async function peopleAndEyes(
  network: LocalNetworkHandle,
  options: StageOptions,
): Promise<Omit<Stage, 'network' | 'wires'>> {
  const { seed, clock } = options;
  const cli = contextOf(network, options);
  await openDevelopmentWallets(await Nodes.of(cli), cli);
  const nodes = network.nodes();
  const [first] = nodes;
  if (first === undefined) throw new CodedError('USAGE', 'a network has at least one bank');
  const genesis = parseGenesis(await readFile(homePaths(first.home).genesis, 'utf8'));
  const checker = new Checker({
    validators: genesis.participants.length,
    exponents: new Map(genesis.currencies.map(({ code, exponent }) => [code, exponent])),
    officers: genesis.officers,
    accounts: genesis.participants.map(({ id }) => settlementAccount(id)),
  });
  const watched = nodes.map(({ participant, apiUrl }) => ({ participant, apiUrl }));
  const witness = new Witness({ nodes: watched, checker, clock });
  const client = createClient(first.apiUrl);
  const terms = { ...(await readTerms(client, clock)), maxValidityMs: VALIDITY_MS };
  const people = await peopleOf(cli, client);
  return { checker, witness, workload: new Workload({ seed, people, banks: watched, terms, checker, clock }) };
}

/** The development wallets, each with the number that it is bound to. */
async function peopleOf(cli: CliContext, client: Client): Promise<readonly Person[]> {
  const people: Person[] = [];
  for (const { name, phone } of await describeWallets(await Nodes.of(cli), cli)) {
    if (phone === null) continue;
    const wallet = await unlockWallet(await findWallet(cli.data, name), notEncrypted);
    people.push({ wallet, byPhone: await resolvePayee(client, phone) });
  }
  return people;
}

/** What the commands of the command line are given, for those that are called here; they speak to nobody. */
function contextOf({ data }: LocalNetworkHandle, { clock, random, env }: StageOptions): CliContext {
  const mute = { write: () => true };
  const out = createOutput({ json: false, colour: false, stdout: mute, stderr: mute });
  return { out, data, url: null, io: { stdin: process.stdin, stdout: mute, stderr: mute, env }, clock, random };
}

const notEncrypted: PasswordSource = (what) => {
  throw new CodedError('KEY_FILE_PASSWORD_NEEDED', `${what} is encrypted, which keys of a local network are not`);
};
