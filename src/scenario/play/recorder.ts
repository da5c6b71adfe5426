/** Keeps the book of a run while it is played, and makes the `Run` of it. */
import { formatAmount } from '../../codec/amount.ts';
import { isSettlement, participantOf, settlementAccount } from '../../codec/text.ts';
import type { AccountId, CurrencyCode, ParticipantId } from '../../types/index.ts';
import type { Engine, EngineEnd, JournalEntry } from '../engine.ts';
import type {
  BlockRecord,
  ExpectationRecord,
  FaultRecord,
  FlowRecord,
  HoldingRecord,
  PaymentRecord,
  PositionRecord,
  Run,
  StepRecord,
} from '../run.ts';
import type { Story } from '../story.ts';
import type { Balances } from './outputs.ts';
import type { Handed, Submissions } from './submissions.ts';

export interface Versions {
  readonly tonle: string;
  readonly node: string;
}

/** What is known when the play is over. */
export interface Ending {
  readonly verdict: Run['verdict'];
  readonly problem: string | null;
  readonly balances: Balances;
  readonly supply: Run['supply'];
  readonly engineEnd: EngineEnd;
  readonly realMs: number;
  readonly versions: Versions;
}

export class Recorder {
  readonly steps: StepRecord[] = [];
  readonly expectations: ExpectationRecord[] = [];
  readonly journal: JournalEntry[] = [];
  /** Of the highest block that any bank has; 0 before the first. */
  height = 0;
  readonly #blocks = new Map<number, BlockRecord>();
  readonly #faults: FaultRecord[] = [];
  readonly #positions: PositionRecord[] = [];
  readonly #story: Story;
  readonly #engine: Engine;
  readonly #submissions: Submissions;

  constructor(story: Story, engine: Engine, submissions: Submissions) {
    this.#submissions = submissions;
    this.#story = story;
    this.#engine = engine;
    engine.listen((entry) => this.#heard(entry));
  }

  get blocks(): Iterable<BlockRecord> {
    return this.#blocks.values();
  }

  /** What the banks themselves hold at this moment goes into the run. */
  position(balances: Balances): void {
    const banks = this.#story.network.members.map(({ id }) => {
      return { bank: id, balances: this.#held(balances, [settlementAccount(id)]) };
    });
    this.#positions.push({ atMs: this.#engine.now(), banks });
  }

  /** Faults that last begin here; `mended` ends them. */
  fault(kind: string, title: string, banks: readonly ParticipantId[]): void {
    this.#faults.push({ kind, title, banks, fromMs: this.#engine.now(), toMs: null });
  }

  /** Ends what lasts of these kinds; on these banks, or all where null. */
  mended(kinds: readonly string[], banks: readonly ParticipantId[] | null): void {
    const toMs = this.#engine.now();
    for (const [i, fault] of this.#faults.entries()) {
      const isMeant = banks === null || fault.banks.some((bank) => banks.includes(bank as ParticipantId));
      if (fault.toMs === null && kinds.includes(fault.kind) && isMeant) this.#faults[i] = { ...fault, toMs };
    }
  }

  run(startedAtMs: number, handed: readonly Handed[], ending: Ending): Run {
    const { title, about, network } = this.#story;
    const { verdict, problem, engineEnd, realMs, versions } = ending;
    const { signatures, seed, members, currencies } = network;
    const { traceHash, engineMs } = engineEnd;
    return {
      format: 'tonle-run',
      version: 1,
      story: { title, about, file: this.#story.file },
      engine: { kind: this.#engine.kind, seed, signatures, versions, traceHash, engineMs, realMs },
      currencies: currencies.map(({ code, exponent }) => ({ code, exponent })),
      members,
      startedAtMs,
      endedAtMs: this.#engine.now(),
      verdict,
      problem,
      // They are noted as they end; branches that go on side by side read better as they began.
      steps: this.steps.toSorted((a, b) => a.startedAtMs - b.startedAtMs || byNumber(a.number, b.number)),
      payments: handed.map((entry) => this.#payment(entry)),
      blocks: [...this.#blocks.values()],
      faults: this.#faults,
      expectations: this.expectations,
      holdings: this.#holdings(ending.balances),
      positions: this.#positions,
      flows: this.#flows(handed),
      supply: ending.supply,
    };
  }

  #heard(entry: JournalEntry): void {
    this.journal.push(entry);
    this.#submissions.heard(entry);
    if (entry.type !== 'committed' || this.#blocks.has(entry.height)) return;
    const { height, blockHash: hash, round, proposer, signers, transactions, evidence } = entry;
    this.height = Math.max(this.height, height);
    this.#blocks.set(height, {
      height,
      hash,
      atMs: this.#engine.now(),
      round,
      proposer,
      signers,
      transactions: transactions.length,
      evidenceAgainst: evidence,
    });
  }

  #payment({ id, step, kind, title, moves, memo, via, submittedAtMs, finalityMs, ending }: Handed): PaymentRecord {
    const [first] = moves;
    const receipt = 'receipt' in ending ? ending.receipt : null;
    const isOne = (of: (move: (typeof moves)[number]) => string) =>
      moves.every((move) => of(move) === (first && of(first)));
    return {
      id,
      step,
      kind,
      title,
      from: first !== undefined && isOne(({ from }) => from) ? first.from : null,
      to: first !== undefined && isOne(({ to }) => to) ? first.to : null,
      amount:
        first !== undefined && isOne(({ amount }) => amount.currency)
          ? this.#text(
              moves.reduce((sum, { amount }) => sum + amount.minor, 0n),
              first.amount.currency,
            )
          : null,
      memo,
      via,
      submittedAtMs,
      finalityMs,
      ending: ending.kind,
      code: ending.kind === 'refused' ? ending.code : null,
      height: receipt?.height ?? null,
      index: receipt?.index ?? null,
    };
  }

  /** People and banks one by one, crowds as a sum. */
  #holdings(balances: Balances): readonly HoldingRecord[] {
    const { network, people, crowds } = this.#story;
    const inCrowds = new Set([...crowds.values()].flat());
    const one = (name: string, account: AccountId): HoldingRecord => {
      return { name, account, bank: participantOf(account), balances: this.#held(balances, [account]) };
    };
    return [
      ...network.members.map(({ id, name }) => one(name, settlementAccount(id))),
      ...people.filter(({ account }) => !inCrowds.has(account)).map(({ name, account }) => one(name, account)),
      ...[...crowds].map(([name, members]) => {
        return {
          name: `${name} (${members.length})`,
          account: null,
          bank: null,
          balances: this.#held(balances, members),
        };
      }),
    ];
  }

  #held(balances: Balances, accounts: readonly AccountId[]): HoldingRecord['balances'] {
    return this.#story.network.currencies.flatMap(({ code }) => {
      const sum = accounts.reduce((all, account) => all + (balances.get(account)?.get(code) ?? 0n), 0n);
      return sum === 0n ? [] : [this.#text(sum, code)];
    });
  }

  /** Each transaction once, however often it was handed in. */
  #flows(handed: readonly Handed[]): readonly FlowRecord[] {
    const sums = new Map<string, { from: string; to: string; code: CurrencyCode; minor: bigint; transfers: number }>();
    const seen = new Set<string>();
    for (const { id, kind, ending, moves } of handed) {
      if (ending.kind !== 'final' || kind !== 'payment' || seen.has(id)) continue;
      seen.add(id);
      for (const move of moves) {
        if (isSettlement(move.from) || isSettlement(move.to)) continue;
        const [from, to] = [participantOf(move.from), participantOf(move.to)];
        const { currency: code, minor } = move.amount;
        const key = `${from} ${to} ${code}`;
        const sum = sums.get(key) ?? { from, to, code, minor: 0n, transfers: 0 };
        sums.set(key, { ...sum, minor: sum.minor + minor, transfers: sum.transfers + 1 });
      }
    }
    return [...sums.values()].map(({ from, to, code, minor, transfers }) => {
      return { from, to, amount: this.#text(minor, code), transfers };
    });
  }

  #text(minor: bigint, currency: CurrencyCode) {
    const exponent = this.#story.network.currencies.find(({ code }) => code === currency)?.exponent ?? 0;
    return { currency, value: formatAmount(minor, exponent) };
  }
}

/** `5.2` before `5.10`. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
