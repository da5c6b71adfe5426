/** The table of codes is complete: whatever a client can be told has an HTTP status, and nothing stands there for nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { STATUSES } from '../ledger/status.ts';
import { POOL_REFUSALS } from '../node/refusals.ts';
import { ApiFault, ERROR_STATUS, fault, isErrorCode, ledgerFault } from './errors.ts';
import { COMPONENTS } from './schemas.ts';

const src = path.dirname(import.meta.dirname);

/** Codes that appear in the sources of a layer, as arguments of what makes an error, and where. */
function codesIn(layer: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(path.join(src, layer))) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const text = readFileSync(path.join(src, layer, name), 'utf8');
    const thrown = /(?:Error|fail|parser<\w+>)\(\s*(?:problem, )?'([A-Z]+(?:_[A-Z]+)+)'|, '([A-Z]+(?:_[A-Z]+)+)'\)/g;
    for (const match of text.matchAll(thrown)) found.set(match[1] ?? match[2] ?? '', `${layer}/${name}`);
  }
  return found;
}

/** What no request can bring about, each with the reason. */
const NEVER_TOLD: ReadonlyMap<string, string> = new Map([
  ['VERIFIER_FAILED', 'a thread died: a failure of ours, told as INTERNAL'],
  ['RECEIPT_MALFORMED', 'receipts are read offline'],
  ['LIBSODIUM_OTHER_RULE', 'decides at the start which library verifies'],
  ['PARTICIPANT_MALFORMED', 'no request names a participant alone'],
]);

t.test('every status of the ledger and every refusal of the pool has an HTTP status', async (t) => {
  const codes = [...STATUSES.map(({ name }) => name).filter((name) => name !== 'OK'), ...Object.keys(POOL_REFUSALS)];
  for (const code of codes) t.ok(isErrorCode(code), code);
});

t.test('every code of the codec and the verifier has an HTTP status', async (t) => {
  const keyFiles = (place: string) => place === 'crypto/keyfile.ts' || place === 'codec/genesis-json.ts';
  const codes = [...codesIn('codec'), ...codesIn('crypto'), ...codesIn('ledger')].filter(([, at]) => !keyFiles(at));
  t.ok(codes.length > 20, `the scan finds ${codes.length}`);
  for (const [code, place] of codes) t.ok(isErrorCode(code) || NEVER_TOLD.has(code), `${code} of ${place}`);
});

t.test('every HTTP status is one that says so', async (t) => {
  const known = new Set([400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 422, 429, 431, 500, 503]);
  for (const [code, status] of Object.entries(ERROR_STATUS)) {
    t.ok(known.has(status), `${code} ${status}`);
    t.match(code, /^[A-Z]+(_[A-Z]+)*$/);
  }
});

t.test('a fault has a code, a sentence and what it is about', async (t) => {
  t.match(fault('BLOCK_NOT_FOUND'), { code: 'BLOCK_NOT_FOUND', message: /status/, field: null, details: null });
  const details = { id: 'ab' };
  t.match(ledgerFault('EXPIRED', { details }), { code: 'EXPIRED', message: /new transaction/, details });
  t.match(new ApiFault('PHONE_MISMATCH', 'A sentence.', { field: 'phone' }), { field: 'phone', httpStatus: null });
});

t.test('every component of the description is used', async (t) => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const text = files
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(path.join(import.meta.dirname, name), 'utf8'))
    .join('');
  for (const name of Object.keys(COMPONENTS))
    t.ok(text.includes(`ref('${name}')`) || text.includes(`'${name}#'`), name);
});
