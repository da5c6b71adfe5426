/** Wallets on disk: made once, listed without a password, found by what people call them. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { encodeKeyFile } from '../crypto/keyfile.ts';
import type { ParticipantId } from '../types/index.ts';
import { systemRandom } from './system.ts';
import { createWallet, findWallet, listWallets, unlockWallet } from './wallet-files.ts';

const aclb = 'aclb' as ParticipantId;
const never = () => Promise.reject(new Error('no password is asked for'));

test('a wallet is made once, for its owner only, and never overwritten', async (t) => {
  const data = t.testdir();
  const made = await createWallet(data, { name: 'dara', bank: aclb, password: null }, systemRandom);
  t.equal(made.account, 'dara@aclb');
  t.equal(made.path, path.join(data, 'wallets', 'dara.json'));
  if (process.platform !== 'win32') {
    t.equal(statSync(made.path).mode & 0o777, 0o600);
    t.equal(statSync(path.dirname(made.path)).mode & 0o777, 0o700);
  }
  const before = readFileSync(made.path, 'utf8');
  for (const bank of ['aclb', 'cnb'] as ParticipantId[]) {
    await t.rejects(createWallet(data, { name: 'dara', bank, password: null }, systemRandom), {
      code: 'WALLET_EXISTS',
    });
  }
  t.equal(readFileSync(made.path, 'utf8'), before);
  for (const name of ['', '..', '../dara', 'a/b', 'Dara', 'dara@aclb', '.hidden']) {
    const bad = createWallet(data, { name, bank: aclb, password: null }, systemRandom);
    await t.rejects(bad, { code: 'ACCOUNT_MALFORMED' }, JSON.stringify(name));
  }
  t.strictSame(
    (await listWallets(data)).map(({ name }) => name),
    ['dara'],
  );
});

test('wallets are found by name, by account, or because there is no other', async (t) => {
  const data = t.testdir();
  t.strictSame(await listWallets(data), []);
  await t.rejects(findWallet(data, undefined), { code: 'WALLET_NOT_FOUND', message: /tonle wallet create/ });
  const made = await createWallet(data, { name: 'dara', bank: aclb, password: null }, systemRandom);
  t.match(await findWallet(data, undefined), { name: 'dara', encrypted: false, publicKey: made.signer.publicKey });
  await createWallet(data, { name: 'sok', bank: aclb, password: null }, systemRandom);
  t.equal((await findWallet(data, 'sok')).account, 'sok@aclb');
  t.equal((await findWallet(data, 'sok@aclb')).name, 'sok');
  await t.rejects(findWallet(data, undefined), { code: 'WALLET_AMBIGUOUS', message: /dara, sok/ });
  await t.rejects(findWallet(data, 'bopha'), { code: 'WALLET_NOT_FOUND', message: /"bopha".*dara, sok/ });
});

test('listing asks for no password and passes over what is no wallet', async (t) => {
  const data = t.testdir();
  const folder = path.join(data, 'wallets');
  mkdirSync(folder);
  const seed = systemRandom.bytes(32);
  const write = (file: string, text: string) => writeFileSync(path.join(folder, file), text, { mode: 0o600 });
  write('dara.json', encodeKeyFile(seed, { name: 'dara@aclb', kind: 'wallet' }, 'secret', systemRandom, 2 ** 10));
  write('operator.json', encodeKeyFile(seed, { name: 'operator@aclb', kind: 'operator' }, null, systemRandom));
  write('nonsense.json', '{');
  write('null.json', 'null');
  write('unnamed.json', '{"kind":"wallet","name":"no account"}');
  write('notes.txt', 'a note');
  const [dara, ...others] = await listWallets(data);
  t.strictSame(others, []);
  t.match(dara, { name: 'dara', account: 'dara@aclb', encrypted: true });
  t.equal((await unlockWallet(dara!, () => Promise.resolve('secret'))).signer.publicKey, dara!.publicKey);
  await t.rejects(
    unlockWallet(dara!, () => Promise.resolve('guess')),
    { code: 'KEY_FILE_PASSWORD' },
  );
});

test('only a key that is a wallet signs as one', async (t) => {
  const data = t.testdir();
  const made = await createWallet(data, { name: 'dara', bank: aclb, password: null }, systemRandom);
  const file = await findWallet(data, 'dara');
  t.match(await unlockWallet(file, never), { account: 'dara@aclb', signer: { publicKey: made.signer.publicKey } });
  const seed = systemRandom.bytes(32);
  writeFileSync(file.path, encodeKeyFile(seed, { name: 'operator@aclb', kind: 'operator' }, null, systemRandom));
  await t.rejects(unlockWallet(file, never), { code: 'KEY_FILE_WRONG' });
});
