/** Homes and keys on disk: readable by their owner only, never overwritten, asked for a password only where it takes one. */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { encodeKeyFile } from '../crypto/keyfile.ts';
import { defaultMembers } from '../types/defaults.ts';
import { createHome, homePaths, readHome, readKey, readSecret, writeNew } from './home.ts';
import { makeNetwork } from './make-network.ts';
import { parseNodeConfig } from './node-config.ts';
import { systemClock, systemRandom } from './system.ts';

const nobody = () => Promise.reject(new Error('no password is needed here'));

function newNetwork(count: number, password: string | null = null) {
  const members = defaultMembers(count).map((member, i) => {
    const address = `/ip4/127.0.0.1/tcp/${20_000 + i}`;
    return { ...member, address, listen: address, apiHost: '127.0.0.1', apiPort: 0 };
  });
  const plan = { network: 'test', members, officers: 2, quorum: 2, password, clock: systemClock, random: systemRandom };
  return makeNetwork(plan);
}

test('a home is made for its owner only and read back whole', async (t) => {
  const { genesis, homes } = newNetwork(5);
  t.equal(genesis.participants.at(-1)!.id, 'bank05');
  const base = t.testdir();
  for (const [id, content] of homes) await createHome(path.join(base, id), content);
  const secrets = new Set<string>();
  for (const { id } of genesis.participants) {
    const home = await readHome(path.join(base, id), nobody);
    t.strictSame(home.genesis, genesis);
    t.equal(home.participant.id, id);
    t.equal(home.config.p2p.peers.length, 4);
    t.notOk(home.config.p2p.peers.some((peer) => peer.participant === id));
    secrets.add(Buffer.from(home.aliasSecret).toString('hex'));
  }
  t.equal(secrets.size, 1, 'the alias secret is shared');
  t.equal(new Set([...homes.values()].map((content) => content.operatorToken)).size, 5, 'tokens are not');
  t.ok(readdirSync(path.join(base, 'nbc', 'keys')).includes('officer-2.json'));
  t.notOk(readdirSync(path.join(base, 'aclb', 'keys')).some((name) => name.startsWith('officer')));
  for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
    const { mode } = statSync(path.join(entry.parentPath, entry.name));
    t.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
});

test('nothing is overwritten', async (t) => {
  const { homes } = newNetwork(1);
  const folder = path.join(t.testdir({ home: { 'a.txt': 'mine' } }), 'home');
  await t.rejects(createHome(folder, [...homes.values()][0]!), { code: 'FOLDER_NOT_EMPTY' });
  await t.rejects(writeNew(path.join(folder, 'a.txt'), 'yours'), { code: 'FOLDER_NOT_EMPTY' });
  t.equal(readFileSync(path.join(folder, 'a.txt'), 'utf8'), 'mine');
  t.strictSame(readdirSync(folder), ['a.txt']);
});

test('an encrypted key takes its password, another does not', async (t) => {
  const base = t.testdir();
  const file = path.join(base, 'key.json');
  const seed = systemRandom.bytes(32);
  const label = { name: 'dara@aclb', kind: 'wallet' } as const;
  await writeNew(file, encodeKeyFile(seed, label, 'secret', systemRandom, 2 ** 10));
  const asked: string[] = [];
  const says = (password: string) => (what: string) => {
    asked.push(what);
    return Promise.resolve(password);
  };
  t.match(await readKey(file, says('secret')), { ...label, encrypted: true, seed });
  await t.rejects(readKey(file, says('guess')), { code: 'KEY_FILE_PASSWORD', message: file });
  t.strictSame(asked, [file, file]);
  const plain = path.join(base, 'plain.json');
  await writeNew(plain, encodeKeyFile(seed, label, null, systemRandom));
  t.match(await readKey(plain, nobody), { encrypted: false });
  for (const mode of [0o640, 0o604, 0o620, 0o777]) {
    chmodSync(plain, mode);
    await t.rejects(readKey(plain, nobody), { code: 'KEY_FILE_READABLE' }, mode.toString(8));
  }
  await t.rejects(readKey(path.join(base, 'none.json'), nobody), { code: 'KEY_FILE_MISSING' });
  await t.rejects(readKey(base, nobody), { code: 'KEY_FILE_MISSING' });
});

test('a secret is 32 bytes of hex', async (t) => {
  const file = path.join(t.testdir(), 'alias-secret');
  await writeNew(file, `${'ab'.repeat(32)}\n`);
  t.equal(await readSecret(file), 'ab'.repeat(32));
  for (const text of ['', 'ab'.repeat(31), 'AB'.repeat(32), 'zz'.repeat(32)]) {
    writeFileSync(file, text);
    await t.rejects(readSecret(file), { code: 'SECRET_MALFORMED' }, text.slice(0, 8));
  }
});

test('settings are read strictly', async (t) => {
  const good = {
    version: 1,
    participant: 'aclb',
    p2p: { listen: ['/ip4/0.0.0.0/tcp/7300'], peers: [{ participant: 'nbc', address: '/dns4/nbc.example/tcp/7300' }] },
    api: { host: '127.0.0.1', port: 0 },
  };
  t.strictSame(parseNodeConfig(JSON.stringify(good), 'node.json'), good);
  const cases: readonly (readonly [change: object, says: RegExp])[] = [
    [{ version: 2 }, /version: expected 1/],
    [{ participant: 'ACLB' }, /participant: expected 2 to 12/],
    [{ participant: undefined }, /participant: missing/],
    [{ more: 1 }, /more: unknown field/],
    [{ p2p: [] }, /p2p: expected an object/],
    [{ p2p: { listen: [], peers: [] } }, /p2p\.listen: expected at least one address/],
    [{ p2p: { listen: [7300], peers: [] } }, /p2p\.listen\.0: expected text/],
    [{ p2p: { listen: ['x'], peers: [{ participant: 'nbc' }] } }, /p2p\.peers\.0\.address: missing/],
    [{ p2p: { listen: ['x'], peers: new Array(65).fill({}) } }, /p2p\.peers: expected a list of at most 64/],
    [{ api: { host: '127.0.0.1', port: 65_536 } }, /api\.port: expected 0 to 65535/],
    [{ api: { host: '127.0.0.1', port: '80' } }, /api\.port/],
    [{ api: { host: '', port: 80 } }, /api\.host: expected text/],
  ];
  for (const [change, says] of cases) {
    const text = JSON.stringify({ ...good, ...change });
    t.throws(() => parseNodeConfig(text, 'node.json'), { code: 'NODE_CONFIG_INVALID', message: says }, text);
  }
  t.throws(() => parseNodeConfig('{', 'node.json'), { code: 'NODE_CONFIG_INVALID', message: /^node\.json: not JSON/ });
  t.equal(homePaths('/a').key('officer-1'), path.resolve('/a/keys/officer-1.json'));
});
