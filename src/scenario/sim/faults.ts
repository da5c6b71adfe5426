/** What a story does to its banks, on simulated machines and wires. */
import { chainIdOf } from '../../crypto/ids.ts';
import { CodedError } from '../../errors.ts';
import type { Accomplice } from '../../simulator/byzantine/actor.ts';
import { survivalOf } from '../../simulator/faults/faults.ts';
import type { Keyring } from '../../simulator/world/keyring.ts';
import { Chance } from '../../simulator/world/random.ts';
import { KEEP_UNSYNCED, type Survival } from '../../storage/index.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { Faults } from '../engine.ts';
import { LIAR_NAMES, liarNamed } from './liars.ts';
import type { Member, World } from './world.ts';

/** Newest blocks that a state database loses with the power, less one. */
const MAX_LOST_BLOCKS = 4;
/** Why links are cut. */
const PARTITION = 'partition';

export class SimulatedFaults implements Faults {
  readonly #world: World;
  readonly #keys: Keyring;
  readonly #seed: number;
  readonly #chance: Chance;

  constructor(world: World, keys: Keyring, seed: number) {
    this.#world = world;
    this.#keys = keys;
    this.#seed = seed;
    this.#chance = new Chance(seed, 'faults');
  }

  /** The power fails: what was not synced may be lost. */
  crash(bank: ParticipantId): Promise<void> {
    return this.#strike(`crash ${bank}`, () => {
      this.#end(bank, survivalOf(this.#chance), this.#chance.below(MAX_LOST_BLOCKS), 'the power failed');
    });
  }

  /** A running bank is ended first, with all that it wrote. */
  async restart(bank: ParticipantId): Promise<void> {
    this.#world.line(`restart ${bank}`);
    this.#end(bank, KEEP_UNSYNCED, 0, 'it is started anew');
    await this.#world.boot(bank, 'it is started anew');
  }

  pause(bank: ParticipantId): Promise<void> {
    return this.#strike(`pause ${bank}`, () => {
      if (!this.isRunning(bank)) throw new CodedError('BANK_DOWN', `${bank} does not run, so it cannot be paused`);
      this.#machine(bank).pause();
    });
  }

  resume(bank: ParticipantId): Promise<void> {
    return this.#strike(`resume ${bank}`, () => this.#machine(bank).resume());
  }

  wipe(bank: ParticipantId): Promise<void> {
    return this.#strike(`wipe ${bank}`, () => {
      const member = this.#world.member(bank);
      if (this.isRunning(bank)) this.#world.gone(bank, 'its disk was taken away');
      member.isExcused = true;
      member.machine.wipe();
    });
  }

  partition(groups: readonly (readonly ParticipantId[])[]): Promise<void> {
    return this.#strike(`partition ${groups.map((group) => group.join()).join(' | ')}`, () => {
      const { wires, members } = this.#world;
      const groupOf = new Map(groups.flatMap((group, i) => group.map((id) => [id, i] as const)));
      for (const id of groupOf.keys()) this.#world.member(id);
      wires.heal(PARTITION);
      const ids = [...members.keys()];
      for (const [i, id] of ids.entries()) {
        const group = groupOf.get(id);
        const others = ids.slice(i + 1).filter((other) => group === undefined || groupOf.get(other) !== group);
        wires.cut([id], others, PARTITION);
      }
    });
  }

  slow(banks: readonly ParticipantId[], byMs: number): Promise<void> {
    return this.#strike(`slow ${banks.join()} ${byMs}`, () => {
      for (const bank of banks) this.#world.member(bank).lateMs = Math.round(byMs);
    });
  }

  heal(): Promise<void> {
    return this.#strike('heal', () => {
      this.#world.wires.heal(PARTITION);
      for (const member of this.#world.members.values()) member.lateMs = 0;
    });
  }

  async byzantine(bank: ParticipantId, actor: string): Promise<void> {
    const member = this.#world.member(bank);
    const alter = liarNamed(actor, this.#accomplice(bank, member));
    if (alter === null) {
      throw new CodedError('LIAR_UNKNOWN', `no liar is called ${actor}; there are ${LIAR_NAMES.join(', ')}`);
    }
    this.#world.line(`byzantine ${bank} ${actor}`);
    this.#end(bank, KEEP_UNSYNCED, 0, `it is a ${actor} now`);
    member.alter = alter;
    member.isExcused = true;
    await this.#world.boot(bank, `it is a ${actor} now`);
  }

  isRunning(bank: ParticipantId): boolean {
    return this.#machine(bank).isUp;
  }

  #machine(bank: ParticipantId) {
    return this.#world.member(bank).machine;
  }

  #strike(text: string, act: () => void): Promise<void> {
    return new Promise((resolve) => {
      act();
      this.#world.line(text);
      resolve();
    });
  }

  /** Ends a process, where there is one, and leaves a machine that can boot. */
  #end(bank: ParticipantId, survival: Survival, lostBlocks: number, why: string): void {
    const machine = this.#machine(bank);
    const wasUp = machine.isUp;
    if (!machine.canBoot) machine.crash(survival, lostBlocks);
    if (wasUp) this.#world.gone(bank, why);
  }

  /** A liar that restarts now and then does so on its own. */
  async #restartLiar(bank: ParticipantId, downMs: number): Promise<void> {
    this.#end(bank, KEEP_UNSYNCED, 0, 'it forgets what it said');
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#world.clock.schedule(downMs, resolve);
    await promise;
    // The story may have started it, or taken it away, meanwhile.
    if (this.#machine(bank).canBoot) await this.#world.boot(bank, 'it forgot what it said');
  }

  #accomplice(bank: ParticipantId, { machine }: Member): Accomplice {
    const { genesis, clock, wires } = this.#world;
    const ids = genesis.participants.map(({ id }) => id);
    return {
      self: bank,
      validator: ids.indexOf(bank),
      validators: ids.length,
      ids,
      chainId: chainIdOf(genesis),
      signer: this.#keys.signer(`validator/${bank}`),
      chance: new Chance(this.#seed, `liar/${bank}`),
      clock,
      tell: (peer, topic, bytes) => wires.gossip(machine.address, peer, topic, bytes),
      restart: (downMs) => {
        this.#restartLiar(bank, downMs).catch((error: unknown) => this.#world.fail(error));
      },
      forged: (hash, wrong) => this.#world.line(`forged ${hash} ${wrong}`),
    };
  }
}
