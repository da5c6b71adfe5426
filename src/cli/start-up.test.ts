/** What the start of a node loads and leaves behind: four that start at once on two cores are as slow as what they load. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { makeHome, Tonle, until } from './processes.suite.ts';

/** Every process names each module that it loads. */
const TELLING = `
  import { registerHooks } from 'node:module';
  const load = (url, context, next) => (process.stderr.write('loads ' + url + '\\n'), next(url, context));
  registerHooks({ load });`;

/** What no node needs before somebody asks for it, or ever. */
const LATER = ['libphonenumber-js', '@fastify/swagger', 'yaml', 'cli/wallet', 'cli/demo', 'cli/init', 'cli/up-process'];

t.test('a node loads what it runs on, and keeps it compiled although it is killed', async (t) => {
  const cache = path.join(t.testdir(), 'cache');
  const home = await makeHome(t.testdirName, 'one');
  const env = {
    XDG_CACHE_HOME: cache,
    NODE_COMPILE_CACHE: undefined,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(TELLING)}`,
  };
  const node = new Tonle(['--json', 'node', '--home', home, '--log-level', 'silent'], env);
  try {
    await node.firstDocument();
    const loaded = [...node.stderr.matchAll(/^loads (.+)$/gm)].map((match) => match[1] ?? '');
    const has = (part: string) => loaded.some((url) => url.includes(part));
    t.ok(has('/cli/run-node.') && has('/node_modules/libp2p/'));
    for (const part of LATER) t.notOk(has(`/${part}`), part);
    await until('the compiled modules are on disk while the node runs', () => compiledIn(cache) > loaded.length / 2);
  } finally {
    // Not in a teardown: the folder is removed before those, while the node still writes there.
    node.kill('SIGKILL');
    await node.ended;
  }
});

/** Files that V8 made. They are renamed all the time while they are written, so nothing but their names is asked for. */
function compiledIn(cache: string): number {
  const folder = path.join(cache, 'tonle');
  if (!existsSync(folder)) return 0;
  const names = readdirSync(folder).flatMap((version) => readdirSync(path.join(folder, version)));
  return names.filter((name) => !name.includes('.')).length;
}
