/** Steps of a good shape, one after the other and side by side, as the player plays them. */
import type { Action, ExpectedEnding, Step } from '../../story.ts';
import { at, type Node, textOf } from '../node.ts';
import type { Problems } from '../problem.ts';
import type { PlainStep } from '../unroll.ts';
import { ACTIONS, runAction } from './actions.ts';
import { compileExpectations } from './expectations.ts';
import { outputOf } from './outputs.ts';
import { need, Reader } from './reader.ts';

/** How long an `expect` step tries, where the story does not say. */
const HOLDS_WITHIN_MS = 10_000;
const FINAL: ExpectedEnding = { kind: 'final' };
const NOTHING: Action = { type: 'say', text: [] };

/** Whatever means nothing is in `problems`, and the steps are good for nothing then. */
export function compileSteps(steps: readonly PlainStep[], reader: Reader, problems: Problems): readonly Step[] {
  return steps.map((step) => compileStep(step, reader, problems));
}

function compileStep(step: PlainStep, reader: Reader, problems: Problems): Step {
  const { word, map } = step;
  const read = <T>(key: string, reading: (node: Node) => T): T | null => {
    const node = at(map, key);
    return node === null ? null : problems.attempt(() => reading(node));
  };
  // What means nothing is told, and the others are read all the same: later steps may speak of this one.
  const atMs = read('at', (node) => reader.timeline.reach(textOf(node), node.place));
  const note = read('note', (node) => reader.text(node));
  const action = problems.attempt(() => actionOf(step, reader, problems)) ?? NOTHING;
  const expected = word === 'expect' ? null : read('expect', (node) => endingOf(node, reader));
  const as = read('as', (node) => reader.outputs.define(textOf(node), outputOf(word), node.place));
  return { place: map.place, action, atMs, as, note, expected: expected ?? FINAL };
}

function actionOf({ word, map, branches }: PlainStep, reader: Reader, problems: Problems): Action {
  const value = need(map, word);
  if (word === 'together') return { type: 'together', steps: sideBySide(branches, reader, problems) };
  if (word === 'run') {
    const { world, outputs, timeline } = reader;
    const here = new Reader(world, outputs.fork(), timeline.fork());
    return runAction(need(map, 'title'), value, (part) => world.stepOf(part, here));
  }
  if (word !== 'expect') return ACTIONS[word](value, reader);
  return {
    type: 'expect',
    expectations: compileExpectations(value, reader),
    withinMs: reader.duration(at(map, 'within'), HOLDS_WITHIN_MS),
  };
}

/** Branches know what was before them, and nothing of each other; whoever comes after knows all of them. */
function sideBySide(branches: PlainStep['branches'], reader: Reader, problems: Problems): readonly Step[] {
  const readers = branches.map(() => new Reader(reader.world, reader.outputs.fork(), reader.timeline.fork()));
  const steps = branches.flatMap((branch, i) => {
    const compiled = compileSteps(branch, readers[i] ?? reader, problems);
    const [first, second] = compiled;
    if (first === undefined || second === undefined) return compiled;
    const sequence: Action = { type: 'sequence', steps: compiled };
    return [{ place: first.place, action: sequence, atMs: null, as: null, note: null, expected: FINAL }];
  });
  reader.outputs.join(readers.map(({ outputs }) => outputs));
  reader.timeline.join(readers.map(({ timeline }) => timeline));
  return steps;
}

function endingOf(node: Node, reader: Reader): ExpectedEnding {
  const [kind, code] = textOf(node).split(' ');
  if (code !== undefined) return { kind: 'refused', code: reader.refusal(code, node.place) };
  return { kind: kind as Exclude<ExpectedEnding['kind'], 'refused'> };
}
