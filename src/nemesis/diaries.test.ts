/** What in a node's log is an alarm: errors and crashes; and what is not: half a line of a process that was killed. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { test } from 'tap';
import { homePaths } from '../cli/home.ts';
import type { LocalNode } from '../cli/local-network.ts';
import { Diaries } from './diaries.ts';

const INFO = '{"level":"info","event":"node.ready"}';
const WARN = '{"level":"warn","event":"node.blockRefused"}';

test('a log is read as it grows, and what is wrong in it is kept', async (t) => {
  const home = t.testdir();
  const nodes = [{ participant: 'aclb', home } as unknown as LocalNode];
  const write = (text: string) => appendFileSync(homePaths(home).log, text);
  mkdirSync(home, { recursive: true });
  const diaries = new Diaries();
  write(`${INFO}\n${WARN}\n{"level":"info","eve${WARN}\n{"level":"err`);
  await diaries.read(nodes);
  t.strictSame(diaries.alarms, []);
  t.strictSame(
    diaries.warnings,
    new Map([['node.blockRefused', 2]]),
    'also after half a line of a process that was killed',
  );
  write('or","event":"node.fatal"}\n');
  await diaries.read(nodes);
  await diaries.read(nodes);
  t.match(diaries.alarms, [{ participant: 'aclb', line: /node\.fatal/ }], 'each line is read once, when it is whole');
  write('AssertionError: a broken promise\n    at somewhere\n{"level":"warn","event":"node.evidence"}\n');
  await diaries.read(nodes);
  t.match(diaries.alarms, [{}, { line: /^AssertionError/ }, { line: /node\.evidence/ }]);
  t.equal(diaries.alarms.length, 3);
});
