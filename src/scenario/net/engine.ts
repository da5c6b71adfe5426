/** The engine on real processes, libp2p and disks: slower than virtual time, never twice the same, and what is out there. */
import { aliasKey } from '../../crypto/alias.ts';
import { CodedError } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import type { AliasKey, Genesis, ParticipantId } from '../../types/index.ts';
import type { Bank, Engine, EngineEnd, EngineMaker, JournalEntry, KeyName } from '../engine.ts';
import { storyAliasSecret, storyKeys } from '../keys.ts';
import type { NetworkSpec } from '../story.ts';
import { beginningOf } from '../terms.ts';
import { HttpBank } from './bank.ts';
import { ProcessFaults } from './faults.ts';
import { Journal } from './journal.ts';
import type { ProcessNetwork, ProcessOptions, StartProcesses } from './process-network.ts';
import { StoryTime } from './time.ts';

/** Between two readings of the diaries while nobody asks a bank. */
const FOLLOW_EVERY_MS = 200;

export interface ProcessEngineParts extends ProcessOptions {
  readonly start: StartProcesses;
  readonly clock: Clock;
  /** Ends the play where it stands; whoever plays closes the engine. */
  readonly signal?: AbortSignal;
}

export function processEngine(parts: ProcessEngineParts): EngineMaker {
  return { kind: 'net', can: [], cannotMake, make: (spec) => makeEngine(spec, parts) };
}

async function makeEngine(spec: NetworkSpec, parts: ProcessEngineParts): Promise<Engine> {
  const { start, clock, withLinks, signal } = parts;
  const [why] = cannotMake(spec);
  if (why !== undefined) throw new CodedError('ENGINE_CANNOT', `this network cannot run as real processes: ${why}`);
  const network = await start(spec, { withLinks });
  return new ProcessEngine(spec, network, clock, signal);
}

/** What a network can ask for that real nodes do not do. */
function cannotMake({ signatures, blockIntervalMs }: NetworkSpec): readonly string[] {
  return [
    ...(signatures === 'stub' ? ['its signatures are stubs, and real nodes check real ones'] : []),
    ...(blockIntervalMs > 0
      ? ['its blocks keep a distance, and real nodes make one whenever there is something to put in it']
      : []),
  ];
}

class ProcessEngine implements Engine {
  readonly kind = 'net';
  readonly genesis: Genesis;
  readonly faults: ProcessFaults;
  readonly #network: ProcessNetwork;
  readonly #clock: Clock;
  readonly #time: StoryTime;
  readonly #journal: Journal;
  readonly #banks: ReadonlyMap<ParticipantId, HttpBank>;
  readonly #keys: ReturnType<typeof storyKeys>;
  readonly #aliasSecret: Uint8Array;
  /** Rejects when the story cannot go on. */
  readonly #broken = Promise.withResolvers<never>();
  #cancel: () => void = () => undefined;
  #closed: Promise<EngineEnd> | null = null;

  constructor(spec: NetworkSpec, network: ProcessNetwork, clock: Clock, signal?: AbortSignal) {
    const time = new StoryTime(clock, beginningOf(spec));
    this.genesis = network.genesis;
    this.#network = network;
    this.#clock = clock;
    this.#time = time;
    this.#keys = storyKeys(spec);
    this.#aliasSecret = storyAliasSecret(spec);
    this.#journal = new Journal({
      diaries: () => network.diaries(),
      now: () => clock.now(),
      elapsedAt: (realMs) => time.elapsedAt(realMs),
    });
    this.faults = new ProcessFaults(network, this.#journal);
    const catchUp = () => this.#journal.catchUp();
    this.#banks = new Map(
      [...network.doors].map(([id, door]) => [id, new HttpBank({ id, door, clock, time, catchUp })] as const),
    );
    this.#broken.promise.catch(() => undefined);
    network.onEnd((bank, why) => {
      this.#journal.add(bank, 'ended', why);
      this.#broken.reject(new CodedError('BANK_ENDED', `${bank} ended by itself: ${why}`));
    });
    const abort = () => this.#broken.reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#follow();
  }

  now(): number {
    return this.#time.now();
  }

  networkNow(): number {
    return this.#clock.now();
  }

  sleep(ms: number): Promise<void> {
    return this.#time.sleep(ms);
  }

  /** @throws also where a bank has ended by itself, or the play was called off. */
  drive<T>(play: Promise<T>): Promise<T> {
    return Promise.race([play, this.#broken.promise]);
  }

  signer(name: KeyName) {
    return this.#keys.signer(name);
  }

  aliasKey(e164: string): AliasKey {
    return aliasKey(this.#aliasSecret, e164);
  }

  bank(id: ParticipantId): Bank {
    const bank = this.#banks.get(id);
    if (bank === undefined) throw new CodedError('BANK_UNKNOWN', `no bank of this story is called ${id}`);
    return bank;
  }

  listen(listener: (entry: JournalEntry) => void): void {
    this.#journal.listen(listener);
  }

  close(): Promise<EngineEnd> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<EngineEnd> {
    const engineMs = this.#time.elapsedMs;
    this.#cancel();
    this.#time.close();
    try {
      await this.#journal.catchUp();
    } finally {
      await this.#network.close();
    }
    return { traceHash: null, engineMs };
  }

  /** Reads the diaries now and then, for who watches. */
  #follow(): void {
    this.#cancel = this.#clock.schedule(FOLLOW_EVERY_MS, () => {
      this.#journal.catchUp().then(
        () => {
          if (this.#closed === null) this.#follow();
        },
        (error: unknown) => this.#broken.reject(error),
      );
    });
  }
}
