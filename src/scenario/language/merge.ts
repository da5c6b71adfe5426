/** One story of its documents: what each defines is added to what the others do, and nothing may be defined twice. */
import { judge } from './check.ts';
import type { Library } from './includes.ts';
import { at, type Entry, entriesOf, type MapNode, Measure, type Node } from './node.ts';
import { type Problems, shown } from './problem.ts';
import { DOCUMENT } from './schema/document.ts';
import { type Scope, substitute } from './variables.ts';

/** Everything that stands above the steps, and the steps of all documents in order, not unrolled yet. */
export interface Merged {
  readonly title: Node | null;
  readonly about: Node | null;
  readonly network: MapNode | null;
  readonly people: MapNode | null;
  readonly crowds: MapNode | null;
  readonly steps: readonly Node[];
}

/** @returns null where a document has not the shape of one; then `problems` has why. */
export function mergeDocuments({ documents }: Library, scope: Scope, problems: Problems): Merged | null {
  const measure = new Measure();
  const filled = problems.each(documents, (document) => substitute(document, scope, measure, problems));
  const main = filled.at(-1);
  if (main?.kind !== 'map' || filled.length < documents.length) return null;
  const whole = { ...DOCUMENT, required: ['story', 'steps'] };
  // Not `every`: all documents are judged, so that all that is wrong is told.
  const verdicts = filled.map((document) =>
    judge(document === main ? whole : DOCUMENT, document, 'the story', problems),
  );
  if (verdicts.includes(false)) return null;
  return {
    title: at(main, 'story'),
    about: at(main, 'about'),
    network: section('network', filled, problems),
    people: section('people', filled, problems),
    crowds: section('crowds', filled, problems),
    steps: filled.flatMap((document) => {
      const steps = at(document, 'steps');
      return steps?.kind === 'list' ? steps.items : [];
    }),
  };
}

function section(name: string, documents: readonly Node[], problems: Problems): MapNode | null {
  const entries = new Map<string, Entry>();
  let first: Node | null = null;
  for (const document of documents) {
    const found = at(document, name);
    first ??= found;
    for (const [key, entry] of entriesOf(found)) {
      const earlier = entries.get(key)?.place;
      if (earlier)
        problems.add(
          'SCENARIO_NAME_TAKEN',
          entry.place,
          `${shown(key)} is defined in ${earlier.file}:${earlier.line}:${earlier.column} already; expected each once`,
        );
      else entries.set(key, entry);
    }
  }
  return first === null ? null : { kind: 'map', place: first.place, entries };
}
