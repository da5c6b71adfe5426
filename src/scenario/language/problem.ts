/**
 * What can be wrong with a story: a stable code, the place in the author's text, and a sentence that says what is wrong and
 * what was expected. Problems are collected, so that one reading shows all of them.
 */
import type { Place } from '../story.ts';

/** Every code, with what it stands for. */
export const PROBLEM_CODES = {
  SCENARIO_FILE: 'A file cannot be read, or is larger than a story may be.',
  SCENARIO_YAML: 'The text is no YAML 1.2, gives a key twice, nests too deep, or uses anchors, aliases or tags.',
  SCENARIO_INCLUDE: 'An include leads back to itself, or out of what may be included.',
  SCENARIO_SHAPE: 'A value is of another kind than its key takes.',
  SCENARIO_KEY_UNKNOWN: 'A key is no word of the language here.',
  SCENARIO_KEY_MISSING: 'A key is missing.',
  SCENARIO_STEP: 'A step does nothing, or more than one thing.',
  SCENARIO_NAME_UNKNOWN: 'A name stands for nobody and nothing in the story.',
  SCENARIO_NAME_TAKEN: 'A name or a number is given twice.',
  SCENARIO_NAME_MALFORMED: 'A name is none that the ledger can carry, or is a word of the language.',
  SCENARIO_VARIABLE: 'A variable is unknown, or cannot stand where it stands.',
  SCENARIO_OUTPUT: 'An output of a step is used that no earlier step has, or where none can be used.',
  SCENARIO_AMOUNT: 'An amount is none, or does not fit its currency.',
  SCENARIO_DURATION: 'A duration is none.',
  SCENARIO_TIME: 'A time is none, or is over before it can come.',
  SCENARIO_PHONE: 'A phone number is none that can be called.',
  SCENARIO_LIMIT: 'The story is larger than a story may be.',
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;

export interface Problem {
  readonly code: ProblemCode;
  readonly place: Place;
  /** What is wrong; what was expected. */
  readonly message: string;
}

/** More of them help nobody. */
const MAX_PROBLEMS = 100;
/** Names that are looked through for a near one: a crowd of thousands has names that are all alike. */
const MAX_CANDIDATES = 2_000;
/** Longest piece of the author's text that a problem repeats. */
const MAX_SHOWN_CHARS = 60;

/** `launch-day.yaml:12:9: what is wrong; what was expected`. Without lines, the path stands in their place. */
export function showProblem({ place, message }: Problem): string {
  const where =
    place.line > 0 ? `${place.file}:${place.line}:${place.column}` : `${place.file}: ${place.path || 'story'}`;
  return `${where}: ${message}`;
}

/** One problem on its way to the list. Thrown by whatever reads one value, caught by `Problems.attempt`. */
class Misreading extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** @throws always; for use within `Problems.attempt`. */
export function refuse(code: ProblemCode, place: Place, message: string): never {
  throw new Misreading({ code, place, message });
}

/** All that is wrong, each once. */
export class Problems {
  readonly #found = new Map<string, Problem>();

  add(code: ProblemCode, place: Place, message: string): void {
    const problem = { code, place, message };
    // What a loop repeats is one problem.
    const key = `${code} ${showProblem(problem)}`;
    if (this.#found.size < MAX_PROBLEMS && !this.#found.has(key)) this.#found.set(key, problem);
  }

  /** @returns what `read` returns, or null where it refuses; then the list has the reason. */
  attempt<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Misreading)) throw error;
      this.add(error.problem.code, error.problem.place, error.problem.message);
      return null;
    }
  }

  /** Reads each, refused or not, and @returns what could be read. */
  each<From, To>(from: Iterable<From>, read: (item: From, index: number) => To): To[] {
    return [...from].flatMap((item, index) => {
      const found = this.attempt(() => ({ value: read(item, index) }));
      return found === null ? [] : [found.value];
    });
  }

  /** In the order of the text: the story's own file first, then others as they were met. */
  get list(): readonly Problem[] {
    const files = [...new Set([...this.#found.values()].map(({ place }) => place.file))];
    return [...this.#found.values()].sort(
      ({ place: a }, { place: b }) =>
        files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    );
  }

  get isEmpty(): boolean {
    return this.#found.size === 0;
  }
}

/** The author's own text, in backticks, cut to what fits a line. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const line = text.replace(/\p{Cc}/gu, ' ');
  return `\`${line.length > MAX_SHOWN_CHARS ? `${line.slice(0, MAX_SHOWN_CHARS)}…` : line}\``;
}

/** `; did you mean X?` where a known name is near, else all known names where they are few, else nothing. */
export function suggestion(text: string, known: Iterable<string>, listed = 'known are'): string {
  const names = firstOf(known, MAX_CANDIDATES);
  const near = nearest(text, names);
  if (near !== null) return `; did you mean ${shown(near)}?`;
  return names.length > 0 && names.length <= 20 ? `; ${listed} ${names.map(shown).join(', ')}` : '';
}

function firstOf<T>(items: Iterable<T>, most: number): readonly T[] {
  const found: T[] = [];
  for (const item of items) {
    if (found.length === most) break;
    found.push(item);
  }
  return found;
}

/** The known name with the fewest changed letters, where that is at most a third of them. */
export function nearest(text: string, known: readonly string[]): string | null {
  const reach = Math.max(1, Math.floor(text.length / 3));
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const name of known) {
    if (Math.abs(name.length - text.length) > reach || text.length > MAX_SHOWN_CHARS) continue;
    const found = distance(text.toLowerCase(), name.toLowerCase());
    if (found <= reach && found < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance: found };
  }
  return best?.name ?? null;
}

/** Letters to insert, leave out, change or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
