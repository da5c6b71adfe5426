/** Plants a mutant into this process: the text of one module is changed on its way from the disk to the compiler. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { CodedError } from '../../errors.ts';
import type { Mutant } from './mutant.ts';

/** A place in the source: what of a mutant the planting needs. */
export type Change = Pick<Mutant, 'name' | 'file' | 'find' | 'replace'>;

/** The folder that mutants' files are named from. */
const SOURCE = new URL('../../', import.meta.url);

/**
 * Modules loaded from now on have the mistake; one that is loaded already keeps its old text, so this comes first.
 *
 * @returns whether the module was loaded since, and so was changed.
 * @throws CodedError `MUTANT_STALE` where the text to replace does not stand in the file exactly once.
 */
export function plant(change: Change): { readonly applied: () => boolean } {
  const changed = mutated(change, readFileSync(urlOf(change), 'utf8'));
  let applied = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== urlOf(change).href) return loaded;
      applied = true;
      return { ...loaded, source: changed };
    },
  });
  return { applied: () => applied };
}

/** The text with the mistake in it. */
export function mutated({ name, file, find, replace }: Change, text: string): string {
  const parts = text.split(find);
  const [before, after] = parts;
  if (parts.length !== 2 || before === undefined || after === undefined) {
    const times = `${parts.length - 1} times`;
    throw new CodedError(
      'MUTANT_STALE',
      `${name}: its text stands in src/${file} ${times}, not once; adapt the mutant`,
    );
  }
  return before + replace + after;
}

/** The source of a mutant's file, for whoever checks the list. */
export function sourceOf(file: string): string {
  return readFileSync(urlOf({ file }), 'utf8');
}

function urlOf({ file }: Pick<Change, 'file'>): URL {
  return new URL(file, SOURCE);
}
