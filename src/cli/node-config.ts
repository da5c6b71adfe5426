/**
 * `node.json`: where one node listens and where it finds the others. Unlike the genesis it may differ from node to node and
 * change between two starts.
 *
 * | field | meaning | validation |
 * |---|---|---|
 * | `version` | of this format | 1 |
 * | `participant` | whose node this is | a participant id |
 * | `p2p.listen` | TCP multiaddrs to listen on; port 0 takes a free one | 1 to 8 |
 * | `p2p.peers` | `participant` and `address` (TCP multiaddr) of each other node | at most 64 |
 * | `api.host`, `api.port` | where the HTTP API listens; port 0 takes a free one | port 0 to 65535 |
 */
import { participantIdProblem } from '../codec/text.ts';
import { CodedError } from '../errors.ts';
import type { ParticipantId } from '../types/index.ts';

interface PeerAddress {
  readonly participant: ParticipantId;
  /** TCP multiaddr: `/ip4/127.0.0.1/tcp/7001`. */
  readonly address: string;
}

export interface NodeConfig {
  readonly version: 1;
  readonly participant: ParticipantId;
  readonly p2p: { readonly listen: readonly string[]; readonly peers: readonly PeerAddress[] };
  readonly api: { readonly host: string; readonly port: number };
}

const MAX_LISTEN = 8;
const MAX_PEERS = 64;
const MAX_ADDRESS_CHARS = 255;

/** @param file its path, for the message. @throws CodedError `NODE_CONFIG_INVALID`, naming the field. */
export function parseNodeConfig(text: string, file: string): NodeConfig {
  const fail = (problem: string): never => {
    throw new CodedError('NODE_CONFIG_INVALID', `${file}: ${problem}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    fail(`not JSON (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  const root = fieldsOf(value, '', ['version', 'participant', 'p2p', 'api'], fail);
  if (root['version'] !== 1) fail('version: expected 1');
  const p2p = fieldsOf(root['p2p'], 'p2p', ['listen', 'peers'], fail);
  const api = fieldsOf(root['api'], 'api', ['host', 'port'], fail);
  const listen = listOf(p2p['listen'], 'p2p.listen', MAX_LISTEN, fail);
  if (listen.length === 0) fail('p2p.listen: expected at least one address');
  const { port } = api;
  const isPort = typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535;
  return {
    version: 1,
    participant: participantOf(root['participant'], 'participant', fail),
    p2p: {
      listen: listen.map((entry, i) => textOf(entry, `p2p.listen.${i}`, fail)),
      peers: listOf(p2p['peers'], 'p2p.peers', MAX_PEERS, fail).map((entry, i) => {
        const place = `p2p.peers.${i}`;
        const peer = fieldsOf(entry, place, ['participant', 'address'], fail);
        return {
          participant: participantOf(peer['participant'], `${place}.participant`, fail),
          address: textOf(peer['address'], `${place}.address`, fail),
        };
      }),
    },
    api: { host: textOf(api['host'], 'api.host', fail), port: isPort ? port : fail('api.port: expected 0 to 65535') },
  };
}

export function nodeConfigToJson(config: NodeConfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}

type Fail = (problem: string) => never;

function fieldsOf(value: unknown, place: string, names: readonly string[], fail: Fail): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(`${place === '' ? 'the file' : place}: expected an object`);
  }
  const prefix = place === '' ? '' : `${place}.`;
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) fail(`${prefix}${unknown.slice(0, 40)}: unknown field`);
  const missing = names.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) fail(`${prefix}${missing}: missing`);
  return { ...value };
}

function listOf(value: unknown, place: string, max: number, fail: Fail): readonly unknown[] {
  return Array.isArray(value) && value.length <= max ? value : fail(`${place}: expected a list of at most ${max}`);
}

function textOf(value: unknown, place: string, fail: Fail): string {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= MAX_ADDRESS_CHARS;
  return fits ? value : fail(`${place}: expected text of 1 to ${MAX_ADDRESS_CHARS} characters`);
}

function participantOf(value: unknown, place: string, fail: Fail): ParticipantId {
  const problem = typeof value === 'string' ? participantIdProblem(value) : 'expected text';
  return problem === null ? (value as ParticipantId) : fail(`${place}: ${problem}`);
}
