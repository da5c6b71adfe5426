/** Key files against hostile text: one form, known codes, and no cost that the file's own words could run up. */
import fc from 'fast-check';
import t from 'tap';
import { fuzzRuns, hostileText, readerProblem } from '../testing/fuzz.ts';
import { decodeKeyFile, encodeKeyFile } from './keyfile.ts';

const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };
const seed32 = new Uint8Array(32).fill(9);
const label = { name: 'dara@aclb', kind: 'wallet' } as const;
const plain = encodeKeyFile(seed32, label, null, random);
const encrypted = encodeKeyFile(seed32, label, 'secret', random, 2 ** 10);
const CODES = ['KEY_FILE_MALFORMED', 'KEY_FILE_PASSWORD', 'KEY_FILE_PASSWORD_NEEDED', 'KEY_FILE_MISMATCH'];

t.test('a key file that is read is written the same', async (t) => {
  const read = (text: string) => decodeKeyFile(text, null);
  t.doesNotThrow(() => read(plain));
  const property = fc.property(fc.nat(), (seed) => {
    const text = hostileText(seed, [plain, encrypted]);
    const problem = readerProblem(text, read, CODES, ({ seed: found, name, kind }) =>
      encodeKeyFile(found, { name, kind }, null, random),
    );
    if (problem !== null) throw new Error(`${problem}\n${text}`);
  });
  fc.assert(property, fuzzRuns(1_500));
});

t.test('an encrypted one that was changed is never opened', async (t) => {
  t.doesNotThrow(() => decodeKeyFile(encrypted, 'secret'));
  const property = fc.property(fc.nat(), (seed) => {
    const text = hostileText(seed, [encrypted]);
    // A cost that is allowed and not ours takes a second and 256 MiB, as it is meant to.
    if (/"n": (?!1024,)\d/.test(text)) return;
    const problem = readerProblem(
      text,
      (found) => decodeKeyFile(found, 'secret'),
      CODES,
      () => encrypted,
    );
    if (problem !== null) throw new Error(`${problem}\n${text}`);
  });
  fc.assert(property, fuzzRuns(300));
});
