import t from 'tap';
import type { StepRecord } from '../../scenario/run.ts';
import { createOutput } from '../output.ts';
import { createDisplay } from './display.ts';

const CLEAR = '\r\u001b[2K';
const STEP: StepRecord = {
  number: '1',
  place: { file: 'a.yaml', line: 1, column: 1, path: 'steps[0]' },
  type: 'pay',
  title: 'dara pays sok 5 KHR',
  note: null,
  startedAtMs: 0,
  endedAtMs: 0,
  outcome: 'done',
  result: 'final',
};

function shown(stdout: { isTTY?: boolean; columns?: number }, json = false) {
  const written: string[] = [];
  const sink = { ...stdout, write: (text: string) => void written.push(text) };
  let nowMs = 0;
  const display = createDisplay({
    io: { stdin: process.stdin, stdout: sink, stderr: sink, env: {} },
    out: createOutput({ json, colour: false, stdout: sink, stderr: sink }),
    clock: { now: () => nowMs, schedule: () => () => undefined },
  });
  display.hear({ type: 'began', number: '1', title: STEP.title });
  for (const done of [1, 2]) {
    nowMs += 100;
    display.hear({ type: 'progress', done, of: 2, what: 'payment' });
    display.hear({ type: 'progress', done, of: 2, what: 'payment' });
  }
  display.hear({ type: 'ended', step: STEP });
  display.end();
  return written.join('');
}

t.test('a terminal sees what is going on in its last line, which is written over', async (t) => {
  t.equal(
    shown({ isTTY: true }),
    [
      `${CLEAR}         … dara pays sok 5 KHR`,
      `${CLEAR}         [############------------] 1 of 2 payments`,
      `${CLEAR}         [########################] 2 of 2 payments`,
      `${CLEAR}07:00    ✓ dara pays sok 5 KHR  final\n`,
    ].join(''),
  );
});

t.test('a line never wraps: it could not be written over', async (t) => {
  const lines = shown({ isTTY: true, columns: 20 }).split(CLEAR).slice(1, -1);
  t.ok(lines.length > 0 && lines.every((line) => line.length < 20), lines.join('|'));
});

t.test('a pipe sees the lines of steps, and a program nothing', async (t) => {
  t.equal(shown({}), '07:00    ✓ dara pays sok 5 KHR  final\n');
  t.equal(shown({ isTTY: true }, true), '');
});
