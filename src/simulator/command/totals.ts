/** What many runs came to, added up. */
import type { Outcome } from '../simulation.ts';

export interface Conspiracies {
  runs: number;
  forks: number;
  /** Forks after which two statements for one place named all of more than f. */
  proved: number;
  /** Validators whom only the transcript of several rounds names. */
  turncoats: number;
}

export class Totals {
  seeds = 0;
  failed = 0;
  heights = 0;
  events = 0;
  payments = 0;
  acknowledged = 0;
  readonly signedAfter = new Map<string, number>();
  /** How often each kind of fault or liar struck. */
  readonly struck = new Map<string, number>();
  /** The kinds that struck in each run. */
  readonly runs: ReadonlySet<string>[] = [];
  readonly tally = new Map<string, number>();
  readonly conspiracies: Conspiracies = { runs: 0, forks: 0, proved: 0, turncoats: 0 };

  add({ plan, violation, heights, events, payments, acknowledged, struck, tally, signedAfter }: Outcome): void {
    this.seeds += 1;
    this.failed += violation === null ? 0 : 1;
    this.heights += heights;
    this.events += events;
    this.payments += payments;
    this.acknowledged += acknowledged;
    for (const [why, count] of signedAfter) bump(this.signedAfter, why, count);
    for (const [what, count] of tally) bump(this.tally, what, count);
    for (const [kind, count] of struck) bump(this.struck, kind, count);
    for (const { kind } of plan.liars) bump(this.struck, kind, 1);
    this.runs.push(new Set([...struck.keys(), ...plan.liars.map(({ kind }) => kind)]));
  }

  /** A run with more than f liars. */
  addConspiracy({ plan, violation, fork }: Outcome): void {
    const { conspiracies } = this;
    this.failed += violation === null ? 0 : 1;
    conspiracies.runs += 1;
    const [first] = plan.liars;
    if (first !== undefined) {
      bump(this.struck, first.kind, 1);
      this.runs.push(new Set([first.kind]));
    }
    if (fork === null) return;
    conspiracies.forks += 1;
    conspiracies.proved += fork.equivocators >= plan.liars.length ? 1 : 0;
    conspiracies.turncoats += fork.turncoats;
  }
}

function bump(counts: Map<string, number>, what: string, by: number): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}
