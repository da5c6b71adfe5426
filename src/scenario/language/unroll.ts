/**
 * Writes loops and included steps out, with their variables put in, and judges the shape of every step that comes of it.
 * What is left is a plain list of steps, bounded however the loops nest.
 */
import type { Place } from '../story.ts';
import { judge, judgeStep } from './check.ts';
import { pathBeside } from './includes.ts';
import { MAX_STEPS } from './limits.ts';
import { at, entriesOf, itemsOf, type MapNode, Measure, type Node, type Scalar, textOf } from './node.ts';
import { type Problems, refuse, shown, suggestion } from './problem.ts';
import { mapping, type Shape } from './schema/shapes.ts';
import { STEPS, type Word } from './schema/steps.ts';
import { checkName, type Scope, substitute } from './variables.ts';

/** A step of a good shape, without loops. */
export interface PlainStep {
  readonly word: Word;
  readonly map: MapNode;
  /** Of `together`: its branches, each a list of steps that follow each other. */
  readonly branches: readonly (readonly PlainStep[])[];
}

export interface Surroundings {
  readonly files: ReadonlyMap<string, MapNode>;
  /** What `each` of a loop may name: crowds, and `banks`. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

const anything: Shape = { title: 'a text' };
const STEP_FILE = mapping('a list of steps', { story: anything, about: anything, steps: STEPS }, ['steps']);

/** @returns the steps in order. Those of a bad shape are missing, and `problems` has why. */
export function unroll(
  steps: readonly Node[],
  scope: Scope,
  around: Surroundings,
  problems: Problems,
): readonly PlainStep[] {
  const unroller = new Unroller(around, problems);
  return problems.attempt(() => unroller.steps(steps, scope)) ?? [];
}

class Unroller {
  readonly #around: Surroundings;
  readonly #problems: Problems;
  readonly #measure = new Measure();
  readonly #judged = new Map<string, boolean>();
  #written = 0;

  constructor(around: Surroundings, problems: Problems) {
    this.#around = around;
    this.#problems = problems;
  }

  /** @throws as `refuse` where it is too much. */
  steps(steps: readonly Node[], scope: Scope): PlainStep[] {
    return steps.flatMap((step) => this.#step(step, scope));
  }

  #step(raw: Node, scope: Scope): PlainStep[] {
    this.#count(raw.place);
    const found = judgeStep(substitute(raw, scope, this.#measure, this.#problems), this.#problems);
    if (found === null) return [];
    const { word, map } = found;
    if (word === 'together') {
      const branches = itemsOf(at(map, word)).map((inner) => this.#step(inner, scope));
      return [{ word, map, branches: branches.filter((branch) => branch.length > 0) }];
    }
    const inner = this.#loop(word, map, scope);
    return inner === null ? [{ word: word as Word, map, branches: [] }] : startingAt(at(map, 'at'), inner);
  }

  /** The steps of a loop, or null where the word is none. */
  #loop(word: string, map: MapNode, scope: Scope): PlainStep[] | null {
    if (word === 'include') return this.#included(map, scope);
    if (word !== 'repeat' && word !== 'for') return null;
    const loop = at(map, word);
    if (loop === null) return [];
    const name = at(loop, 'as');
    const values =
      word === 'for'
        ? this.#values(loop)
        : Array.from({ length: Number(textOf(at(loop, 'times') ?? loop)) }, (_, i) => i + 1);
    if (name !== null) {
      checkName(textOf(name), name.place);
      if (scope.has(textOf(name)))
        refuse(
          'SCENARIO_NAME_TAKEN',
          name.place,
          `the variable ${shown(textOf(name))} is defined already; expected another name`,
        );
    }
    return values.flatMap((value) => {
      this.#count(map.place);
      const inner = name === null ? scope : new Map([...scope, [textOf(name), value]]);
      return this.steps(itemsOf(at(loop, 'steps')), inner);
    });
  }

  #values(loop: Node): readonly Scalar[] {
    const each = at(loop, 'each');
    if (each === null) return [];
    const all =
      each.kind === 'list' ? each.items.map((item) => (item.kind === 'scalar' ? item.value : null)) : this.#group(each);
    const [from, first] = [at(loop, 'from'), at(loop, 'first')];
    const begin = from === null ? 0 : Number(textOf(from)) - 1;
    const end = first === null ? all.length : begin + Number(textOf(first));
    if (end > all.length || begin >= all.length)
      refuse(
        'SCENARIO_SHAPE',
        (first ?? from ?? each).place,
        `the loop reaches beyond the ${all.length} that there are`,
      );
    return all.slice(begin, end);
  }

  #group(each: Node): readonly Scalar[] {
    const { groups } = this.#around;
    return (
      groups.get(textOf(each)) ??
      refuse(
        'SCENARIO_NAME_UNKNOWN',
        each.place,
        `${shown(textOf(each))} is no crowd${suggestion(textOf(each), groups.keys())}`,
      )
    );
  }

  #included(map: MapNode, scope: Scope): PlainStep[] {
    const include = at(map, 'include');
    const target = include === null ? '' : pathBeside(include.place.file, textOf(include));
    const document = this.#around.files.get(target);
    // Where it is missing, whoever looked for it has said why.
    if (document === undefined) return [];
    const isGood = this.#judged.get(target) ?? judge(STEP_FILE, document, 'a file of steps', this.#problems);
    this.#judged.set(target, isGood);
    return isGood ? this.steps(itemsOf(at(document, 'steps')), scope) : [];
  }

  #count(place: Place): void {
    if (++this.#written > MAX_STEPS)
      refuse(
        'SCENARIO_LIMIT',
        place,
        `the story is too long; with its loops written out it has over ${MAX_STEPS} steps`,
      );
  }
}

/** The time of a loop is that of its first step. */
function startingAt(time: Node | null, steps: PlainStep[]): PlainStep[] {
  const [first, ...others] = steps;
  if (time === null || first === undefined || at(first.map, 'at') !== null) return steps;
  const entries = new Map([...entriesOf(first.map), ['at', { place: time.place, node: time }] as const]);
  return [{ ...first, map: { ...first.map, entries } }, ...others];
}
