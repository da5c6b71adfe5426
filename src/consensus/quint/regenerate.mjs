/**
 * Checks the specification with Quint's own simulator and writes the traces that `replay.test.ts` replays:
 * `npm run consensus:traces`. The seeds are fixed, so that the same specification gives the same file.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { printTraces, traceOfItf } from './testing.ts';

/** Actions of the specification that play the network, with steps and samples of each; every sample is kept. */
const MOODS = [
  { mood: 'step', steps: 150, samples: 30, seed: 1 },
  { mood: 'hasty', steps: 170, samples: 25, seed: 2 },
  { mood: 'beset', steps: 150, samples: 25, seed: 3 },
  { mood: 'clogging', steps: 200, samples: 20, seed: 4 },
  { mood: 'deserted', steps: 200, samples: 8, seed: 5 },
];

/** What chance rarely brings: the first sample in which it happened is kept, up to there. */
const WANTED = [{ mood: 'step', steps: 150, samples: 400, seed: 11, wanted: 'sawNewLock' }];

const INVARIANTS = ['agreement', 'validity', 'once', 'grounded', 'faithful', 'locks', 'settled'];
const WITNESSES = [
  'sawDecision',
  'sawLateDecision',
  'sawNewLock',
  'sawOldPolka',
  'sawRefusal',
  'sawSilence',
  'sawLastRounds',
];

const SPECIFICATION = path.join(import.meta.dirname, 'tendermint.qnt');
const folder = mkdtempSync(path.join(tmpdir(), 'traces-'));
try {
  const checked = MOODS.flatMap((run) => sample(run, INVARIANTS, 0, ['--witnesses', ...WITNESSES]));
  const searched = WANTED.flatMap((run) => sample(run, [`not(${run.wanted})`], 1, []));
  const traces = [...checked, ...searched, ...scenarios()];
  const inputs = traces.reduce((sum, { lines }) => sum + lines.length, 0);
  const bytes = gzipSync(printTraces(traces), { level: 9 });
  writeFileSync(path.join(import.meta.dirname, 'traces.txt.gz'), bytes);
  say(`${traces.length} traces, ${inputs} inputs, ${bytes.length} bytes`);
} finally {
  rmSync(folder, { recursive: true });
}

/** Runs Quint once; `status` is the exit code it must have: 1 where an invariant is meant to be broken. */
function sample({ mood, steps, samples, seed, wanted }, invariants, status, more) {
  say(`${mood}, ${samples} samples of ${steps} steps, seed ${seed}${wanted ? `, until ${wanted}` : ''}`);
  const files = path.join(folder, `${seed}`);
  const kept = wanted === undefined ? samples : 1;
  const options = {
    backend: 'typescript',
    step: mood,
    'max-steps': steps,
    'max-samples': samples,
    'n-traces': kept,
    seed,
    verbosity: wanted === undefined ? 1 : 0,
    'out-itf': `${files}-{seq}.itf.json`,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  quint(['run', SPECIFICATION, ...args, '--invariants', ...invariants, ...more], status);
  return taken(`${seed}-`, mood);
}

/** The scenarios of the specification, which are its tests too. */
function scenarios() {
  say('scenarios');
  const files = path.join(folder, 'scenario-{test}-{seq}.itf.json');
  quint(['test', SPECIFICATION, '--backend=typescript', '--max-samples=1', '--seed=1', `--out-itf=${files}`], 0);
  return taken('scenario-', 'scenario');
}

function quint(args, status) {
  const run = spawnSync('quint', args, { stdio: 'inherit' });
  if (run.error !== undefined) throw run.error;
  if (run.status !== status) throw new Error(`quint ended with ${run.status}, not ${status}`);
}

/** The traces that Quint just wrote under such names. */
function taken(prefix, name) {
  const names = readdirSync(folder).filter((file) => file.startsWith(prefix));
  return names.sort().map((file, index) => {
    const text = readFileSync(path.join(folder, file), 'utf8');
    rmSync(path.join(folder, file));
    return traceOfItf(text, `${name} ${index}`);
  });
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
