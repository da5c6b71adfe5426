/** The bank's own store: what it was told is there after a restart, and damage is noticed. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import type { Customer } from '../ports.ts';
import type { AccountId } from '../types/index.ts';
import { openCustomerStore } from './customer-store.ts';

const dara: Customer = { account: 'dara@aclb' as AccountId, name: 'Dara ចាន់', phones: ['+85512000001'] };
const bopha: Customer = { account: 'bopha@aclb' as AccountId, name: 'Bopha', phones: [] };

test('customers come back, in order, the last word on each', async (t) => {
  const folder = path.join(t.testdir(), 'customers');
  const first = await openCustomerStore(folder);
  t.equal(await first.get(dara.account), null);
  await first.put({ ...dara, phones: [] });
  await first.put(dara);
  await first.put(bopha);
  await t.rejects(openCustomerStore(folder), { code: 'FOLDER_IN_USE' });
  await first.close();

  const second = await openCustomerStore(folder);
  t.strictSame(await second.get(dara.account), dara);
  t.strictSame(await second.list(), [bopha, dara]);
  await second.close();
  await t.rejects(second.get(dara.account), { code: 'CUSTOMERS_FAILED' });
});

test('a changed byte is not read as a customer', async (t) => {
  const folder = path.join(t.testdir(), 'customers');
  const store = await openCustomerStore(folder);
  await store.put(dara);
  await store.close();
  // The first opening after a write moves the log into a table; this one changes that.
  await (await openCustomerStore(folder)).close();
  const table = readdirSync(folder).find((name) => name.endsWith('.ldb'))!;
  const bytes = readFileSync(path.join(folder, table));
  const at = bytes.indexOf('+85512000001');
  t.ok(at > 0);
  bytes.write('+85512000002', at);
  writeFileSync(path.join(folder, table), bytes);
  await t.rejects(
    openCustomerStore(folder).then((again) => again.get(dara.account)),
    { code: 'CUSTOMERS_CORRUPT' },
  );
});
