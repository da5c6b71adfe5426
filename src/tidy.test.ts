/** Style is a test: imports follow the table of `layers.ts`, the core stays pure, and nothing is skipped unseen. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { LayerRule } from './layers.ts';
import { layers, testsMayAlso, withoutAmbient } from './layers.ts';

interface SourceFile {
  /** Relative to the repository, with forward slashes: `src/codec/limits.ts`. */
  readonly name: string;
  readonly layer: string;
  /** Also of a suite, which tests share and no build has. */
  readonly isTest: boolean;
  readonly text: string;
  /** The text without its comments. */
  readonly code: string;
}

/** Files that may draw random numbers although their layer may not, each with its reason. */
const mayDrawRandom: ReadonlyMap<string, string> = new Map([]);

/** Files that may switch off a length rule (70 lines a function, 400 a file), each with its reason. Only ever shorter. */
const mayBeLong: ReadonlyMap<string, string> = new Map([]);

/** Files that may reach the world although their layer may not, each with its reason. */
const mayBeAmbient: ReadonlyMap<string, string> = new Map([
  ['src/crypto/verifier.ts', 'gathers what one turn of the event loop asks its threads'],
  ['src/simulator/main.ts', 'the command itself: it reads arguments, and prints'],
  ['src/simulator/turn.ts', 'lends a simulation that is run as a command its turns'],
]);

const ambient = [
  /(?<![\w$#.])(?:process|console|performance|globalThis)\s*[.[]/,
  /(?<![\w$#.])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/,
  /(?<![\w$#.])Date\s*(?:\.\s*now\b|\(\s*\))/,
];
const chance = /\bMath\s*\.\s*random\b|\b(?:getRandomValues|random(?:Bytes|Fill|FillSync|Int|UUID|SecretKey)|keygen)\b/;
/** Static imports at the start of a line; dynamic ones anywhere, and `import(computed)` counts as an import of ''. */
const importing =
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)|^\s*import\s*['"]([^'"]+)|\bimport\s*\(\s*(?:['"]([^'"]+))?/gm;
const notRun = /\.(?:only|skip|todo)\s*\(|\b(?:only|skip|todo)\s*:\s*(?:true\b|['"`])/;
const lengthRuleOff = /biome-ignore\S*\s+lint\/\w+\/noExcessiveLines/;

const root = path.dirname(import.meta.dirname);
const files = ['src', 'bench'].flatMap(readFolder);
const sources = files.filter((file) => file.name.startsWith('src/'));

t.test('the scan sees this file and its imports', async (t) => {
  const self = sources.find((file) => file.name === 'src/tidy.test.ts');
  t.ok(self);
  t.match(importsOf(self!), ['node:fs', 'node:path', 'tap', './layers.ts']);
});

t.test('the import table has no cycle', async (t) => {
  const above = new Set<string>();
  for (const [layer, rule] of layers) {
    const unknown = rule.mayImport.filter((other) => !above.has(other));
    t.strictSame(unknown, [], `${layer} imports only layers that stand above it`);
    above.add(layer);
  }
});

t.test('every file belongs to a layer', async (t) => {
  const lost = sources.filter((file) => !layers.has(file.layer)).map((file) => file.name);
  t.strictSame(lost, []);
});

t.test('imports follow the table', async (t) => {
  const broken = sources.flatMap((file) => importsOf(file).flatMap((specifier) => forbiddenImport(file, specifier)));
  t.strictSame(broken, []);
});

t.test('the core reads no clock, chance, timer, console or process', async (t) => {
  const inside = sources.filter((file) => !file.isTest && withoutAmbient.has(file.layer));
  const broken = inside.flatMap((file) => [
    ...(mayBeAmbient.has(file.name) ? [] : ambient.flatMap((pattern) => finds(file, pattern))),
    ...(mayDrawRandom.has(file.name) ? [] : finds(file, chance)),
  ]);
  t.strictSame(broken, []);
});

t.test('no test is focused, skipped or put off', async (t) => {
  const broken = files.filter((file) => file.isTest).flatMap((file) => finds(file, notRun));
  t.strictSame(broken, []);
});

t.test('long files and functions are on the list', async (t) => {
  const long = files.filter((file) => !file.isTest && lengthRuleOff.test(file.text));
  t.strictSame(
    long.map((file) => file.name),
    [...mayBeLong.keys()].sort(),
  );
});

/** One sentence if `file` may not import `specifier`, else nothing. */
function forbiddenImport(file: SourceFile, specifier: string): readonly string[] {
  const rule = layers.get(file.layer);
  if (!rule) return [];
  const allowed = file.isTest ? [rule, testsMayAlso] : [rule];
  if (!specifier.startsWith('.')) {
    return allowed.some((each) => mayUsePackage(each, specifier)) ? [] : [`${file.name} imports ${specifier}`];
  }
  const target = layerOf(path.posix.join(path.posix.dirname(file.name), specifier));
  const ok = target === file.layer || allowed.some((each) => each.mayImport.includes(target));
  return ok ? [] : [`${file.name} (${file.layer}) imports ${specifier} (${target})`];
}

function mayUsePackage(rule: LayerRule, specifier: string): boolean {
  return rule.packages.some((allowed) =>
    allowed.endsWith('*')
      ? specifier.startsWith(allowed.slice(0, -1))
      : specifier === allowed || specifier.startsWith(`${allowed}/`),
  );
}

function importsOf(file: SourceFile): readonly string[] {
  return [...file.code.matchAll(importing)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** `src/a.ts:12: text` of each line that matches. */
function finds(file: SourceFile, pattern: RegExp): readonly string[] {
  return file.code
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${file.name}:${index + 1}: ${line.trim()}`] : []));
}

function readFolder(folder: string): readonly SourceFile[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map(readSource);
}

function readSource(name: string): SourceFile {
  const text = readFileSync(path.join(root, name), 'utf8');
  return { name, layer: layerOf(name), isTest: /\.(?:test|suite)\.ts$/.test(name), text, code: withoutComments(text) };
}

/** `src/codec/limits.ts` is in `codec`, `src/ports.ts` and `src/ports.test.ts` in `ports`. */
function layerOf(name: string): string {
  const [, first = '', second = ''] = name.split('/');
  const within = `${first}/${second}`;
  return layers.has(within) ? within : first.replace(/(?:\.test)?\.ts$/, '');
}

/** Blanks comments and keeps line numbers; a string that looks like a comment stays. */
function withoutComments(text: string): string {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found));
}
