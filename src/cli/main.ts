/** The entry of the program: `node src/cli/main.ts`, `bin/tonle.js`, and every process that `tonle up` starts. */
import { enableCompileCache } from 'node:module';

/** How long whatever is left open may still work after the command has ended. */
const LINGER_MS = 250;

// Four nodes that start at once load the same thousand modules; the cache halves that after the first time.
enableCompileCache();

const { runCli } = await import('./program.ts');
const { stdin, stdout, stderr, env } = process;
process.exitCode = await runCli(process.argv.slice(2), { stdin, stdout, stderr, env });
setTimeout(() => process.exit(), LINGER_MS).unref();
