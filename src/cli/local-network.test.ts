/** `network.json`: written whole, found again, and never confused with anything else. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import type { ChainId, ParticipantId } from '../types/index.ts';
import {
  findLocalNetwork,
  type LocalNetwork,
  markLocalNetwork,
  readLocalNetwork,
  writeLocalNetwork,
} from './local-network.ts';

function networkIn(data: string): LocalNetwork {
  return {
    chainId: 'ab'.repeat(32) as ChainId,
    furnished: true,
    nodes: [
      {
        participant: 'nbc' as ParticipantId,
        name: 'National Bank of Cambodia',
        kind: 'centralBank',
        home: path.join(data, 'homes', 'nbc'),
        apiUrl: 'http://127.0.0.1:7400',
        p2pAddress: '/ip4/127.0.0.1/tcp/12345',
        pid: 17,
      },
    ],
  };
}

test('what was written is read, from wherever the folder is moved to', async (t) => {
  const base = t.testdir();
  const data = path.join(base, 'a');
  await markLocalNetwork(data);
  await writeLocalNetwork(data, networkIn(data));
  t.strictSame(await readLocalNetwork(data), networkIn(data));
  renameSync(data, path.join(base, 'b'));
  t.strictSame(await readLocalNetwork(path.join(base, 'b')), networkIn(path.join(base, 'b')));
  t.notMatch(readFileSync(path.join(base, 'b', 'network.json'), 'utf8'), base, 'no absolute path in it');
});

test('no network, half a network, and something else are told apart', async (t) => {
  const base = t.testdir({ other: { 'network.json': '{"format": "another"}' }, torn: { 'network.json': '{"for' } });
  const none = path.join(base, 'none');
  t.equal(await findLocalNetwork(none), null);
  await t.rejects(readLocalNetwork(none), { code: 'NO_NETWORK', message: /tonle up/ });
  await markLocalNetwork(path.join(base, 'half'));
  t.equal(await findLocalNetwork(path.join(base, 'half')), 'unfinished');
  await t.rejects(readLocalNetwork(path.join(base, 'half')), { code: 'NO_NETWORK' });
  mkdirSync(path.join(base, 'folder', 'network.json'), { recursive: true });
  writeFileSync(path.join(base, 'file'), '');
  for (const name of ['other', 'torn', 'folder', 'file']) {
    await t.rejects(findLocalNetwork(path.join(base, name)), { code: 'NOT_A_LOCAL_NETWORK' }, name);
  }
});
