import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import t from 'tap';
import type { Customer } from '../ports.ts';
import type { AccountId } from '../types/index.ts';
import { openCustomerStore } from './customers.ts';

const account = (text: string) => text as AccountId;
const DARA: Customer = { account: account('dara@aclb'), name: 'Sok Dara', phones: ['+85512345678'] };
const BOPHA: Customer = { account: account('bopha@aclb'), name: 'សុខ បុប្ផា', phones: [] };

t.test('customers come back as they were stored, in order, also after a restart', async (t) => {
  const folder = path.join(t.testdir(), 'customers');
  const first = await openCustomerStore(folder);
  t.equal(await first.get(DARA.account), null);
  t.strictSame(await first.list(), []);
  await first.put(DARA);
  await first.put(BOPHA);
  t.strictSame(await first.get(DARA.account), DARA);
  await first.close();

  const second = await openCustomerStore(folder);
  t.strictSame(await second.list(), [BOPHA, DARA]);
  const moved = { ...DARA, phones: [...DARA.phones, '+85517123456'] };
  await second.put(moved);
  t.strictSame(await second.list(), [BOPHA, moved]);
  await second.close();
});

t.test('nobody else reads the folder, and one process has it', async (t) => {
  const folder = path.join(t.testdir(), 'customers');
  const store = await openCustomerStore(folder);
  t.teardown(() => store.close());
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  await t.rejects(openCustomerStore(folder), { code: 'FOLDER_IN_USE' });
});

t.test('a folder that is a file is refused', async (t) => {
  const folder = t.testdir({ customers: 'a file' });
  await t.rejects(openCustomerStore(path.join(folder, 'customers')), { code: 'FOLDER_UNUSABLE' });
});

t.test('a damaged entry is an error that does not tell what it held', async (t) => {
  const damaged = [
    '',
    'null',
    '{',
    '[]',
    '{"version":2,"name":"Dara","phones":[]}',
    '{"version":1,"name":7,"phones":[]}',
  ];
  for (const [i, text] of [...damaged, '{"version":1,"name":"Dara","phones":["+85512345678",3]}'].entries()) {
    const folder = path.join(t.testdir(), `customers-${i}`);
    const database = new Level<string, string>(folder);
    await database.put(DARA.account, text);
    await database.close();
    const store = await openCustomerStore(folder);
    for (const read of [store.get(DARA.account), store.list()]) {
      const error: Error = await read.then(
        () => t.fail(`accepted ${text}`),
        (thrown) => thrown,
      );
      t.match(error, { code: 'CUSTOMERS_CORRUPT' });
      t.notMatch(error.message, /\+855|Dara\b/);
    }
    await store.close();
  }
});

t.test('a closed store refuses', async (t) => {
  const store = await openCustomerStore(t.testdir());
  await store.close();
  await t.rejects(store.get(DARA.account), { code: 'CUSTOMERS_FAILED' });
  await t.rejects(store.put(DARA), { code: 'CUSTOMERS_FAILED' });
});
