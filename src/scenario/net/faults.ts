/** What a story does to its banks, on real processes and links. */
import { CodedError } from '../../errors.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { Faults } from '../engine.ts';
import type { Journal } from './journal.ts';
import type { Links, ProcessNetwork } from './process-network.ts';

export class ProcessFaults implements Faults {
  readonly #network: ProcessNetwork;
  readonly #journal: Journal;
  /** Of each bank, where the network is cut: those of one group hear each other. */
  #groupOf: ReadonlyMap<ParticipantId, unknown> | null = null;
  readonly #lateMs = new Map<ParticipantId, number>();

  constructor(network: ProcessNetwork, journal: Journal) {
    this.#network = network;
    this.#journal = journal;
  }

  crash(bank: ParticipantId): Promise<void> {
    return this.#end(bank, 'atOnce', 'it was killed');
  }

  async restart(bank: ParticipantId): Promise<void> {
    await this.#end(bank, 'orderly', 'it is started anew');
    try {
      await this.#network.start(bank);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CodedError('BANK_DOES_NOT_START', `${bank} does not start: ${why}`, { cause });
    }
    this.#journal.add(bank, 'started', 'it is started anew');
  }

  async pause(bank: ParticipantId): Promise<void> {
    if (!this.isRunning(bank)) throw new CodedError('BANK_DOWN', `${bank} does not run, so it cannot be paused`);
    await this.#network.pause(bank);
  }

  async resume(bank: ParticipantId): Promise<void> {
    if (this.isRunning(bank)) await this.#network.resume(bank);
  }

  async wipe(bank: ParticipantId): Promise<void> {
    await this.#end(bank, 'atOnce', 'its disk was taken away');
    await this.#network.wipe(bank);
  }

  partition(groups: readonly (readonly ParticipantId[])[]): Promise<void> {
    return strike(() => {
      const groupOf = new Map(groups.flatMap((group, i) => group.map((id) => [id, i] as const)));
      for (const id of groupOf.keys()) this.#known(id);
      // A bank in no group is alone.
      this.#groupOf = new Map(this.#ids.map((id) => [id, groupOf.get(id) ?? id]));
      this.#applyToLinks();
    });
  }

  slow(banks: readonly ParticipantId[], byMs: number): Promise<void> {
    return strike(() => {
      for (const bank of banks) this.#known(bank);
      for (const bank of banks) this.#lateMs.set(bank, Math.round(byMs));
      this.#applyToLinks();
    });
  }

  heal(): Promise<void> {
    return strike(() => {
      this.#groupOf = null;
      this.#lateMs.clear();
      if (this.#network.links !== null) this.#applyToLinks();
    });
  }

  byzantine(bank: ParticipantId): Promise<void> {
    return strike(() => {
      throw new CodedError('ENGINE_CANNOT', `${this.#known(bank)} is a real node, and those do not lie`);
    });
  }

  isRunning(bank: ParticipantId): boolean {
    return this.#network.isRunning(this.#known(bank));
  }

  get #ids(): readonly ParticipantId[] {
    return [...this.#network.doors.keys()];
  }

  /** Ends a process, where there is one. */
  async #end(bank: ParticipantId, how: 'orderly' | 'atOnce', why: string): Promise<void> {
    if (!this.isRunning(bank)) return;
    await this.#network.end(bank, how);
    this.#journal.add(bank, 'ended', why);
  }

  #applyToLinks(): void {
    const links = this.#links();
    for (const [i, one] of this.#ids.entries()) {
      for (const other of this.#ids.slice(i + 1)) {
        links.mend(one, other);
        for (const [from, to] of [
          [one, other],
          [other, one],
        ] as const) {
          links.slow(from, to, this.#lateMs.get(from) ?? 0);
        }
        if (this.#groupOf !== null && this.#groupOf.get(one) !== this.#groupOf.get(other)) links.cut(one, other);
      }
    }
  }

  #links(): Links {
    const { links } = this.#network;
    if (links !== null) return links;
    throw new CodedError(
      'ENGINE_CANNOT',
      'the banks are joined directly: this story did not say that it cuts or slows links',
    );
  }

  #known(bank: ParticipantId): ParticipantId {
    if (this.#network.doors.has(bank)) return bank;
    throw new CodedError('BANK_UNKNOWN', `no bank of this story is called ${bank}`);
  }
}

/** What is wrong with it comes out of the promise. */
function strike(act: () => void): Promise<void> {
  return new Promise((resolve) => {
    act();
    resolve();
  });
}
