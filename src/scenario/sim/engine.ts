/** The engine on virtual time: the same story and seed give the same trace hash, whatever the machine. */
import { aliasKey } from '../../crypto/alias.ts';
import type { AliasKey, Genesis, ParticipantId } from '../../types/index.ts';
import type { Bank, Engine, EngineEnd, EngineMaker, JournalEntry, KeyName } from '../engine.ts';
import { storyAliasSecret, storyKeys } from '../keys.ts';
import type { NetworkSpec } from '../story.ts';
import { SimulatedFaults } from './faults.ts';
import { World } from './world.ts';

/** @param turn lets all that waits for nothing but its turn run, and then resolves. */
export function simulatedEngine(turn: () => Promise<void>): EngineMaker {
  return { kind: 'sim', can: ['byzantine', 'timeTravel'], make: (spec) => makeEngine(spec, turn) };
}

async function makeEngine(spec: NetworkSpec, turn: () => Promise<void>): Promise<Engine> {
  const keys = storyKeys(spec);
  const world = new World(spec, keys, turn);
  for (const id of world.members.keys()) await world.boot(id, 'the story begins');
  return new SimulatedEngine(spec, world, keys);
}

class SimulatedEngine implements Engine {
  readonly kind = 'sim';
  readonly genesis: Genesis;
  readonly faults: SimulatedFaults;
  readonly #world: World;
  readonly #keys: ReturnType<typeof storyKeys>;
  readonly #aliasSecret: Uint8Array;

  constructor(spec: NetworkSpec, world: World, keys: ReturnType<typeof storyKeys>) {
    this.genesis = world.genesis;
    this.#world = world;
    this.#keys = keys;
    this.#aliasSecret = storyAliasSecret(spec);
    this.faults = new SimulatedFaults(world, keys, spec.seed);
  }

  now(): number {
    return this.#world.clock.now();
  }

  networkNow(): number {
    return this.#world.clock.now();
  }

  sleep(ms: number): Promise<void> {
    return this.#world.time.sleep(ms);
  }

  drive<T>(play: Promise<T>): Promise<T> {
    return this.#world.time.drive(play);
  }

  signer(name: KeyName) {
    return this.#keys.signer(name);
  }

  aliasKey(e164: string): AliasKey {
    return aliasKey(this.#aliasSecret, e164);
  }

  bank(id: ParticipantId): Bank {
    return this.#world.member(id).bank;
  }

  listen(listener: (entry: JournalEntry) => void): void {
    this.#world.listen(listener);
  }

  close(): Promise<EngineEnd> {
    const { trace, elapsedMs, members } = this.#world;
    for (const { machine, bank } of members.values()) {
      machine.wipe();
      bank.gone();
    }
    return Promise.resolve({ traceHash: trace.digest(), engineMs: elapsedMs });
  }
}
