/**
 * A TCP proxy for one ordered pair of banks: the first dials it instead of the second. It can refuse and reset (a link that
 * is cut), hold everything up without a word in either direction (a clog), slow down, and drop the connections of the moment.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../ports.ts';
import { type Flow, OPEN_FLOW, Pump } from './pump.ts';

/** `forth` goes from the end that dialled to the one that listens. */
export type Direction = 'forth' | 'back';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** One connection through the proxy. */
interface Pair {
  readonly dialler: Socket;
  /** Null while the way there is stalled: then not even the opening of a connection gets through. */
  listener: Socket | null;
  readonly pumps: Map<Direction, Pump>;
}

export class TcpProxy {
  readonly #target: Target;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #flows = new Map<Direction, Flow>([
    ['forth', OPEN_FLOW],
    ['back', OPEN_FLOW],
  ]);
  #cut = false;

  private constructor(target: Target, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
    // The ends close one direction at a time, as they do without a proxy. Paused, an end waits until somebody listens.
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true };
    this.#server = createServer(options, (dialler) => this.#accept(dialler));
  }

  /** Listens on a free port of `host`. */
  static async listen(host: string, target: Target, clock: Clock): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, clock);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject).listen(0, host, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Open connections. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets what is open and refuses what comes, until it is mended. */
  setCut(cut: boolean): void {
    this.#cut = cut;
    if (cut) this.drop();
  }

  setFlow(direction: Direction, flow: Flow): void {
    this.#flows.set(direction, flow);
    for (const pair of this.#pairs) {
      pair.pumps.get(direction)?.setFlow(flow);
      this.#reach(pair);
    }
  }

  /** Resets the connections of the moment; new ones are let through. */
  drop(): void {
    for (const pair of [...this.#pairs]) this.#reset(pair);
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(dialler: Socket): void {
    dialler.on('error', () => undefined);
    if (this.#cut) {
      dialler.resetAndDestroy();
      return;
    }
    const pair: Pair = { dialler, listener: null, pumps: new Map() };
    this.#pairs.add(pair);
    dialler.once('close', () => {
      if (pair.listener === null) this.#pairs.delete(pair);
    });
    this.#reach(pair);
  }

  /** Opens the other half once nothing holds it up. */
  #reach(pair: Pair): void {
    const isHeldUp = [...this.#flows.values()].some(({ stalled }) => stalled);
    if (isHeldUp || pair.listener !== null || pair.dialler.destroyed) return;
    const listener = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    pair.listener = listener;
    listener.on('error', () => undefined);
    // Refused before it opened: the dialler hears of it as it would without a proxy.
    listener.once('close', () => {
      if (pair.pumps.size === 0) this.#reset(pair);
    });
    listener.once('connect', () => this.#join(pair, listener));
  }

  #join(pair: Pair, listener: Socket): void {
    if (pair.dialler.destroyed) {
      this.#reset(pair);
      return;
    }
    const over = (): void => {
      ended += 1;
      if (ended === 2) this.#pairs.delete(pair);
    };
    let ended = 0;
    for (const [direction, from, to] of [
      ['forth', pair.dialler, listener],
      ['back', listener, pair.dialler],
    ] as const) {
      pair.pumps.set(direction, new Pump(from, to, this.#flows.get(direction) ?? OPEN_FLOW, this.#clock, over));
    }
  }

  #reset(pair: Pair): void {
    this.#pairs.delete(pair);
    for (const pump of pair.pumps.values()) pump.stop();
    pair.dialler.resetAndDestroy();
    pair.listener?.resetAndDestroy();
  }
}
