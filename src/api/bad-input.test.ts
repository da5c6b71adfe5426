/** Every bad input: its HTTP status, its code, no change of anything, and the node answers on. */
import t from 'tap';
import { toHex } from '../codec/hex.ts';
import { transactionToJson } from '../codec/json.ts';
import { MAX_TRANSACTION_BYTES } from '../codec/limits.ts';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { aliasKey } from '../crypto/alias.ts';
import { signTransaction } from '../crypto/sign.ts';
import { Cluster } from '../testing/cluster.ts';
import { USD } from '../testing/genesis.ts';
import { account, issue, open, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { ChainId, Command, CurrencyCode, PublicKey, Transaction } from '../types/index.ts';
import { TEST_ALIAS_SECRET, TEST_TOKEN, type TestAnswer, type TestApi, testApi } from './testing.ts';
import type { AccountJson, ErrorJson, StatusJson, SupplyJson } from './types.ts';

const SUBMIT = '/api/v1/transactions';
const OFFICERS = ['officer/1', 'officer/2'];
const DARAS_PHONE = aliasKey(TEST_ALIAS_SECRET, '+85512345678');
const FREE_PHONE = aliasKey(TEST_ALIAS_SECRET, '+85517123456');

const cluster = new Cluster();
const { network } = cluster;
const { currencies } = network.genesis;
let api: TestApi;
let used: Transaction;

const bytesOf = (transaction: Transaction) => encode(transactionSchema, transaction);
const jsonOf = (transaction: Transaction) => JSON.parse(JSON.stringify(transactionToJson(transaction, currencies)));
const byDara = (command: Command, validUntilMs?: number) =>
  transactionOf(network, ['wallet/dara'], [command], validUntilMs);
const payment = () => byDara(transfer('dara@aclb', 'bopha@cnb', 1n));
/** The JSON form of a payment with some fields of its command changed. */
const jsonPayment = (fields: object) => {
  const json = jsonOf(payment());
  return { ...json, commands: [{ ...json.commands[0], ...fields }] };
};
const jsonAmount = (value: unknown, currency: unknown = 'KHR') => jsonPayment({ amount: { currency, value } });
/** A payment whose signature is changed after signing. */
const forged = (change: (signature: Uint8Array) => Uint8Array): Transaction => {
  const { body, signatures } = payment();
  return { body, signatures: signatures.map((entry) => ({ ...entry, signature: change(entry.signature) })) };
};

t.before(async () => {
  await cluster.startAll();
  api = testApi(cluster, 'aclb');
  await final(
    transactionOf(network, OFFICERS, [issue(settlement('aclb'), 10_000n), issue(settlement('aclb'), 500n, USD)]),
  );
  const welcome = [open(network, 'dara@aclb'), transfer('settlement@aclb', 'dara@aclb', 1_000n)];
  await final(transactionOf(network, ['operator/aclb'], welcome));
  await final(transactionOf(network, ['operator/cnb'], [open(network, 'bopha@cnb')]));
  const bind: Command = { type: 'registerAlias', aliasKey: DARAS_PHONE, account: account('dara@aclb') };
  await final(transactionOf(network, ['wallet/dara', 'operator/aclb'], [bind]));
  used = payment();
  await final(used);
});

t.teardown(async () => {
  await api.app.close();
  await cluster.stop();
});

type Bad = readonly [name: string, status: number, code: string, ask: () => Promise<TestAnswer<ErrorJson>>];

const text =
  (type: string, body: string): Bad[3] =>
  () =>
    api.send({ method: 'POST', url: SUBMIT, headers: { 'content-type': type }, body });
const json =
  (body: () => unknown): Bad[3] =>
  () =>
    api.post(SUBMIT, body());
const bytes =
  (body: () => Uint8Array): Bad[3] =>
  () =>
    api.post(SUBMIT, body());
const signed =
  (transaction: () => Transaction): Bad[3] =>
  () =>
    api.post(`${SUBMIT}?wait=final`, bytesOf(transaction()));
const get =
  (url: string): Bad[3] =>
  () =>
    api.get(url);

const NOT_JSON = 'application/json';
const malformed: readonly Bad[] = [
  ['half a JSON', 400, 'JSON_MALFORMED', text(NOT_JSON, '{"version":1,')],
  ['JSON of another kind', 400, 'JSON_MALFORMED', text(NOT_JSON, "{'version':1}")],
  ['a prototype in JSON', 400, 'JSON_MALFORMED', text(NOT_JSON, '{"__proto__":{"version":1}}')],
  ['an empty body', 400, 'BODY_MISSING', text(NOT_JSON, '')],
  ['a body that is null', 400, 'BODY_MISSING', text(NOT_JSON, 'null')],
  ['a JSON text', 400, 'FIELD_INVALID', text(NOT_JSON, '"transaction"')],
  ['no body', 400, 'BODY_MISSING', () => api.send({ method: 'POST', url: SUBMIT })],
  ['plain text', 415, 'MEDIA_TYPE_UNSUPPORTED', text('text/plain', 'pay dara')],
  ['a form', 415, 'MEDIA_TYPE_UNSUPPORTED', text('application/x-www-form-urlencoded', 'a=b')],
  ['JSON that is too long', 413, 'BODY_TOO_LARGE', json(() => ({ memo: 'x'.repeat(4 * MAX_TRANSACTION_BYTES) }))],
  ['bytes that are too many', 413, 'BODY_TOO_LARGE', bytes(() => new Uint8Array(MAX_TRANSACTION_BYTES + 1))],
  ['no bytes', 400, 'BYTES_MALFORMED', bytes(() => new Uint8Array())],
  ['other bytes', 400, 'BYTES_MALFORMED', bytes(() => Uint8Array.of(0x82, 0xff))],
  ['bytes cut short', 400, 'BYTES_MALFORMED', bytes(() => bytesOf(payment()).slice(0, -1))],
  ['bytes after the end', 400, 'BYTES_MALFORMED', bytes(() => Uint8Array.of(...bytesOf(payment()), 0))],
  [
    'another spelling of the bytes',
    400,
    'BYTES_MALFORMED',
    bytes(() => Uint8Array.of(0x98, 2, ...bytesOf(payment()).slice(1))),
  ],
  ['bytes of a later version', 400, 'VERSION_UNKNOWN', bytes(() => bytesOf(payment()).with(2, 2))],
  ['a wrong method', 405, 'METHOD_NOT_ALLOWED', () => api.send({ method: 'DELETE', url: SUBMIT })],
  ['a wrong address', 404, 'ROUTE_NOT_FOUND', get('/api/v2/status')],
  ['an address with a bad escape', 400, 'URL_MALFORMED', get('/api/v1/accounts/%')],
  ['an address with too long a part', 414, 'URL_TOO_LONG', get(`/api/v1/aliases/${'1'.repeat(129)}`)],
];

const parameters: readonly Bad[] = [
  ['an unknown parameter', 400, 'FIELD_UNKNOWN', () => api.post(`${SUBMIT}?wiat=final`, bytesOf(payment()))],
  ['another thing to wait for', 400, 'FIELD_INVALID', () => api.post(`${SUBMIT}?wait=soon`, bytesOf(payment()))],
  ['a wait for ever', 400, 'FIELD_INVALID', () => api.post(`${SUBMIT}?timeoutMs=3600000`, bytesOf(payment()))],
  ['a number with an exponent', 400, 'FIELD_INVALID', get('/api/v1/accounts/dara@aclb?limit=1e1')],
  ['a page that is too long', 400, 'FIELD_INVALID', get('/api/v1/accounts/dara@aclb?limit=101')],
  ['a parameter twice', 400, 'FIELD_INVALID', get('/api/v1/accounts/dara@aclb?limit=1&limit=2')],
  ['another cursor', 400, 'FIELD_INVALID', get('/api/v1/accounts/dara@aclb?before=yesterday')],
  ['a truth value of another kind', 400, 'FIELD_INVALID', get('/api/v1/supply?audit=1')],
  ['an account in capitals', 400, 'ACCOUNT_MALFORMED', get('/api/v1/accounts/Dara@aclb')],
  ['an account that is none', 404, 'ACCOUNT_NOT_FOUND', get('/api/v1/accounts/nobody@aclb')],
  ['a short id', 400, 'HASH_MALFORMED', get(`${SUBMIT}/abc`)],
  ['an unknown id', 404, 'TRANSACTION_NOT_FOUND', get(`${SUBMIT}/${'ab'.repeat(32)}`)],
  ['a height that is none', 400, 'FIELD_INVALID', get('/api/v1/blocks/zero')],
  ['height 0', 400, 'FIELD_INVALID', get('/api/v1/blocks/0')],
  ['a height to come', 404, 'BLOCK_NOT_FOUND', get('/api/v1/blocks/999999')],
  ['events of no account', 400, 'ACCOUNT_MALFORMED', get('/api/v1/events?account=dara')],
  ['events after a name', 400, 'FIELD_INVALID', () => api.get('/api/v1/events', { 'last-event-id': 'seven' })],
  ...['', 'dara', '117', '+855', '012 345 678 901 234', '+85512345678;ext=1', '%00'].map((phone): Bad => {
    const url = `/api/v1/aliases/${encodeURIComponent(phone)}`;
    return [`the phone number «${phone}»`, 400, 'PHONE_MALFORMED', get(url)];
  }),
  ['a number that nobody bound', 404, 'ALIAS_NOT_FOUND', get('/api/v1/aliases/017123456')],
];

const forms: readonly Bad[] = [
  ['an unknown field', 400, 'FIELD_UNKNOWN', json(() => ({ ...jsonOf(payment()), fee: '1' }))],
  ['an unknown field of a command', 400, 'FIELD_UNKNOWN', json(() => jsonPayment({ note: '' }))],
  ['a missing field', 400, 'FIELD_MISSING', json(() => ({ version: 1 }))],
  ['an amount as number', 400, 'AMOUNT_NOT_TEXT', json(() => jsonAmount(5000))],
  ['an amount with an exponent', 400, 'AMOUNT_MALFORMED', json(() => jsonAmount('5e3'))],
  ['an amount with a leading zero', 400, 'AMOUNT_MALFORMED', json(() => jsonAmount('05'))],
  ['a negative amount', 422, 'AMOUNT_NEGATIVE', json(() => jsonAmount('-5'))],
  ['half a riel', 422, 'AMOUNT_TOO_PRECISE', json(() => jsonAmount('0.5'))],
  ['a tenth of a cent', 422, 'AMOUNT_TOO_PRECISE', json(() => jsonAmount('1.001', 'USD'))],
  ['more than can be counted', 422, 'AMOUNT_OVERFLOW', json(() => jsonAmount('9223372036854775808'))],
  ['a currency that is none', 400, 'CURRENCY_MALFORMED', json(() => jsonAmount('1', 'riel'))],
  ['a currency that is not here', 422, 'CURRENCY_UNKNOWN', json(() => jsonAmount('1', 'EUR'))],
  ['a payee that is no account', 400, 'ACCOUNT_MALFORMED', json(() => jsonPayment({ to: '+85512345678' }))],
  ['nobody signed', 403, 'SIGNATURE_MISSING', json(() => ({ ...jsonOf(payment()), signatures: [] }))],
  ['a memo that is too long', 400, 'FIELD_INVALID', json(() => jsonPayment({ memo: 'x'.repeat(65) }))],
];

const otherChain = () => {
  const { body } = payment();
  const chainId = 'ab'.repeat(32) as ChainId;
  return { body: { ...body, chainId }, signatures: payment().signatures };
};
const stranger = (aliasOf = DARAS_PHONE, epoch = 9) =>
  byDara({ ...transfer('dara@aclb', 'bopha@cnb', 1n), alias: { aliasKey: aliasOf, epoch } } as Command);

const semantic: readonly Bad[] = [
  ['another network', 422, 'CHAIN_MISMATCH', signed(otherChain)],
  ['expired', 422, 'EXPIRED', signed(() => byDara(transfer('dara@aclb', 'bopha@cnb', 1n), cluster.clock.now() - 1))],
  [
    'valid too far ahead',
    422,
    'VALIDITY_TOO_LONG',
    signed(() => byDara(transfer('dara@aclb', 'bopha@cnb', 1n), 2 ** 50)),
  ],
  ['nothing', 422, 'AMOUNT_ZERO', signed(() => byDara(transfer('dara@aclb', 'bopha@cnb', 0n)))],
  ['over the limit', 422, 'AMOUNT_TOO_LARGE', signed(() => byDara(transfer('dara@aclb', 'bopha@cnb', 2n ** 62n)))],
  [
    'an unknown currency',
    422,
    'CURRENCY_UNKNOWN',
    signed(() => byDara(transfer('dara@aclb', 'bopha@cnb', 1n, 'EUR' as CurrencyCode))),
  ],
  ['more than there is', 422, 'INSUFFICIENT_FUNDS', signed(() => byDara(transfer('dara@aclb', 'bopha@cnb', 1_000n)))],
  ['to oneself', 422, 'SAME_ACCOUNT', signed(() => byDara(transfer('dara@aclb', 'dara@aclb', 1n)))],
  ['to nobody', 404, 'PAYEE_NOT_FOUND', signed(() => byDara(transfer('dara@aclb', 'nobody@cnb', 1n)))],
  ['from nobody', 404, 'ACCOUNT_NOT_FOUND', signed(() => byDara(transfer('nobody@aclb', 'dara@aclb', 1n)))],
  ['to an alias that moved', 409, 'ALIAS_STALE', signed(() => stranger())],
  ['to an alias that nobody bound', 409, 'ALIAS_STALE', signed(() => stranger(FREE_PHONE))],
  ["somebody else's alias", 403, 'ALIAS_NOT_YOURS', signed(() => release(DARAS_PHONE, 'bopha@cnb'))],
  ['an alias that nobody bound', 404, 'ALIAS_NOT_FOUND', signed(() => release(FREE_PHONE, 'dara@aclb'))],
  ['an alias that is taken', 409, 'ALIAS_TAKEN', signed(() => bind(DARAS_PHONE))],
  ['an alias without the bank', 403, 'BANK_SIGNATURE_MISSING', signed(() => bind(FREE_PHONE))],
  [
    "somebody else's money",
    403,
    'ACCOUNT_SIGNATURE_MISSING',
    signed(() => transactionOf(network, ['wallet/bopha'], [transfer('dara@aclb', 'bopha@cnb', 1n)])),
  ],
  [
    'money from nowhere',
    403,
    'OFFICER_QUORUM_MISSING',
    signed(() => transactionOf(network, ['officer/1'], [issue(settlement('aclb'), 1n)])),
  ],
  [
    'too much money',
    422,
    'SUPPLY_CAP',
    signed(() =>
      transactionOf(
        network,
        OFFICERS,
        Array.from({ length: 11 }, () => issue(settlement('aclb'), 1_000_000_000n)),
      ),
    ),
  ],
  [
    'money for a wallet',
    422,
    'SETTLEMENT_ONLY',
    signed(() => transactionOf(network, OFFICERS, [issue(account('dara@aclb'), 1n)])),
  ],
  ['an account at no bank', 422, 'PARTICIPANT_UNKNOWN', signed(() => opened('dara@nobank'))],
  ['an account that is open', 409, 'ACCOUNT_EXISTS', signed(() => opened('dara@aclb'))],
  ["the bank's own account", 422, 'ACCOUNT_RESERVED', signed(() => opened('settlement@aclb'))],
  ['a weak key', 422, 'KEY_WEAK', signed(() => opened('new@aclb', `01${'00'.repeat(31)}` as PublicKey))],
  ['a nonce that was used', 409, 'REFERENCE_REUSED', signed(reused)],
];

/** Signatures that some verifier somewhere accepts, or takes for another one's. */
const signatures: readonly Bad[] = (
  [
    ['another signature', (signature) => signature.with(10, (signature[10] ?? 0) ^ 1)],
    ['all zeros', () => new Uint8Array(64)],
    ['S plus the order of the group', plusOrder],
    ['R of small order', (signature) => Uint8Array.of(1, ...new Uint8Array(31), ...signature.slice(32))],
    [
      'R that is not canonical',
      (signature) => Uint8Array.of(0xee, ...new Uint8Array(30).fill(0xff), 0x7f, ...signature.slice(32)),
    ],
    ['another sign of R', (signature) => signature.with(31, (signature[31] ?? 0) ^ 0x80)],
  ] as readonly (readonly [string, (signature: Uint8Array) => Uint8Array])[]
).map(([name, change]): Bad => [`a signature: ${name}`, 403, 'SIGNATURE_INVALID', signed(() => forged(change))]);

const auth = { authorization: `Bearer ${TEST_TOKEN}` };
const operate =
  (path: string, body: () => unknown, headers: Record<string, string> = auth): Bad[3] =>
  () =>
    api.post(`/operator/v1/${path}`, body(), headers);
const wallet = network.signer('wallet/new').publicKey;
const binding = (phone = '017123456') => ({ transaction: toHex(bytesOf(bind(FREE_PHONE))), phone });

const operator: readonly Bad[] = [
  ['no token', 401, 'TOKEN_MISSING', operate('fund', () => ({}), {})],
  ['a token of another kind', 401, 'TOKEN_MISSING', operate('fund', () => ({}), { authorization: 'Basic abc' })],
  ['a wrong token', 401, 'TOKEN_WRONG', operate('fund', () => ({}), { authorization: `Bearer ${TEST_TOKEN}x` })],
  [
    'an account without its name',
    400,
    'FIELD_MISSING',
    operate('accounts', () => ({ name: 'new', publicKey: wallet })),
  ],
  [
    'an account with a bad name',
    400,
    'ACCOUNT_MALFORMED',
    operate('accounts', () => ({ name: 'a b', publicKey: wallet, displayName: 'A' })),
  ],
  [
    'an account at another bank',
    400,
    'ACCOUNT_MALFORMED',
    operate('accounts', () => ({ name: 'new@cnb', publicKey: wallet, displayName: 'A' })),
  ],
  [
    'an account with a bad key',
    400,
    'KEY_MALFORMED',
    operate('accounts', () => ({ name: 'new', publicKey: 'ab', displayName: 'A' })),
  ],
  [
    'an account with a name of two lines',
    400,
    'FIELD_INVALID',
    operate('accounts', () => ({ name: 'new', publicKey: wallet, displayName: 'A\nB' })),
  ],
  [
    'an account that is open',
    409,
    'ACCOUNT_EXISTS',
    operate('accounts', () => ({ name: 'dara', publicKey: wallet, displayName: 'A' })),
  ],
  [
    'funding with a number',
    400,
    'AMOUNT_NOT_TEXT',
    operate('fund', () => ({ account: 'dara@aclb', amount: { currency: 'KHR', value: 1 } })),
  ],
  [
    'funding nobody',
    404,
    'PAYEE_NOT_FOUND',
    operate('fund', () => ({ account: 'nobody@aclb', amount: { currency: 'KHR', value: '1' } })),
  ],
  [
    'funding beyond the means',
    422,
    'INSUFFICIENT_FUNDS',
    operate('fund', () => ({ account: 'dara@aclb', amount: { currency: 'KHR', value: '9999999' } })),
  ],
  [
    'funding with a short nonce',
    400,
    'NONCE_MALFORMED',
    operate('fund', () => ({ account: 'dara@aclb', amount: { currency: 'KHR', value: '1' }, nonce: '1' })),
  ],
  [
    'redeeming a fraction',
    422,
    'AMOUNT_TOO_PRECISE',
    operate('redeem', () => ({ amount: { currency: 'KHR', value: '1.5' } })),
  ],
  ['the alias of nothing', 400, 'BODY_MISSING', operate('alias-key', () => undefined)],
  ['the alias of no number', 400, 'FIELD_MISSING', operate('alias-key', () => ({}))],
  ['the alias of a bad number', 400, 'PHONE_MALFORMED', operate('alias-key', () => ({ phone: '117' }))],
  ['the binding of no alias key', 400, 'HASH_MALFORMED', () => api.get('/operator/v1/aliases/012345678', auth)],
  [
    'the binding of a number that never was bound',
    404,
    'ALIAS_NOT_FOUND',
    () => api.get(`/operator/v1/aliases/${'ab'.repeat(32)}`, auth),
  ],
  ['attesting a bad number', 400, 'PHONE_MALFORMED', operate('attest', () => binding('117'))],
  ['attesting another number', 422, 'PHONE_MISMATCH', operate('attest', () => binding('012345678'))],
  ['attesting bad hex', 400, 'HEX_MALFORMED', operate('attest', () => ({ transaction: 'zz', phone: '017123456' }))],
  ['attesting bad bytes', 400, 'BYTES_MALFORMED', operate('attest', () => ({ transaction: 'ff', phone: '017123456' }))],
  [
    'attesting a payment',
    422,
    'ATTEST_UNEXPECTED',
    operate('attest', () => ({ transaction: jsonOf(payment()), phone: '017123456' })),
  ],
  [
    "attesting another bank's customer",
    422,
    'ACCOUNT_NOT_OURS',
    operate('attest', () => ({ ...binding(), transaction: jsonOf(bind(FREE_PHONE, 'bopha@cnb')) })),
  ],
  ['attesting for a stranger', 404, 'CUSTOMER_NOT_FOUND', operate('attest', () => binding())],
];

for (const [name, status, code, ask] of [
  ...malformed,
  ...parameters,
  ...forms,
  ...semantic,
  ...signatures,
  ...operator,
]) {
  t.test(`${name}: ${status} ${code}`, async (t) => {
    const before = await everything();
    const answer = await ask();
    t.equal(answer.status, status, JSON.stringify(answer.body));
    t.equal(answer.body.error.code, code, answer.body.error.message);
    t.match(answer.headers['content-type'], /^application\/json/);
    t.match(answer.body.error.message, /\w \w/, 'a sentence');
    t.strictSame(await everything(), before, 'nothing has changed');
    t.strictSame(api.undocumented, [], 'the answer is documented');
  });
}

t.test('after all of that the node still takes a payment', async (t) => {
  await final(payment());
  t.equal(cluster.fatal.length, 0);
  t.equal((await api.get<StatusJson>('/api/v1/status')).body.pool.transactions, 0);
});

/** All that a bad input could have changed. */
async function everything(): Promise<unknown> {
  const { body: status } = await api.get<StatusJson>('/api/v1/status');
  const { body: supply } = await api.get<SupplyJson>('/api/v1/supply?audit=true');
  const accounts = ['settlement@aclb', 'dara@aclb', 'bopha@cnb'].map(
    async (id) => (await api.get<AccountJson>(`/api/v1/accounts/${id}`)).body,
  );
  return {
    height: status.height,
    pool: status.pool,
    supply,
    accounts: await Promise.all(accounts),
    customers: await api.customers.list(),
  };
}

async function final(transaction: Transaction): Promise<void> {
  const { status, body } = await api.post(`${SUBMIT}?wait=final`, bytesOf(transaction));
  if (status !== 200) throw new Error(JSON.stringify(body));
}

function release(key: typeof DARAS_PHONE, id: string): Transaction {
  const signer = id === 'dara@aclb' ? 'wallet/dara' : 'wallet/bopha';
  return transactionOf(network, [signer], [{ type: 'releaseAlias', aliasKey: key, account: account(id) }]);
}

function bind(key: typeof DARAS_PHONE, id = 'dara@aclb'): Transaction {
  return byDara({ type: 'registerAlias', aliasKey: key, account: account(id) });
}

function opened(id: string, publicKey = network.signer('wallet/x').publicKey): Transaction {
  return transactionOf(
    network,
    ['operator/aclb'],
    [{ type: 'openAccount', account: account(id), publicKey, tier: null }],
  );
}

/** Another payment under the key and nonce of one that is final. */
function reused(): Transaction {
  const { body } = byDara(transfer('dara@aclb', 'bopha@cnb', 2n));
  return signTransaction({ ...body, nonce: used.body.nonce }, [network.signer('wallet/dara')]);
}

/** The same signature to whoever does not ask for S below the order (RFC 8032 section 5.1.7 does). */
function plusOrder(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = signature.slice(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number((s >> BigInt(8 * i)) & 255n));
  return Uint8Array.of(...signature.slice(0, 32), ...bytes);
}
