/** One hop between two hosts of the real network on the loopback, from the call that sends to the handler that receives. */
import { encode } from '../../../src/codec/schema.ts';
import { vote } from '../../../src/codec/vote.ts';
import { assert } from '../../../src/errors.ts';
import { membersUpTo, TcpWorld } from '../../../src/network/tcp-world.suite.ts';
import type { NetworkHandlers } from '../../../src/ports.ts';
import type { BlockHash } from '../../../src/types/index.ts';
import type { Group } from '../group.ts';
import { Town } from '../town.ts';

const BATCH_BYTES = 100_000;
/** A peer's batches are slowed down beyond 32 MiB at once (`network/batch/constants.ts`). */
const MAX_BATCHES = 200;

export const networkGroup: Group = {
  name: 'network',
  async open() {
    const world = new TcpWorld(await membersUpTo(2));
    const receiver = new Receiver();
    try {
      await world.start(0, receiver.handlers);
      const connected = Promise.withResolvers<void>();
      const sender = await world.start(1, { ...receiver.handlers, onPeer: () => connected.resolve() });
      await Promise.all([connected.promise, receiver.connected]);
      const town = new Town();
      let height = 0;
      const votes = () => encode(vote, { ...town.vote(town.chainId as unknown as BlockHash), height: ++height });
      const batch = new Uint8Array(BATCH_BYTES).fill(0x7e);
      return {
        benchmarks: [
          {
            name: `a vote by gossip (${votes().length} bytes)`,
            run: () => receiver.after(() => sender.publish('votes', votes())),
          },
          {
            name: `a batch by stream (${BATCH_BYTES} bytes)`,
            run: () => receiver.after(() => sender.pushBatch(batch)),
            maxSamples: MAX_BATCHES,
          },
        ],
        close: () => world.close(),
      };
    } catch (error) {
      await world.close();
      throw error;
    }
  },
};

/** Handlers of one host, and the next thing that they hear. */
class Receiver {
  readonly #connected = Promise.withResolvers<void>();
  #next: (() => void) | null = null;
  readonly handlers: NetworkHandlers = {
    onGossip: () => this.#heard(),
    onBatch: () => this.#heard(),
    onQuestion: () => Promise.resolve(null),
    onPeer: () => this.#connected.resolve(),
  };

  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** Sends, and resolves when it is here. */
  after(send: () => void): Promise<void> {
    assert(this.#next === null, 'one thing is under way at a time');
    return new Promise((resolve) => {
      this.#next = resolve;
      send();
    });
  }

  #heard(): Promise<'accept'> {
    const next = this.#next;
    this.#next = null;
    next?.();
    return Promise.resolve('accept');
  }
}
