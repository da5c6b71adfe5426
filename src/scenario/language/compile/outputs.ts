/** What steps leave for later ones: who may speak of which output, and what kind of value each field is. */
import type { Place, Reference } from '../../story.ts';
import { refuse, shown, suggestion } from '../problem.ts';
import { isTransaction, type Word } from '../schema/steps.ts';
import { textParts } from '../variables.ts';

export type OutputKind = 'transaction' | 'payments' | 'memory' | 'nothing';
export type FieldKind = 'amount' | 'number' | 'text';

/** Fields of outputs; those of a memory are its accounts and currencies: `noon.dara.KHR`. */
export const OUTPUT_FIELDS: Readonly<Record<OutputKind, Readonly<Record<string, FieldKind>>>> = {
  transaction: {
    id: 'text',
    status: 'text',
    code: 'number',
    height: 'number',
    index: 'number',
    finalityMs: 'number',
    amount: 'amount',
    ending: 'text',
  },
  payments: {
    sent: 'number',
    final: 'number',
    refused: 'number',
    pending: 'number',
    p50Ms: 'number',
    p99Ms: 'number',
    maxMs: 'number',
    total: 'amount',
  },
  memory: {},
  nothing: {},
};

/** What a step of this word leaves. */
export function outputOf(word: Word): OutputKind {
  if (word === 'bulk' || word === 'payments') return 'payments';
  if (word === 'remember') return 'memory';
  return isTransaction(word) ? 'transaction' : 'nothing';
}

/** The outputs that the steps so far have, by name. */
export class Outputs {
  readonly #known: Map<string, OutputKind>;
  /** Of the whole story, also of branches that do not see each other. */
  readonly #taken: Map<string, Place>;
  readonly #isInMemory: (field: string) => boolean;

  /** @param isInMemory whether a field names an account and a currency. */
  constructor(
    isInMemory: (field: string) => boolean,
    known = new Map<string, OutputKind>(),
    taken = new Map<string, Place>(),
  ) {
    this.#isInMemory = isInMemory;
    this.#known = known;
    this.#taken = taken;
  }

  /** For steps beside each other: what one of them leaves, the others do not know. */
  fork(): Outputs {
    return new Outputs(this.#isInMemory, new Map(this.#known), this.#taken);
  }

  join(branches: readonly Outputs[]): void {
    for (const branch of branches) for (const [name, kind] of branch.#known) this.#known.set(name, kind);
  }

  /** @returns the name. @throws as `refuse` where it is taken, or cannot be written in a reference. */
  define(name: string, kind: OutputKind, place: Place): string {
    const earlier = this.#taken.get(name);
    if (earlier)
      refuse(
        'SCENARIO_NAME_TAKEN',
        place,
        `the step at ${earlier.file}:${earlier.line} is called ${shown(name)} already; in a loop, use its variable: \`${name.slice(0, 20)}-\${i}\``,
      );
    if (!/^[\w-]+$/.test(name))
      refuse(
        'SCENARIO_NAME_MALFORMED',
        place,
        `${shown(name)} is no name of a step; expected letters, digits, - and _`,
      );
    this.#taken.set(name, place);
    this.#known.set(name, kind);
    return name;
  }

  /** @returns the name. @throws as `refuse` where no earlier step of these kinds has it. */
  named(name: string, place: Place, ...kinds: readonly OutputKind[]): string {
    const kind = this.#known.get(name);
    const fitting = [...this.#known]
      .filter(([, each]) => kinds.length === 0 || kinds.includes(each))
      .map(([each]) => each);
    if (kind === undefined)
      refuse('SCENARIO_OUTPUT', place, `no earlier step is called ${shown(name)}${suggestion(name, fitting)}`);
    if (kinds.length > 0 && !kinds.includes(kind))
      refuse(
        'SCENARIO_OUTPUT',
        place,
        `the step ${shown(name)} leaves nothing of the kind that is needed here${suggestion(name, fitting, 'such steps are')}`,
      );
    return name;
  }

  /** The one reference that is the whole text. @throws as `refuse` where it is none of this kind. */
  reference(text: string, place: Place, wanted?: FieldKind): Reference {
    const [part, ...more] = textParts(text);
    if (part === undefined || typeof part === 'string' || more.length > 0)
      return refuse('SCENARIO_OUTPUT', place, `${shown(text)} is no output of a step; expected \`\${step.field}\``);
    const kind = this.#kindOf(part, place);
    if (wanted !== undefined && kind !== wanted)
      refuse(
        'SCENARIO_OUTPUT',
        place,
        `${shown(text)} is ${kind === 'text' ? 'a text' : `an ${kind}`.replace('an n', 'a n')}; expected ${wanted === 'amount' ? 'an amount' : `a ${wanted}`}`,
      );
    return part;
  }

  /** @throws as `refuse` where the text speaks of what is not there. */
  text(text: string, place: Place) {
    const parts = textParts(text);
    for (const part of parts) if (typeof part !== 'string') this.#kindOf(part, place);
    return parts;
  }

  #kindOf({ output, field }: Reference, place: Place): FieldKind {
    const kind = this.#known.get(this.named(output, place)) ?? 'nothing';
    if (kind === 'memory') {
      return this.#isInMemory(field)
        ? 'amount'
        : refuse(
            'SCENARIO_OUTPUT',
            place,
            `${shown(output)} remembers no ${shown(field)}; expected an account and a currency, like \`dara.KHR\``,
          );
    }
    const fields = OUTPUT_FIELDS[kind];
    return (
      Object.entries(fields).find(([name]) => name === field)?.[1] ??
      refuse(
        'SCENARIO_OUTPUT',
        place,
        `the step ${shown(output)} has no output ${shown(field)}${suggestion(field, Object.keys(fields))}`,
      )
    );
  }
}
