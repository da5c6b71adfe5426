/**
 * From an author's text, or object, to a story that can be played, or to all that is wrong with it.
 *
 *   text ─yaml─▶ tree ─includes─▶ library ─variables, merge─▶ one document ─unroll─▶ plain steps ─compile/─▶ story
 *
 * What is wrong with shapes is told first; meaning is looked at when every shape is good, since a name that is missing for a
 * misspelt key would only hide the misspelling.
 */
import { CodedError } from '../../errors.ts';
import type { Step, Story } from '../story.ts';
import { compileNetwork } from './compile/network.ts';
import { Outputs } from './compile/outputs.ts';
import { compilePeople, looksLikePhone, readPhone, withPhones } from './compile/people.ts';
import { Reader, type World } from './compile/reader.ts';
import { compileSteps } from './compile/steps.ts';
import { Timeline } from './compile/times.ts';
import { type Ports, readFile, readLibrary } from './includes.ts';
import { mergeDocuments } from './merge.ts';
import { entriesOf, Measure, type Node, nodeOf, textOf } from './node.ts';
import { type Problem, Problems, showProblem } from './problem.ts';
import { type PlainStep, unroll } from './unroll.ts';
import { type Scope, variablesOf } from './variables.ts';
import { startOf } from './yaml.ts';

/** How a story is read: where its files come from, and what is to be otherwise than in them. */
export interface Reading extends Ports {
  /** Other values of the story's variables. */
  readonly set?: Readonly<Record<string, string>>;
  /** Another seed than the story's. */
  readonly seed?: number | null;
}

/** A story, or what is wrong: never both, and always one. */
export type Compiled =
  | { readonly story: Story; readonly problems: null }
  | { readonly story: null; readonly problems: readonly Problem[] };

/** Reads a story in YAML. Whatever the text, it answers. */
export async function readStory(file: string, reading: Reading): Promise<Compiled> {
  const problems = new Problems();
  const main = await readFile(file, null, reading, problems);
  return main === null ? { story: null, problems: problems.list } : compileTree(main, file, reading, problems);
}

/** Reads a story that is an object, of `file`: for messages, and for what it includes. */
export function compileStory(document: unknown, reading: Reading & { readonly file: string }): Promise<Compiled> {
  const problems = new Problems();
  const main = problems.attempt(() => nodeOf(document, reading.file));
  if (main === null) return Promise.resolve({ story: null, problems: problems.list });
  return compileTree(main, reading.file, reading, problems);
}

async function compileTree(main: Node, file: string, reading: Reading, problems: Problems): Promise<Compiled> {
  const library = await readLibrary(main, file, reading, problems);
  // A story whose files are not all there, or go round in a circle, is not looked at further.
  if (!problems.isEmpty) return { story: null, problems: problems.list };
  const story = problems.attempt(() => {
    const scope = variablesOf(library.documents, reading.set ?? {}, problems);
    const merged = mergeDocuments(library, scope, problems);
    if (merged === null) return null;
    const network = compileNetwork(merged.network, reading.seed ?? null, problems);
    const cast = compilePeople(merged.people, merged.crowds, network, problems);
    const banks = network.members.map(({ id }) => id);
    const names = (accounts: readonly string[]) => accounts.map((account) => account.slice(0, account.indexOf('@')));
    const groups = new Map([
      ['banks', banks],
      ...[...cast.crowds].map(([name, accounts]) => [name, names(accounts)] as const),
    ] as const);
    const plainSteps = unroll(merged.steps, scope, { files: library.files, groups }, problems);
    if (!problems.isEmpty) return null;
    const people = withPhones(cast, phonesIn(plainSteps, scope, cast.people), network.seed);
    const world: World = {
      banks: new Set(banks),
      currencies: new Map(network.currencies.map((currency) => [currency.code, currency])),
      tiers: new Set(network.tiers.map(({ name }) => name)),
      byName: cast.byName,
      crowds: cast.crowds,
      phones: new Map(people.flatMap(({ account, phone }) => (phone === null ? [] : [[account, phone]]))),
      measure: new Measure(),
      stepOf: (part, at) => {
        const found = new Problems();
        const node = found.attempt(() => nodeOf(part, file));
        const plain = node === null ? [] : unroll([node], scope, { files: library.files, groups }, found);
        const [step, ...others] = found.isEmpty ? compileSteps(plain, at, found) : [];
        const [problem] = found.list;
        if (problem !== undefined) throw new CodedError(problem.code, showProblem(problem));
        if (step !== undefined && others.length === 0) return step;
        throw new CodedError('SCENARIO_STEP', `${file}: a program plays one step at a time; loops are its own`);
      },
    };
    const reader = new Reader(world, new Outputs((field) => isHolding(field, world)), new Timeline(network.startsAtMs));
    const steps = compileSteps(plainSteps, reader, problems);
    const [title, about] = [textOf(merged.title ?? main), merged.about === null ? '' : textOf(merged.about)];
    return { title, about, file, network, people, crowds: cast.crowds, steps, needs: needsOf(steps) };
  });
  if (story !== null && problems.isEmpty) return { story, problems: null };
  return { story: null, problems: problems.list };
}

/** `dara.KHR`, `bank aclb.USD`: what a `remember` step has. */
function isHolding(field: string, { banks, byName, currencies }: World): boolean {
  const end = field.lastIndexOf('.');
  const name = field.slice(0, end);
  const isHolder = byName.has(name) || (name.startsWith('bank ') && banks.has(name.slice('bank '.length)));
  return end > 0 && isHolder && currencies.has(field.slice(end + 1));
}

/** Every number that the story speaks of, so that none of them is invented for somebody in a crowd. */
function phonesIn(
  steps: readonly PlainStep[],
  scope: Scope,
  people: readonly { readonly phone: string | null }[],
): ReadonlySet<string> {
  const found = new Set<string>(people.flatMap(({ phone }) => (phone === null ? [] : [phone])));
  const look = (text: string) => {
    const phone = looksLikePhone(text) ? new Problems().attempt(() => readPhone(text, startOf(''))) : null;
    if (phone !== null) found.add(phone);
  };
  const walk = (node: Node): void => {
    if (node.kind === 'scalar') look(textOf(node));
    if (node.kind === 'list') node.items.forEach(walk);
    for (const [key, entry] of entriesOf(node)) {
      look(key);
      walk(entry.node);
    }
  };
  const walkStep = ({ map, branches }: PlainStep): void => {
    walk(map);
    branches.flat().forEach(walkStep);
  };
  steps.forEach(walkStep);
  for (const value of scope.values()) look(String(value));
  return found;
}

/** What it takes that not every engine has. */
function needsOf(steps: readonly Step[]): Story['needs'] {
  const all = flattened(steps);
  const claim = all.findIndex(({ action }) => action.type === 'alias' && action.deed === 'claim');
  // A claim falls due by the ledger's clock, so time that passes after it must pass there.
  const waits =
    claim >= 0 && all.slice(claim).some(({ action, atMs }, i) => action.type === 'wait' || (i > 0 && atMs !== null));
  return [
    ...(all.some(({ action }) => action.type === 'byzantine') ? (['byzantine'] as const) : []),
    ...(waits ? (['timeTravel'] as const) : []),
  ];
}

function flattened(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => {
    const { action } = step;
    return action.type === 'together' || action.type === 'sequence' ? [step, ...flattened(action.steps)] : [step];
  });
}
