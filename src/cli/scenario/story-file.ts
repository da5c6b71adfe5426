/**
 * A story's file: YAML is read as text, TypeScript and JavaScript are run as the programs they are; what they export by default
 * is the story, in the same shape.
 */
import { readFile, stat } from 'node:fs/promises';
import * as modules from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Compiled, compileStory, type Reading, readStory } from '../../scenario/language/compile.ts';
import { MAX_FILE_CHARS } from '../../scenario/language/limits.ts';
import { type Problem, showProblem } from '../../scenario/language/problem.ts';

/** What may be otherwise than in the file. */
export type Changes = Pick<Reading, 'set' | 'seed'>;

/** A character of UTF-8 has at most so many bytes. */
const MAX_FILE_BYTES = 4 * MAX_FILE_CHARS;

/** @returns the story, or all that is wrong with it. */
export async function readStoryFile(file: string, changes: Changes = {}): Promise<Compiled> {
  const reading = { readText, ...changes };
  switch (path.extname(file)) {
    case '.yaml':
    case '.yml':
      return await readStory(file, reading);
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
      return await readProgram(file, reading);
    default:
      return unreadable(file, 'it is no story by its name; expected .yaml, .yml, .ts, .js or .mjs');
  }
}

/** `launch-day.yaml:12:9: what is wrong (SCENARIO_AMOUNT)`. */
export function problemLine(problem: Problem): string {
  return `${showProblem(problem)} (${problem.code})`;
}

async function readText(file: string): Promise<string> {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT' ? new Error('there is no such file', { cause }) : cause;
  });
  // A pipe or a device may never end.
  if (!found.isFile()) throw new Error('it is no file');
  if (found.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
  return await readFile(file, 'utf8');
}

async function readProgram(file: string, reading: Reading): Promise<Compiled> {
  importsOfThisProgram();
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await import(pathToFileURL(path.resolve(file)).href);
  } catch (error) {
    return unreadable(file, error instanceof Error ? error.message : String(error));
  }
  if ('default' in exported) return await compileStory(exported['default'], { ...reading, file });
  return unreadable(file, 'it exports no story; expected `export default scenario({ … })`');
}

let isHooked = false;

/** A story may stand anywhere: its `import … from 'tonle'` is the program that plays it, installed beside it or not. */
function importsOfThisProgram(): void {
  if (isHooked || modules.registerHooks === undefined) return;
  isHooked = true;
  const extension = path.extname(import.meta.url);
  const { href } = new URL(`../../scenario/index${extension}`, import.meta.url);
  modules.registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'tonle' ? { url: href, shortCircuit: true } : next(specifier, context),
  });
}

function unreadable(file: string, reason: string): Compiled {
  const place = { file, line: 0, column: 0, path: 'story' };
  return { story: null, problems: [{ code: 'SCENARIO_FILE', place, message: reason.split('\n', 1)[0] ?? '' }] };
}
