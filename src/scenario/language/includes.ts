/**
 * A story in several files. Reads each file once, follows `include` at the top of documents and among steps, and refuses
 * what leads back to itself. What is read comes through a port.
 */
import path from 'node:path';
import type { Place } from '../story.ts';
import { MAX_FILES } from './limits.ts';
import { at, itemsOf, type MapNode, type Node } from './node.ts';
import { type Problems, shown } from './problem.ts';
import { readYaml, startOf } from './yaml.ts';

export interface Ports {
  /** @throws anything where the file cannot be read; the sentence is shown. */
  readText(path: string): Promise<string>;
}

/** All files of a story. */
export interface Library {
  /** The documents to merge: each once, what is included before what includes it. */
  readonly documents: readonly MapNode[];
  /** By path, those of which steps are included. */
  readonly files: ReadonlyMap<string, MapNode>;
}

/** The path of a file that another one names. */
export function pathBeside(file: string, relative: string): string {
  return path.posix.join(path.posix.dirname(file), relative);
}

/** @param main the tree of the story's own file. */
export async function readLibrary(main: Node, file: string, ports: Ports, problems: Problems): Promise<Library> {
  const librarian = new Librarian(ports, problems);
  await librarian.follow(main, file, [file]);
  return { documents: librarian.documents, files: librarian.files };
}

class Librarian {
  readonly documents: MapNode[] = [];
  readonly files = new Map<string, MapNode>();
  readonly #ports: Ports;
  readonly #problems: Problems;
  readonly #merged = new Set<string>();

  constructor(ports: Ports, problems: Problems) {
    this.#ports = ports;
    this.#problems = problems;
  }

  /** @param trail the files that lead here, this one last. */
  async follow(document: Node, file: string, trail: readonly string[]): Promise<void> {
    if (document.kind !== 'map') {
      this.#problems.add(
        'SCENARIO_SHAPE',
        document.place,
        'this is no story; expected a mapping with `story` and `steps`',
      );
      return;
    }
    this.#merged.add(file);
    for (const include of itemsOf(at(document, 'include'))) {
      const found = await this.#open(include, file, trail);
      if (found !== null && !this.#merged.has(found.path))
        await this.follow(found.document, found.path, [...trail, found.path]);
    }
    await this.#followSteps(at(document, 'steps'), file, trail);
    this.documents.push(document);
  }

  /** Reads what steps include, however deep in loops. */
  async #followSteps(steps: Node | null, file: string, trail: readonly string[]): Promise<void> {
    for (const step of itemsOf(steps)) {
      for (const inner of [at(step, 'repeat', 'steps'), at(step, 'for', 'steps'), at(step, 'together')]) {
        if (inner?.kind === 'list') await this.#followSteps(inner, file, trail);
      }
      const include = at(step, 'include');
      if (include === null) continue;
      const found = await this.#open(include, file, trail);
      if (found !== null) await this.#followSteps(at(found.document, 'steps'), found.path, [...trail, found.path]);
    }
  }

  async #open(
    include: Node,
    file: string,
    trail: readonly string[],
  ): Promise<{ path: string; document: MapNode } | null> {
    const refused = (message: string) => {
      this.#problems.add('SCENARIO_INCLUDE', include.place, message);
      return null;
    };
    // What is no text is for the shape to refuse.
    if (include.kind !== 'scalar' || typeof include.value !== 'string') return null;
    const name = include.value;
    if (name.includes('${'))
      return refused('a file that is included has no variables in its name; expected its plain path');
    if (path.posix.isAbsolute(name))
      return refused(`${shown(name)} is an absolute path; expected one beside this file`);
    const target = pathBeside(file, name);
    if (trail.includes(target))
      return refused(`${shown(name)} leads back to itself: ${[...trail, target].join(' > ')}`);
    const known = this.files.get(target);
    if (known) return { path: target, document: known };
    if (this.files.size >= MAX_FILES) return refused(`a story has at most ${MAX_FILES} files`);
    const document = await readFile(target, include.place, this.#ports, this.#problems);
    if (document === null) return null;
    if (document.kind !== 'map') return refused(`${shown(name)} holds no story; expected a mapping`);
    this.files.set(target, document);
    return { path: target, document };
  }
}

/** @param place what asks for it. */
export async function readFile(
  file: string,
  place: Place | null,
  { readText }: Ports,
  problems: Problems,
): Promise<Node | null> {
  try {
    return readYaml(await readText(file), file, problems);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.add('SCENARIO_FILE', place ?? startOf(file), `cannot read ${shown(file)}: ${reason}`);
    return null;
  }
}
