/**
 * The traces of `tendermint.qnt` as lines of text: what one validator is given, and all that must come of it. Made from
 * Quint's output (Informal Trace Format, ITF) by `regenerate.mjs`, fed to the core by `replay.test.ts`.
 *
 *   trace hasty 3 liar 2                       a run, its number, what is wrong with whom
 *   1 vote prevote 0 101 -1 3 | timer prevote 0 0 0 0 | 0 prevote none none -1 0/prevote none 1 0
 *
 * A line is the validator and its input; the effects, in order; and its state: round, step, locked and valid value,
 * decision, last place signed, remembered lock, started, silent. Inputs and effects are kind, step, round, value, valid
 * round, source, as in the specification's `Note`; a polka is value@round:voters.
 */

/** The specification's `Note`. */
export interface Note {
  readonly kind: string;
  readonly step: string;
  readonly round: number;
  readonly value: number;
  readonly vr: number;
  readonly src: number;
}

/** The specification's `Polka`; round -1 where there is none. */
export interface TracePolka {
  readonly round: number;
  readonly value: number;
  readonly voters: readonly number[];
}

/** What the core and the specification must agree on after every input. */
export interface Observed {
  readonly round: number;
  readonly step: string;
  readonly locked: TracePolka;
  readonly valid: TracePolka;
  readonly decision: number;
  readonly place: { readonly round: number; readonly step: string };
  /** The lock that outlives a crash. */
  readonly kept: TracePolka;
  readonly started: boolean;
  readonly silent: boolean;
}

export interface TraceLine {
  readonly validator: number;
  readonly input: Note;
  /** Effects and state, as `expectation` prints them. */
  readonly expected: string;
}

export interface Trace {
  readonly name: string;
  readonly lines: readonly TraceLine[];
}

/** The text of many traces. */
export function printTraces(traces: readonly Trace[]): string {
  return traces
    .flatMap(({ name, lines }) => [
      `trace ${name}`,
      ...lines.map(({ validator, input, expected }) => `${validator} ${printNote(input)} | ${expected}`),
    ])
    .join('\n');
}

/** Reads what `printTraces` wrote. */
export function parseTraces(text: string): readonly Trace[] {
  return text
    .split('trace ')
    .slice(1)
    .map((part) => {
      const [name = '', ...lines] = part.trim().split('\n');
      return { name, lines: lines.map(parseLine) };
    });
}

function parseLine(line: string): TraceLine {
  const bar = line.indexOf(' | ');
  const [validator, kind = '', at = '', ...numbers] = line.slice(0, bar).split(' ');
  const [round = 0, value = 0, vr = 0, src = 0] = numbers.map(Number);
  const input = { kind, step: at === '-' ? '' : at, round, value, vr, src };
  return { validator: Number(validator), input, expected: line.slice(bar + 3) };
}

/** Effects and state in one line. */
export function expectation(effects: readonly Note[], state: Observed): string {
  const { round, step, locked, valid, decision, place, kept, started, silent } = state;
  const polkas = [locked, valid].map(printPolka).join(' ');
  const memory = `${place.round}/${place.step || '-'} ${printPolka(kept)}`;
  const told = effects.map(printNote).join(', ') || 'nothing';
  return `${told} | ${round} ${step} ${polkas} ${decision} ${memory} ${Number(started)} ${Number(silent)}`;
}

function printNote({ kind, step, round, value, vr, src }: Note): string {
  return `${kind} ${step || '-'} ${round} ${value} ${vr} ${src}`;
}

function printPolka({ round, value, voters }: TracePolka): string {
  return round < 0 ? 'none' : `${value}@${round}:${[...voters].sort().join('')}`;
}

// ---------------------------------------------------------------- ITF

interface SpecifiedLocal extends Omit<Observed, 'kept'> {
  readonly memory: { readonly lock: TracePolka };
  readonly out: readonly Note[];
}

interface SpecifiedState {
  readonly locals: ReadonlyMap<number, SpecifiedLocal>;
  readonly last: { readonly validator: number; readonly input: Note };
  readonly faulty: number;
  readonly fault: string;
}

/** A trace from the text of an ITF file, which Quint wrote for this specification. */
export function traceOfItf(text: string, name: string): Trace {
  const states = (plain(JSON.parse(text)) as { readonly states: readonly SpecifiedState[] }).states;
  const acted = states.filter(({ last }) => last.validator >= 0);
  const lines = acted.map(({ locals, last }) => {
    const local = locals.get(last.validator);
    if (local === undefined) throw new Error(`${name}: no validator ${last.validator}`);
    const expected = expectation(local.out, { ...local, kept: local.memory.lock });
    return { validator: last.validator, input: last.input, expected };
  });
  return { name: `${name} ${states[0]?.fault} ${states[0]?.faulty}`, lines };
}

/** ITF writes integers, sets and maps as objects with one key; see apalache-mc.org, ADR 015. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const itf = value as { '#bigint'?: string; '#set'?: unknown[]; '#map'?: [unknown, unknown][] };
  if (itf['#bigint'] !== undefined) return Number(itf['#bigint']);
  if (itf['#set'] !== undefined) return itf['#set'].map(plain);
  if (itf['#map'] !== undefined) return new Map(itf['#map'].map(([key, entry]) => [plain(key), plain(entry)]));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
}
