/**
 * Every route of the ledger and the operator API against hostile requests: never a 500, always the one envelope with a code of
 * the table, documented, short, and without a trace in any prototype.
 */
import fc from 'fast-check';
import t from 'tap';
import { transactionToJson } from '../codec/json.ts';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { Chance } from '../simulator/world/random.ts';
import { Cluster } from '../testing/cluster.ts';
import { fuzzRuns, hostileJson, hostileText, readerProblem } from '../testing/fuzz.ts';
import { corpusOf, hostileCbor } from '../testing/fuzz-cbor.ts';
import { account, issue, open, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import { ERROR_STATUS, isErrorCode } from './errors.ts';
import { parsePhone } from './phone.ts';
import { TEST_TOKEN, type TestApi, testApi } from './testing.ts';

const cluster = new Cluster();
const { network } = cluster;
const bind = { type: 'registerAlias', aliasKey: 'ab'.repeat(32) as never, account: account('dara@aclb') } as const;
const transactions = [
  transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 1n)]),
  transactionOf(network, ['operator/aclb'], [open(network, 'sok@aclb'), transfer('settlement@aclb', 'sok@aclb', 5n)]),
  transactionOf(network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 10n)]),
  transactionOf(network, ['wallet/dara'], [bind]),
];
const json = transactions.map((value) =>
  JSON.parse(JSON.stringify(transactionToJson(value, network.genesis.currencies))),
);
const corpus = corpusOf(transactions.map((value) => encode(transactionSchema, value)));
const publicKey = network.signer('wallet/new').publicKey;
const operatorBodies: readonly unknown[] = [
  { name: 'vanna', publicKey, displayName: 'Vanna' },
  { account: 'dara@aclb', phone: '+85512345678' },
  { account: 'dara@aclb', amount: { currency: 'KHR', value: '5' } },
  { account: 'dara@aclb', tier: 'full' },
  { transaction: json[3], phone: '017123456' },
];

/** Routes as the server declares them: `POST /operator/v1/attest`. */
const routes: { readonly method: string; readonly url: string }[] = [];
let api: TestApi;

t.before(async () => {
  await cluster.startAll();
  api = testApi(cluster, 'aclb');
  api.app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url });
  });
  await cluster.during(Promise.resolve(api.app.ready()));
  const { node } = cluster.get('aclb');
  await cluster.during(node.submit(transactions[2] as never));
  await cluster.allAt(1);
  const welcome = transactionOf(network, ['operator/aclb'], [open(network, 'dara@aclb')]);
  await cluster.during(node.submit(welcome));
  await cluster.allAt(2);
});

t.teardown(async () => {
  await api.app.close();
  await cluster.stop();
});

t.test('requests of any kind', async (t) => {
  t.ok(routes.length > 10, `${routes.length} routes`);
  const statuses = new Map<number, number>();
  const law = fc.asyncProperty(fc.nat(), async (seed) => {
    const request = hostileRequest(new Chance(seed, 'request'));
    const problem = await problemOf(request, statuses);
    if (problem !== null) throw new Error(`${problem}\n${JSON.stringify(request).slice(0, 2_000)}`);
  });
  await fc.assert(law, fuzzRuns(1_500));
  t.strictSame(api.undocumented, [], 'every answer is documented');
  t.ok((statuses.get(200) ?? 0) > 20 && (statuses.get(400) ?? 0) > 100, JSON.stringify([...statuses]));
  t.equal(({} as Record<string, unknown>)['polluted'], undefined, 'no prototype was touched');
  t.strictSame(cluster.fatal, []);
});

t.test('phone numbers', async (t) => {
  const truth = ['+85512345678', '012 345 678', '017123456', '+33 6 12 34 56 78', '+85512345678;ext=1', '012345678 x9'];
  const law = fc.property(fc.nat(), (seed) => {
    const text = hostileText(seed, truth);
    const problem = readerProblem(text, parsePhone, ['PHONE_MALFORMED'], (number) => {
      // Every digit that was written is one of the number that is meant, but for a 0 behind the country code (+855 012…); 00 is
      // a way of dialling, not of writing.
      const digits = text.replace(/\D/g, '').replace(/^0/, '');
      const isMeant =
        digits.startsWith('0') || withoutOneZero(digits).some((each) => number.endsWith(each)) || /[^ -~]/.test(text);
      return isMeant && parsePhone(number) === number ? text : number;
    });
    if (problem !== null) throw new Error(`${problem}\n${JSON.stringify(text)}`);
  });
  fc.assert(law, fuzzRuns(2_000));
  t.pass('laws hold');
});

/** The digits as they are, and with any one 0 left out. */
function withoutOneZero(digits: string): string[] {
  const zeros = [...digits].flatMap((digit, i) => (digit === '0' ? [i] : []));
  return [digits, ...zeros.map((i) => digits.slice(0, i) + digits.slice(i + 1))];
}

interface HostileRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];
const TYPES = [
  ...[
    'application/json',
    'application/json',
    'application/cbor',
    'application/cbor',
    'text/plain',
    'multipart/form-data',
  ],
  ...['application/json; charset=utf-16', 'application/cbor;;', '', ';', 'application/__proto__', 'a/b'.repeat(100)],
];
const PARAMETERS = [
  ...[
    'wait=final',
    'timeoutMs=1',
    'limit=5',
    'before=1.0',
    'audit=true',
    'account=dara@aclb',
    'currency=KHR',
    'from=1',
  ],
  ...[
    '__proto__=1',
    '__proto__[x]=1',
    'constructor.prototype.x=1',
    'limit[]=1',
    'limit=1&limit=2',
    'a'.repeat(300),
    '%',
    '&&=',
    '=%00',
  ],
];
const VALUES = [
  'dara@aclb',
  'aclb',
  '1',
  '2',
  'ab'.repeat(32),
  '+85512345678',
  '__proto__',
  'constructor',
  'toString',
  '%00',
];

function hostileRequest(chance: Chance): HostileRequest {
  const { method, url } = chance.pick(routes);
  const path = url.replace(/:\w+/g, () => parameter(chance));
  const query = chance.happens(0.4)
    ? `?${Array.from({ length: chance.between(1, 3) }, () => word(chance, PARAMETERS)).join('&')}`
    : '';
  const odd = chance.happens(0.05) ? encodeURI(hostileText(chance.next(), [path]).toWellFormed()) : path;
  // A stream does not end by itself: `events` is fuzzed with what it refuses.
  const isStream = url.endsWith('/events');
  return {
    method:
      chance.happens(0.9) && !(isStream && method === 'GET')
        ? method
        : chance.pick(METHODS.filter((each) => !isStream || each !== 'GET')),
    url: `${odd.startsWith('/') ? odd : `/${odd}`}${query}`,
    headers: headers(chance),
    body: body(chance, url),
  };
}

function parameter(chance: Chance): string {
  const value = chance.pick(VALUES);
  return chance.happens(0.5)
    ? value
    : encodeURIComponent(hostileText(chance.next(), [value]).slice(0, 200).toWellFormed());
}

function word(chance: Chance, words: readonly string[]): string {
  const found = chance.pick(words);
  return chance.happens(0.6) ? found : encodeURI(hostileText(chance.next(), [found]).slice(0, 300).toWellFormed());
}

function headers(chance: Chance): Record<string, string> {
  const oddBytes = String.fromCharCode(...Array.from(chance.bytes(12), (byte) => Math.max(0x80, byte)));
  return {
    ...(chance.happens(0.9) ? { 'content-type': chance.pick(TYPES) } : {}),
    ...(chance.happens(0.8) ? { authorization: `Bearer ${TEST_TOKEN}` } : {}),
    ...(chance.happens(0.1)
      ? { authorization: chance.pick(['', 'Bearer', `Bearer ${oddBytes}`, 'Basic eDp5', oddBytes]) }
      : {}),
    ...(chance.happens(0.1)
      ? { 'last-event-id': chance.pick(['', '-1', '1e9', '9'.repeat(16), oddBytes, '0x1']) }
      : {}),
    ...(chance.happens(0.1) ? { accept: oddBytes, 'x-forwarded-for': oddBytes, expect: '100-continue' } : {}),
    ...(chance.happens(0.05) ? { 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' } : {}),
    ...(chance.happens(0.05) ? { 'content-length': chance.pick(['-1', '0', '99999999', 'NaN', '1e3']) } : {}),
  };
}

function body(chance: Chance, url: string): string | Buffer | null {
  if (chance.happens(0.1)) return null;
  if (chance.happens(0.3)) return Buffer.from(hostileCbor(chance.next(), corpus).bytes);
  const values = url.startsWith('/operator') ? operatorBodies : json;
  const value = chance.happens(0.2) ? chance.pick(values) : hostileJson(chance.next(), values);
  const text = JSON.stringify(value) ?? '';
  return chance.happens(0.2) ? hostileText(chance.next(), [text]) : text;
}

/** What an answer must not be, or null. */
async function problemOf(request: HostileRequest, statuses: Map<number, number>): Promise<string | null> {
  const { body: payload, ...rest } = request;
  const asked = { ...rest, ...(payload === null ? {} : { payload }) };
  const {
    status,
    body: found,
    headers: got,
  } = await api.send<{ error?: { code?: string; message?: string } }>(asked as never);
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (status < 400) return status === 200 || status === 202 ? null : `status ${status}`;
  if (status >= 500 && status !== 503) return `status ${status}: ${JSON.stringify(found)}`;
  const { code = '', message = '' } = found.error ?? {};
  if (request.method === 'HEAD') return null;
  if (!String(got['content-type']).startsWith('application/json'))
    return `an answer of type ${String(got['content-type'])}`;
  if (!isErrorCode(code)) return `the unknown code ${JSON.stringify(found)}`;
  if (message.length > 2_000) return `a message of ${message.length} characters`;
  return ERROR_STATUS[code] === status || code.length > 0 ? null : `status ${status} for ${code}`;
}
