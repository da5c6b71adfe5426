/** Files that people may have edited, against hostile text: settings of a node, wallets, the list of a local network. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { encodeKeyFile } from '../crypto/keyfile.ts';
import { fuzzRuns, hostileJson, hostileText, readerProblem, refusalProblem } from '../testing/fuzz.ts';
import type { ParticipantId } from '../types/index.ts';
import { findLocalNetwork, markLocalNetwork } from './local-network.ts';
import { type NodeConfig, nodeConfigToJson, parseNodeConfig } from './node-config.ts';
import { listWallets } from './wallet-files.ts';

const config: NodeConfig = {
  version: 1,
  participant: 'aclb' as ParticipantId,
  p2p: {
    listen: ['/ip4/127.0.0.1/tcp/7001'],
    peers: [{ participant: 'nbc' as ParticipantId, address: '/ip4/127.0.0.1/tcp/7000' }],
  },
  api: { host: '127.0.0.1', port: 8001 },
};

t.test('node.json: what is read is written and read the same', async (t) => {
  const text = nodeConfigToJson(config);
  t.strictSame(parseNodeConfig(text, 'node.json'), config);
  const twice = (found: string) => {
    const first = nodeConfigToJson(parseNodeConfig(found, 'node.json'));
    return first === nodeConfigToJson(parseNodeConfig(first, 'node.json')) ? found : 'something else';
  };
  const law = fc.property(fc.nat(), fc.boolean(), (seed, whole) => {
    const hostile = whole ? JSON.stringify(hostileJson(seed, [config])) : hostileText(seed, [text]);
    const problem = readerProblem(hostile, twice, ['NODE_CONFIG_INVALID'], (same) => same);
    if (problem !== null) throw new Error(`${problem}\n${hostile}`);
  });
  fc.assert(law, fuzzRuns(2_000));
});

t.test('wallets: a folder of hostile files is listed without them', async (t) => {
  const data = t.testdir();
  const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };
  const wallet = encodeKeyFile(new Uint8Array(32).fill(9), { name: 'dara@aclb', kind: 'wallet' }, null, random);
  await mkdir(path.join(data, 'wallets'));
  const law = fc.asyncProperty(fc.nat(), async (seed) => {
    const text = hostileText(seed, [wallet]);
    await writeFile(path.join(data, 'wallets', 'x.json'), text);
    try {
      for (const { account, publicKey } of await listWallets(data))
        if (!account.includes('@') || typeof publicKey !== 'string') throw new TypeError('no wallet');
    } catch (error) {
      throw new Error(`${refusalProblem(error, [])}\n${text}`);
    }
  });
  await fc.assert(law, fuzzRuns(200));
  await writeFile(path.join(data, 'wallets', 'x.json'), wallet);
  t.equal((await listWallets(data)).length, 1);
});

t.test('network.json: it is ours, unfinished, or refused', async (t) => {
  const data = t.testdir();
  await markLocalNetwork(data);
  const law = fc.asyncProperty(fc.nat(), async (seed) => {
    const node = {
      participant: 'nbc',
      name: 'NBC',
      home: 'homes/nbc',
      apiUrl: 'http://127.0.0.1:1',
      p2pAddress: 'x',
      pid: 1,
    };
    const document = {
      format: 'tonle-local-network',
      version: 1,
      chainId: 'ab'.repeat(32),
      furnished: true,
      nodes: [node],
    };
    const text = JSON.stringify(hostileJson(seed, [document]));
    await writeFile(path.join(data, 'network.json'), text);
    try {
      await findLocalNetwork(data);
    } catch (error) {
      const problem = refusalProblem(error, ['NOT_A_LOCAL_NETWORK']);
      if (problem !== null) throw new Error(`${problem}\n${text}`);
    }
  });
  await fc.assert(law, fuzzRuns(200));
});
