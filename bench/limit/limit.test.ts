import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import t from 'tap';
import { signatureLibrary } from '../../src/crypto/signature-library.ts';
import { measureChecks, measureLimit, measureSyncedWrites } from './limit.ts';

t.test('checks a second of both libraries, and synced writes, with nothing left behind', async (t) => {
  const folder = t.testdir({ mine: '' });
  const limit = await measureLimit({ seconds: 0.1, folder });
  const { verificationsPerS, opensslPerS, library, cores, syncedWrite } = limit;
  t.equal(cores, availableParallelism());
  t.equal(library, `${signatureLibrary.name} ${signatureLibrary.version}`);
  t.ok(verificationsPerS > 100, `${verificationsPerS} checks a second`);
  t.ok(opensslPerS > 100, `${opensslPerS} checks a second`);
  t.equal(syncedWrite.count, 500);
  t.ok(syncedWrite.p50 > 0 && syncedWrite.p50 <= syncedWrite.max);
  t.strictSame(readdirSync(folder), ['mine']);
  t.ok((await measureChecks(0.1)) > 100);
});

t.test('a folder that cannot be used is an error', async (t) => {
  const folder = t.testdir({ file: '' });
  await t.rejects(measureSyncedWrites(`${folder}/file/within`, 1), { code: 'FOLDER_UNUSABLE' });
});
