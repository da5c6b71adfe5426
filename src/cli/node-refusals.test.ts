/**
 * What `tonle node` says of a home that is not as it should be: one line, its exit code, and everything left as it was.
 * Real processes, through the program's own front door.
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Test, test } from 'tap';
import { createClient } from '../api/client.ts';
import { publicKeyOf } from '../crypto/ed25519.ts';
import { decodeKeyFile, encodeKeyFile } from '../crypto/keyfile.ts';
import { type ExitName, exitCode } from './exit-codes.ts';
import type { ReadyLine } from './node-process.ts';
import { digests, makeHome, Tonle, tonle } from './processes.suite.ts';
import { systemRandom } from './system.ts';

/** LevelDB writes to its own files whenever it is opened; it is, where only the logs tell that something is wrong. */
const HOUSEKEEPING = ['data/state', 'customers'];
const BLOCKS = 3;

/** A home that is refused. */
interface Refused {
  readonly what: string;
  readonly exit: ExitName;
  readonly says: RegExp;
  /** Changes a copy of the home. */
  readonly harm: (home: string) => void;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the folder has to be opened before it can be judged. */
  readonly opened?: boolean;
}

function refusals(other: string): readonly Refused[] {
  const at = (home: string, ...names: string[]) => path.join(home, ...names);
  const edit = (file: string, change: (text: string) => string) =>
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  const encrypted = (home: string) => {
    const file = at(home, 'keys', 'validator.json');
    const { seed, name, kind } = decodeKeyFile(readFileSync(file, 'utf8'), null);
    writeFileSync(file, encodeKeyFile(seed, { name, kind }, 'right', systemRandom, 2 ** 10));
  };
  return [
    { what: 'no home', exit: 'FOLDER_FOREIGN', says: /genesis\.json is missing/, harm: (home) => emptied(home) },
    {
      what: 'a genesis that does not parse',
      exit: 'GENESIS_INVALID',
      says: /genesis\.json: genesis: not JSON/,
      harm: (home) => edit(at(home, 'genesis.json'), (text) => text.slice(0, -20)),
    },
    {
      what: 'a genesis with a misspelt field',
      exit: 'GENESIS_INVALID',
      says: /genesis\.rules\.maxClockSkewMs: missing/,
      harm: (home) => edit(at(home, 'genesis.json'), (text) => text.replace('maxClockSkewMs', 'maxClockSkew')),
    },
    {
      what: 'a genesis with another rule than the blocks were made under',
      exit: 'FOLDER_FOREIGN',
      says: /blocks\.log/,
      harm: (home) => edit(at(home, 'genesis.json'), (text) => text.replace('600000', '600001')),
    },
    {
      what: 'the genesis of another network',
      exit: 'FOLDER_FOREIGN',
      says: /they are of two networks/,
      harm: (home) => cpSync(at(other, 'genesis.json'), at(home, 'genesis.json')),
    },
    {
      what: 'a participant that the genesis does not list',
      exit: 'FOLDER_FOREIGN',
      says: /is of cnb, whom .* does not list \(nbc\)/,
      harm: (home) => edit(at(home, 'node.json'), (text) => text.replace('"nbc"', '"cnb"')),
    },
    {
      what: 'settings with an unknown field',
      exit: 'GENESIS_INVALID',
      says: /node\.json: api\.prot: unknown field/,
      harm: (home) => edit(at(home, 'node.json'), (text) => text.replace('"port"', '"prot"')),
    },
    {
      what: 'the key of somebody else',
      exit: 'KEY_FILE',
      says: /validator\.json is not the validator key that the genesis lists for nbc/,
      harm: (home) => cpSync(at(other, 'keys', 'validator.json'), at(home, 'keys', 'validator.json')),
    },
    {
      what: 'a damaged key',
      exit: 'KEY_FILE',
      says: /operator\.json: .*KEY_FILE_MALFORMED/,
      harm: (home) => edit(at(home, 'keys', 'operator.json'), (text) => text.replace('"seed"', '"sead"')),
    },
    {
      what: 'a missing key',
      exit: 'KEY_FILE',
      says: /network\.json is missing.*KEY_FILE_MISSING/,
      harm: (home) => rmSync(at(home, 'keys', 'network.json')),
    },
    {
      what: 'a key that others can read',
      exit: 'KEY_FILE',
      says: /can be read by others \(mode 644\); run chmod 600/,
      harm: (home) => chmodSync(at(home, 'keys', 'validator.json'), 0o644),
    },
    {
      what: 'an encrypted key without a password',
      exit: 'KEY_FILE',
      says: /KEY_FILE_PASSWORD_NEEDED/,
      harm: encrypted,
    },
    {
      what: 'an encrypted key with a wrong password',
      exit: 'KEY_FILE',
      says: /validator\.json: The password is wrong/,
      harm: encrypted,
      env: { TONLE_PASSWORD: 'wrong' },
    },
    {
      what: 'a secret that is none',
      exit: 'KEY_FILE',
      says: /alias-secret does not hold 32 bytes/,
      harm: (home) => writeFileSync(at(home, 'alias-secret'), 'abc\n'),
    },
    {
      what: 'a lost record of what was signed',
      exit: 'DATA_CORRUPT',
      says: /no sign-state\.log.*SIGN_STATE_LOST/,
      harm: (home) => rmSync(at(home, 'data', 'sign-state.log')),
      opened: true,
    },
    {
      what: 'a block log with a flipped bit',
      exit: 'DATA_CORRUPT',
      says: /blocks\.log.*LOG_CORRUPT/,
      harm: (home) => {
        const file = at(home, 'data', 'blocks.log');
        const bytes = readFileSync(file);
        bytes[200] = (bytes[200] ?? 0) ^ 4;
        writeFileSync(file, bytes);
      },
      opened: true,
    },
    {
      what: 'a block log that is no block log',
      exit: 'DATA_CORRUPT',
      says: /blocks\.log.*LOG_FORMAT/,
      harm: (home) => writeFileSync(at(home, 'data', 'blocks.log'), 'x'.repeat(500)),
    },
    {
      what: 'a state that is ahead of its log',
      exit: 'DATA_CORRUPT',
      says: /STATE_AHEAD/,
      harm: (home) => rmSync(at(home, 'data', 'blocks.log')),
      opened: true,
    },
  ];
}

test('a home that is not as it should be is refused and left alone', async (t) => {
  const base = t.testdir();
  const [home, other] = await Promise.all([makeHome(base, 'one'), makeHome(base, 'other')]);
  await makeBlocks(t, home);
  const waiting = refusals(other).map((refused, i) => ({ ...refused, copy: path.join(base, `case-${i}`) }));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { what, exit, says, harm, env = {}, opened = false, copy } = next;
      cpSync(home, copy, { recursive: true });
      harm(copy);
      const before = digests(copy, opened ? HOUSEKEEPING : []);
      const { code, stdout, stderr } = await tonle(['node', '--home', copy], env);
      t.equal(code, exitCode(exit), `${what}: ${stderr}`);
      t.match(stderr, says, what);
      t.match(stderr, /^tonle: [^\n]+ \([A-Z_]+\)\n$/, `${what}: one line`);
      t.equal(stdout, '', what);
      const after = digests(copy, opened ? HOUSEKEEPING : []);
      const changed = [...before].filter(([name, digest]) => after.get(name) !== digest).map(([name]) => name);
      t.strictSame(changed, [], `${what}: nothing was overwritten`);
      if (!opened) t.strictSame([...after.keys()], [...before.keys()], `${what}: nothing was added`);
    }
  };
  await Promise.all([work(), work()]);
});

async function makeBlocks(t: Test, home: string): Promise<void> {
  const node = new Tonle(['node', '--home', home, '--json']);
  const { apiUrl, height } = await node.firstDocument<ReadyLine>();
  t.equal(height, 0);
  const token = readFileSync(path.join(home, 'operator-token'), 'utf8').trim();
  const { operator } = createClient(apiUrl, { token });
  for (let i = 0; i < BLOCKS; i++) {
    const publicKey = publicKeyOf(systemRandom.bytes(32));
    await operator.openAccount({ name: `wallet${i}`, publicKey, displayName: 'A customer', tier: 'full' });
  }
  node.kill('SIGTERM');
  const { code, stderr } = await node.ended;
  t.equal(code, 0, stderr);
}

function emptied(home: string): void {
  rmSync(home, { recursive: true });
  mkdirSync(home);
}
