/** The command line on a Node.js that can run it; `bin/tonle.js` is the way in, also for every process that `tonle up` starts. */
import { runCli } from './program.ts';

/** How long whatever is left open may still work after the command has ended. */
const LINGER_MS = 250;

const { stdin, stdout, stderr, env } = process;
process.exitCode = await runCli(process.argv.slice(2), { stdin, stdout, stderr, env });
setTimeout(() => process.exit(), LINGER_MS).unref();
