/** The links of a local network through TCP proxies, one for each ordered pair: whoever dials, dials a proxy. */

import { assert } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { LocalNode } from '../local-network.ts';
import { changeConfig, portOf } from './home-config.ts';
import { TcpProxy } from './proxy.ts';
import { type Flow, OPEN_FLOW } from './pump.ts';
import type { Wires } from './wires.ts';

const HOST = '127.0.0.1';

/**
 * Puts a proxy between each two of the nodes, and into each home the addresses of the proxies instead of the peers'.
 * Call it before the nodes start.
 */
export async function layProxies(nodes: readonly LocalNode[], clock: Clock): Promise<Wires> {
  const proxies = new Map<string, TcpProxy>();
  for (const from of nodes) {
    for (const to of nodes) {
      if (from === to) continue;
      const target = { host: HOST, port: portOf(to.p2pAddress) };
      proxies.set(key(from.participant, to.participant), await TcpProxy.listen(HOST, target, clock));
    }
  }
  const wires = new ProxyWires(proxies);
  for (const node of nodes) {
    await changeConfig(node, (config) => {
      const peers = config.p2p.peers.map(({ participant }) => {
        return { participant, address: wires.addressFor(node.participant, participant) };
      });
      return { ...config, p2p: { ...config.p2p, peers } };
    });
  }
  return wires;
}

class ProxyWires implements Wires {
  readonly #proxies: ReadonlyMap<string, TcpProxy>;

  constructor(proxies: ReadonlyMap<string, TcpProxy>) {
    this.#proxies = proxies;
  }

  addressFor(from: ParticipantId, to: ParticipantId): string {
    return `/ip4/${HOST}/tcp/${this.#proxy(from, to).port}`;
  }

  cut(a: ParticipantId, b: ParticipantId): void {
    for (const proxy of this.#between(a, b)) proxy.setCut(true);
  }

  clog(from: ParticipantId, to: ParticipantId): void {
    this.#flow(from, to, { stalled: true, delayMs: 0 });
  }

  slow(from: ParticipantId, to: ParticipantId, delayMs: number): void {
    this.#flow(from, to, { stalled: false, delayMs });
  }

  drop(a: ParticipantId, b: ParticipantId): void {
    for (const proxy of this.#between(a, b)) proxy.drop();
  }

  mend(a: ParticipantId, b: ParticipantId): void {
    for (const proxy of this.#between(a, b)) proxy.setCut(false);
    for (const [from, to] of both(a, b)) this.#flow(from, to, OPEN_FLOW);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }

  /** What `from` sends runs forth where it dialled, and back where it was dialled. */
  #flow(from: ParticipantId, to: ParticipantId, flow: Flow): void {
    this.#proxy(from, to).setFlow('forth', flow);
    this.#proxy(to, from).setFlow('back', flow);
  }

  #between(a: ParticipantId, b: ParticipantId): readonly TcpProxy[] {
    return both(a, b).map(([from, to]) => this.#proxy(from, to));
  }

  #proxy(from: ParticipantId, to: ParticipantId): TcpProxy {
    const proxy = this.#proxies.get(key(from, to));
    assert(proxy !== undefined, `there is a proxy from ${from} to ${to}`);
    return proxy;
  }
}

function both(a: ParticipantId, b: ParticipantId): readonly (readonly [ParticipantId, ParticipantId])[] {
  return [
    [a, b],
    [b, a],
  ];
}

function key(from: ParticipantId, to: ParticipantId): string {
  return `${from}>${to}`;
}
