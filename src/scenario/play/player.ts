/**
 * Plays a story on an engine, step by step, and makes the run of it. A step that ends otherwise than it should, and an
 * expectation that does not hold, end the story there: what comes after them was written for another world. `keepGoing` plays
 * on after expectations, to see all of them.
 */
import { formatAmount } from '../../codec/amount.ts';
import { participantOf, settlementAccount } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import { Chance } from '../../simulator/world/random.ts';
import type { AccountId, CurrencyCode } from '../../types/index.ts';
import type { Engine, JournalEntry } from '../engine.ts';
import type { Run, StepRecord } from '../run.ts';
import type { Action, Outputs, Place, Step, Story } from '../story.ts';
import { accountOf, askAny, isUnreachable } from './banks.ts';
import { uniform } from './crowds.ts';
import { type Deed, Deeds } from './deeds.ts';
import { judgeAll } from './expectations.ts';
import { openAll } from './opening.ts';
import { type Balances, OutputBook } from './outputs.ts';
import { Recorder, type Versions } from './recorder.ts';
import { endingProblem, outputsOf, resultOf } from './results.ts';
import type { Stage } from './stage.ts';
import { strike } from './strike.ts';
import { Submissions } from './submissions.ts';
import { Teller } from './teller.ts';
import { Titles } from './titles.ts';

/** What a live display hears. */
export type PlayEvent =
  | { readonly type: 'opened'; readonly people: number }
  | { readonly type: 'began'; readonly number: string; readonly title: string }
  | { readonly type: 'progress'; readonly done: number; readonly of: number; readonly what: string }
  | { readonly type: 'ended'; readonly step: StepRecord };

export interface PlayOptions {
  readonly versions: Versions;
  /** Milliseconds of the real world, for how long it all took. */
  readonly realNow: () => number;
  readonly onEvent?: (event: PlayEvent) => void;
  /** Plays on after an expectation that did not hold. */
  readonly keepGoing?: boolean;
  /** Ends the story after the step that is being played. */
  readonly signal?: AbortSignal;
}

export interface Played {
  readonly run: Run;
  /** What the banks told, for `explain`. */
  readonly journal: readonly JournalEntry[];
}

/** What is under way at the end is waited for so long. */
const SETTLE_MS = 30_000;

/** Plays it, and closes the engine. @throws what is no matter of the story: a broken engine, a bug. */
export async function play(story: Story, engine: Engine, options: PlayOptions): Promise<Played> {
  const player = new Player(story, engine, options);
  return await engine.drive(player.play());
}

/** Ends the story: a step did not end as it should, or an expectation did not hold. */
class Stop extends Error {
  /** What stands in the line of the step. */
  readonly result: string;

  /** @param message empty where the expectations have all there is to say. */
  constructor(message: string, result = message) {
    super(message);
    this.result = result;
  }
}

class Player {
  readonly #stage: Stage;
  readonly #options: PlayOptions;
  readonly #deeds: Deeds;

  constructor(story: Story, engine: Engine, options: PlayOptions) {
    const outputs = new OutputBook(story.network.currencies);
    const submissions = new Submissions(engine);
    this.#options = options;
    this.#stage = {
      story,
      engine,
      outputs,
      titles: new Titles(story, outputs),
      submissions,
      recorder: new Recorder(story, engine, submissions),
      teller: new Teller(engine, story.network.seed),
    };
    this.#deeds = new Deeds(this.#stage, (done, of, what) => this.#tell({ type: 'progress', done, of, what }));
  }

  async play(): Promise<Played> {
    const { realNow, versions } = this.#options;
    const { engine, recorder, submissions, story } = this.#stage;
    const realStartMs = realNow();
    const problem = await this.#playAll();
    const { balances, supply } = await this.#end();
    recorder.position(balances);
    const engineEnd = await engine.close();
    const isBroken = recorder.expectations.some(({ held }) => !held);
    const verdict = isBroken ? 'failed' : 'held';
    const run = recorder.run(story.network.startsAtMs, submissions.updated(submissions.all), {
      verdict: problem === null ? verdict : 'stopped',
      problem,
      balances,
      supply,
      engineEnd,
      realMs: realNow() - realStartMs,
      versions,
    });
    return { run, journal: recorder.journal };
  }

  /** @returns what stopped it, or null. */
  async #playAll(): Promise<string | null> {
    const { people, steps, network } = this.#stage.story;
    try {
      await openAll(this.#stage);
      this.#tell({ type: 'opened', people: people.filter(({ isOpen }) => isOpen).length });
      await this.#waitUntil(network.startsAtMs);
      await this.#sequence(steps, '');
      return null;
    } catch (error) {
      if (error instanceof Stop) return error.message === '' ? null : error.message;
      if (error instanceof CodedError) return `${error.message} (${error.code})`;
      throw error;
    }
  }

  /** What there is in the end, once what is under way has settled; nothing where no bank is left to ask. */
  async #end(): Promise<{ readonly balances: Balances; readonly supply: Run['supply'] }> {
    await this.#stage.submissions.settle(SETTLE_MS);
    try {
      return { balances: await this.#balances(), supply: await this.#supply() };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      return { balances: new Map(), supply: [] };
    }
  }

  async #sequence(steps: readonly Step[], prefix: string): Promise<void> {
    for (const [i, step] of steps.entries()) {
      if (this.#options.signal?.aborted) throw new Stop('it was interrupted');
      await this.#step(step, `${prefix}${i + 1}`);
    }
  }

  async #step(step: Step, number: string): Promise<void> {
    const { action, atMs } = step;
    const { engine, outputs, recorder, titles } = this.#stage;
    if (atMs !== null) await this.#waitUntil(atMs);
    if (action.type === 'sequence') return await this.#sequence(action.steps, `${number}.`);
    const title = titles.step(action);
    this.#tell({ type: 'began', number, title });
    const startedAtMs = engine.now();
    const end = (outcome: StepRecord['outcome'], result: string) => {
      const { place, note } = step;
      const shown = note === null ? null : outputs.text(note);
      const times = { startedAtMs, endedAtMs: engine.now() };
      const record = { number, place, type: action.type, title, note: shown, ...times, outcome, result };
      recorder.steps.push(record);
      this.#tell({ type: 'ended', step: record });
    };
    // A group's own line would say nothing that the steps within it do not say.
    const hasLine = action.type !== 'together';
    try {
      const result = await this.#perform(step, number);
      if (hasLine) end('done', result);
    } catch (error) {
      const isOfStory = error instanceof Stop || error instanceof CodedError;
      if (isOfStory && hasLine) end('failed', error instanceof Stop ? error.result : error.message);
      throw error;
    }
  }

  /** @returns what came of it, in a sentence. */
  async #perform(step: Step, number: string): Promise<string> {
    const { action } = step;
    const { engine, recorder, titles } = this.#stage;
    switch (action.type) {
      case 'say':
        return '';
      case 'wait':
        await engine.sleep(action.ms);
        return '';
      case 'sequence':
        // `#step` plays it: its steps have lines of their own.
        return '';
      case 'together':
        await this.#together(action.steps, number);
        return '';
      case 'remember': {
        const balances = await this.#balances();
        recorder.position(balances);
        this.#keep(step, { handed: [], balances });
        return settlementOf(balances, this.#stage);
      }
      case 'expect':
        return await this.#expect(action, number);
      case 'run':
        return await this.#run(action, number);
      case 'pay':
        return this.#judge(step, await this.#deeds.pay(number, action));
      case 'bulk':
        return this.#judge(step, await this.#deeds.bulk(number, action));
      case 'replay':
        return this.#judge(step, await this.#deeds.replay(number, action));
      case 'payments':
        return this.#judge(step, await this.#deeds.payments(number, action));
      case 'crash':
      case 'restart':
      case 'pause':
      case 'resume':
      case 'wipe':
      case 'partition':
      case 'slow':
      case 'heal':
      case 'byzantine':
        await strike(action, titles.step(action), engine.faults, recorder);
        return '';
      default:
        return this.#judge(step, await this.#deeds.order(number, action));
    }
  }

  /** All at once; when one fails, the others are waited for before the story ends. */
  async #together(steps: readonly Step[], number: string): Promise<void> {
    const played = await Promise.allSettled(steps.map((step, i) => this.#step(step, `${number}.${i + 1}`)));
    const failed = played.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** @throws Stop where a transaction ended otherwise than expected. */
  #judge(step: Step, deed: Deed): string {
    this.#keep(step, deed);
    const problem = endingProblem(step, deed.handed);
    if (problem !== null) throw new Stop(problem);
    return resultOf(deed.handed);
  }

  #keep({ as }: Step, { handed, balances: all }: Deed): void {
    const balances = all ?? null;
    if (as === null) return;
    const { outputs, recorder, submissions, titles } = this.#stage;
    const now = () => outputsOf(submissions.updated(handed), outputs);
    const fields = () => (balances === null ? now() : fieldsOf(balances, outputs, titles));
    outputs.keep(as, { fields, handed, balances, height: recorder.height });
  }

  /** Tries until all of it holds, or the time is over. */
  async #expect({ expectations, withinMs }: Of<'expect'>, number: string): Promise<string> {
    const { engine, recorder } = this.#stage;
    const deadlineMs = engine.networkNow() + withinMs;
    let judged = await judgeAll(expectations, this.#stage);
    while (judged.some(({ held }) => !held) && engine.networkNow() < deadlineMs) {
      await engine.sleep(TRY_EVERY_MS);
      judged = await judgeAll(expectations, this.#stage);
    }
    recorder.expectations.push(...judged.map((judgement) => ({ step: number, ...judgement })));
    const broken = judged.filter(({ held }) => !held).length;
    if (broken > 0 && this.#options.keepGoing !== true)
      throw new Stop('', `${broken} of ${judged.length} did not hold`);
    return `${judged.length - broken} of ${judged.length} held`;
  }

  async #run({ body, stepOf }: Of<'run'>, number: string): Promise<string> {
    const { engine, outputs, recorder, story } = this.#stage;
    const { keepGoing } = this.#options;
    let played = 0;
    await body({
      do: async (part) => {
        played += 1;
        const step = stepOf(part);
        const own = `${number}.${played}`;
        // No author can give a step such a name: it is the program's, for what it is given back.
        const as = step.as ?? `step ${own}`;
        await this.#step({ ...step, as }, own);
        return outputs.has(as) ? outputs.of(as).fields() : {};
      },
      balance: async (person, currency) => {
        const account = story.people.find(({ name }) => name === person)?.account ?? (person as AccountId);
        await this.#level(account);
        return (await accountOf(engine, account))?.balances.get(currency as CurrencyCode) ?? 0n;
      },
      now: () => engine.now(),
      random: (label) => {
        const chance = new Chance(story.network.seed, `run ${label}`);
        return () => uniform(chance);
      },
      expect: (held, sentence) => {
        recorder.expectations.push({ step: number, place: NOWHERE, title: sentence, held, finding: null });
        if (!held && keepGoing !== true) throw new Stop('', `did not hold: ${sentence}`);
      },
    });
    return '';
  }

  /** A bank may be some milliseconds behind the one that said «final»: what a program asks next is asked of level books. */
  async #level(account: AccountId): Promise<void> {
    const { engine, recorder } = this.#stage;
    const deadlineMs = engine.networkNow() + LEVEL_WITHIN_MS;
    const height = () => askAny(engine, participantOf(account), async (bank) => (await bank.head()).height);
    while ((await height()) < recorder.height && engine.networkNow() < deadlineMs) await engine.sleep(LOOK_EVERY_MS);
  }

  async #waitUntil(ms: number): Promise<void> {
    const { engine } = this.#stage;
    const aheadMs = ms - engine.now();
    if (aheadMs > 0) await engine.sleep(aheadMs);
  }

  #tell(event: PlayEvent): void {
    this.#options.onEvent?.(event);
  }

  async #balances(): Promise<Balances> {
    const { engine, story } = this.#stage;
    const banks = story.network.members.map(({ id }) => settlementAccount(id));
    const accounts = [...banks, ...story.people.map(({ account }) => account)];
    const views = accounts.map(async (account) => {
      return [account, (await accountOf(engine, account))?.balances ?? new Map()] as const;
    });
    return new Map(await Promise.all(views));
  }

  async #supply(): Promise<Run['supply']> {
    const { engine, story } = this.#stage;
    const all = story.network.currencies.map(async ({ code, exponent }) => {
      const { issuedMinor, redeemedMinor } = await askAny(engine, null, (bank) => bank.supply(code));
      const [issued, redeemed] = [formatAmount(issuedMinor, exponent), formatAmount(redeemedMinor, exponent)];
      return { currency: code, issued, redeemed, circulating: formatAmount(issuedMinor - redeemedMinor, exponent) };
    });
    return await Promise.all(all);
  }
}

type Of<Type extends Action['type']> = Extract<Action, { type: Type }>;

/** Between two looks at what is expected. */
const TRY_EVERY_MS = 250;
/** How long, and how often, a bank's books are waited for. */
const LEVEL_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 10;
/** What TypeScript says stands in no text. */
const NOWHERE: Place = { file: '', line: 0, column: 0, path: 'run' };

/** `settlement accounts: cnb 20,000,000 KHR`; those that are empty say nothing. */
function settlementOf(balances: Balances, { story, titles }: Stage): string {
  const held = story.network.members.flatMap(({ id }) => {
    const amounts = [...(balances.get(settlementAccount(id)) ?? [])].filter(([, minor]) => minor > 0n);
    return amounts.map(([currency, minor]) => `${id} ${titles.money({ currency, minor })}`);
  });
  return `settlement accounts: ${held.length === 0 ? 'all empty' : held.join(', ')}`;
}

/** `dara.KHR` -> `5000 KHR`. */
function fieldsOf(balances: Balances, outputs: OutputBook, titles: Titles): Outputs {
  const fields: Record<string, string> = {};
  for (const [account, held] of balances) {
    for (const [currency, minor] of held)
      fields[`${titles.name(account)}.${currency}`] = outputs.write({ currency, minor });
  }
  return fields;
}
