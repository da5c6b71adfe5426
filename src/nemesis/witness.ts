/**
 * Looks at the network over HTTP and nothing else: follows every node's blocks into the checker, knows how high each node
 * is and when the chain last grew, and waits for what has to come within bounded time.
 */
import { ApiError, answerOf } from '../api/client-errors.ts';
import type { AccountJson, BlockJson, StatusJson, SupplyJson } from '../api/types.ts';
import { wait } from '../cli/system.ts';
import type { Clock } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import type { Checker } from './checker.ts';

export interface Watched {
  readonly participant: ParticipantId;
  readonly apiUrl: string;
}

export interface WitnessOptions {
  readonly nodes: readonly Watched[];
  readonly checker: Checker;
  readonly clock: Clock;
}

/** How often each node is asked where it stands. */
const LOOK_MS = 250;
/** The same while somebody waits for the next block. */
const CLOSE_LOOK_MS = 25;
const PATIENCE_MS = 3_000;
const PAGE = 1_000;

export class Witness {
  readonly #options: WitnessOptions;
  readonly #heights = new Map<ParticipantId, number>();
  readonly #reading = new Map<ParticipantId, Promise<void>>();
  readonly #stopped = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  /** Highest block seen so far, and when it was seen first. */
  #top = { height: 0, atMs: 0 };
  #waiting = 0;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  get height(): number {
    return this.#top.height;
  }

  heights(): ReadonlyMap<ParticipantId, number> {
    return this.#heights;
  }

  start(): void {
    this.#loops = Promise.all(this.#options.nodes.map((node) => this.#follow(node)));
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loops;
  }

  /** Its data is another now: everything it shows is read again. */
  readAgain(participant: ParticipantId): void {
    this.#heights.delete(participant);
    this.#options.checker.again(participant);
  }

  /** Waits until a block above `height` is seen anywhere. @returns when it was seen first, or null after `withinMs`. */
  async grows(height: number, withinMs: number): Promise<number | null> {
    const grown = await this.#until(() => this.#top.height > height, withinMs);
    return grown ? this.#top.atMs : null;
  }

  /** Waits for the first block whose own time is later. @returns when it was seen, or null after `withinMs`. */
  async firstBlockAfter(timeMs: number, withinMs: number): Promise<number | null> {
    const { checker, clock } = this.#options;
    const made = () => (checker.timeOf(checker.height) ?? 0) > timeMs;
    return (await this.#until(made, withinMs)) ? clock.now() : null;
  }

  /** Waits until all show the same last block, and it was read. @returns whether they do in time. */
  isLevel(withinMs: number): Promise<boolean> {
    const { nodes, checker } = this.#options;
    const level = () =>
      nodes.every(({ participant }) => {
        return this.#heights.get(participant) === checker.height && checker.next(participant) === checker.height + 1;
      });
    return this.#until(level, withinMs);
  }

  /** Waits until all of them are above `height`, and all they show was read. @returns those that are not in time. */
  async reaches(participants: readonly ParticipantId[], height: number, withinMs: number): Promise<ParticipantId[]> {
    const late = () => participants.filter((id) => this.#options.checker.next(id) <= height + 1);
    await this.#until(() => late().length === 0, withinMs);
    return late();
  }

  /** Holds a node's own audit against the blocks. Nothing where it does not answer. */
  async audit({ participant, apiUrl }: Watched): Promise<void> {
    const supply = await quietly(getJson<SupplyJson>(apiUrl, '/api/v1/supply?audit=true', PATIENCE_MS));
    if (supply?.height === undefined) return;
    await this.reaches([participant], supply.height - 1, PATIENCE_MS);
    // What was not read cannot be held against it.
    if (supply.height <= this.#options.checker.height) this.#options.checker.supply(participant, supply.height, supply);
  }

  /** Holds every balance that a node states against the blocks. Only where nothing moves any more. */
  async balances({ participant, apiUrl }: Watched): Promise<void> {
    for (const account of this.#options.checker.accounts()) {
      const path = `/api/v1/accounts/${encodeURIComponent(account)}?limit=1`;
      this.#options.checker.account(participant, await getJson<AccountJson>(apiUrl, path, PATIENCE_MS));
    }
  }

  /** Reads all that a node shows up to its last height. @throws CodedError where it stops answering. */
  async readAll(node: Watched): Promise<number> {
    const status = await getJson<StatusJson>(node.apiUrl, '/api/v1/status', PATIENCE_MS);
    await this.#read(node, status);
    return status.height;
  }

  async #follow(node: Watched): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const status = await this.#status(node.apiUrl);
      if (status !== null) {
        this.#see(node.participant, status.height);
        await quietly(this.#read(node, status));
      }
      await wait(this.#options.clock, this.#waiting > 0 ? CLOSE_LOOK_MS : LOOK_MS, signal).catch(() => undefined);
    }
  }

  #see(participant: ParticipantId, height: number): void {
    this.#heights.set(participant, height);
    if (height > this.#top.height) this.#top = { height, atMs: this.#options.clock.now() };
  }

  /** One reader a node at a time: blocks go to the checker in order. */
  #read(node: Watched, status: StatusJson): Promise<void> {
    const before = this.#reading.get(node.participant) ?? Promise.resolve();
    const reading = before.catch(() => undefined).then(() => this.#readUpTo(node, status));
    this.#reading.set(node.participant, reading);
    return reading;
  }

  async #readUpTo({ participant, apiUrl }: Watched, { height, knownFromHeight }: StatusJson): Promise<void> {
    const { checker } = this.#options;
    // What comes first has to be seen on another node before.
    if (knownFromHeight > checker.height + 1) return;
    checker.beginsAt(participant, knownFromHeight);
    for (let next = checker.next(participant); next <= height; next = checker.next(participant)) {
      const block = await wholeBlock(apiUrl, next);
      // Somebody asked meanwhile to begin again.
      if (checker.next(participant) === next) checker.block(participant, block);
    }
  }

  #status(apiUrl: string): Promise<StatusJson | null> {
    return quietly(getJson<StatusJson>(apiUrl, '/api/v1/status', PATIENCE_MS));
  }

  async #until(holds: () => boolean, withinMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const deadlineMs = clock.now() + withinMs;
    this.#waiting += 1;
    try {
      while (!holds()) {
        if (clock.now() > deadlineMs) return false;
        await wait(clock, CLOSE_LOOK_MS);
      }
      return true;
    } finally {
      this.#waiting -= 1;
    }
  }
}

async function wholeBlock(apiUrl: string, height: number): Promise<BlockJson> {
  const page = (from: number) =>
    getJson<BlockJson>(apiUrl, `/api/v1/blocks/${height}?from=${from}&limit=${PAGE}`, PATIENCE_MS);
  let block = await page(0);
  while (block.transactions.length < block.transactionCount) {
    const { transactions } = await page(block.transactions.length);
    if (transactions.length === 0) return block;
    block = { ...block, transactions: [...block.transactions, ...transactions] };
  }
  return block;
}

/** Null where the node is dead, frozen, or begins anew at a lower height. What it failed at stands in its log, which is read. */
async function quietly<T>(question: Promise<T>): Promise<T | null> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

/** @throws ApiError `NO_ANSWER` where none comes in time, else what the node answered. */
async function getJson<T>(apiUrl: string, path: string, patienceMs: number): Promise<T> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(new URL(path, apiUrl), { signal: AbortSignal.timeout(patienceMs) });
    status = response.status;
    text = await response.text();
  } catch (cause) {
    throw new ApiError('NO_ANSWER', `${apiUrl} did not answer`, { cause });
  }
  return answerOf<T>(apiUrl, status, text);
}
