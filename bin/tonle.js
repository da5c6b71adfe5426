#!/usr/bin/env node
// Starts the command line on a Node.js that can run it. Written for old runtimes: no TypeScript, no recent syntax.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as modules from 'node:module';
import { constants, homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const EX_UNAVAILABLE = 69;
const source = new URL('../src/cli/main.ts', import.meta.url);
const built = new URL('../dist/cli/main.js', import.meta.url);
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

const [major, minor] = process.versions.node.split('.').map(Number);
const isRecent = major > 22 || (major === 22 && minor >= 12);

if (process.channel) endWithParent();
if (isRecent) rememberCompiled();
if (isRecent && existsSync(source) && process.features.typescript) {
  await import(source.href);
} else if (isRecent && existsSync(built)) {
  await import(built.href);
} else if (isRecent) {
  refuse('is not built and this Node.js does not run TypeScript: run `npm run build`, or use Node.js 22.18 or newer.');
} else if (existsSync(pinned)) {
  handOver();
} else {
  refuse(`needs Node.js 22.12 or newer; this is ${process.version}. Install a newer one and try again.`);
}

/** Runs the same command on the pinned runtime and ends as it ends, by code or by signal. */
function handOver() {
  const child = spawn(pinned, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  child.on('error', (error) => refuse(`could not start ${pinned}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
  });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  // A terminal sends its interrupt to the child as well; a second one would cut an orderly stop short.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
}

/**
 * Loading a thousand modules from what V8 made of them last time takes half as long. Node's own place for that is one for all
 * users of the machine; what a process with keys runs must come from where nobody else writes. NODE_COMPILE_CACHE names
 * another place, NODE_DISABLE_COMPILE_CACHE=1 does without.
 */
function rememberCompiled() {
  modules.enableCompileCache(path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'tonle'));
}

/** Nothing passes the channel; it breaks when the process that handed over is gone, also where nothing could be caught. */
function endWithParent() {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

function refuse(reason) {
  console.error(`tonle ${reason}`);
  process.exitCode = EX_UNAVAILABLE;
}
