/** The wallets' commands without a network: what they refuse before anything is sent, and what a silent node leads to. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type Test, test } from 'tap';
import { fromHex } from '../../codec/hex.ts';
import { MAX_TRANSACTION_BYTES } from '../../codec/limits.ts';
import { decode } from '../../codec/schema.ts';
import { transaction as transactionSchema } from '../../codec/transaction.ts';
import { encodeKeyFile } from '../../crypto/keyfile.ts';
import type { ParticipantId } from '../../types/index.ts';
import { type ExitName, exitCode } from '../exit-codes.ts';
import { ask, run } from '../run-cli.suite.ts';
import { systemRandom } from '../system.ts';
import { createWallet } from '../wallet-files.ts';

const CHAIN = 'c'.repeat(64);
const HASH = 'a'.repeat(64);
const PHONE = '+85512345678';
const RECEIPT = { transactionId: HASH, height: 1, index: 0, status: { code: 0, name: 'OK' }, failedCommand: null };
const FINAL = { id: HASH, state: 'final', receipt: RECEIPT, message: 'Done.', customer: null };

test('arguments that make no sense end in number 2, in one line', async (t) => {
  const data = t.testdir();
  const cases: readonly (readonly [argv: string, code: string, says: RegExp])[] = [
    ['pay', 'USAGE', /missing required argument 'payee'/],
    ['pay 012345678 5', 'USAGE', /missing required argument 'currency'/],
    ['pay 012345678 5 KHR --fast', 'USAGE', /unknown option '--fast'/],
    ['pay 012345678 5 KHR --via cnb --url http://127.0.0.1:1', 'USAGE', /leave --via out/],
    ['pay 012345678 5 KHR', 'WALLET_NOT_FOUND', /there is no wallet in/],
    ['wallet', 'USAGE', /Usage|see --help/],
    ['wallet create dara', 'USAGE', /required option '--bank <participant>' not specified/],
    ['wallet create Dara --bank aclb', 'ACCOUNT_MALFORMED', /Dara@aclb/],
    ['wallet create ../dara --bank aclb', 'ACCOUNT_MALFORMED', /expected name@participant/],
    ['wallet create dara --bank ACLB', 'PARTICIPANT_MALFORMED', /ACLB/],
    ['wallet create dara --bank aclb --phone 1234', 'PHONE_MALFORMED', /phone number/],
    ['wallet show dara', 'WALLET_NOT_FOUND', /tonle wallet create/],
    ['alias register 012 --wallet dara', 'PHONE_MALFORMED', /phone number/],
    ['alias resolve nonsense', 'PHONE_MALFORMED', /phone number/],
    ['alias claim 012 --wallet dara', 'PHONE_MALFORMED', /phone number/],
    ['alias reject 012 --account dara@aclb', 'PHONE_MALFORMED', /phone number/],
    ['alias reject 012345678 --account dara', 'ACCOUNT_MALFORMED', /expected name@participant/],
    ['wallet tier dara@aclb Full', 'TIER_MALFORMED', /expected 2 to 12/],
    ['wallet create dara --bank aclb --tier 7', 'TIER_MALFORMED', /expected 2 to 12/],
    ['alias release 012345678', 'WALLET_NOT_FOUND', /there is no wallet/],
    ['issue aclb', 'USAGE', /missing required argument 'amount'/],
    ['issue ACLB 1 KHR', 'PARTICIPANT_MALFORMED', /ACLB/],
    ['tx 1234', 'HASH_MALFORMED', /64 lowercase hexadecimal digits/],
    ['receipt verify', 'USAGE', /missing required argument 'file'/],
    [`receipt verify ${data}/none --genesis ${data}/none`, 'FILE_UNUSABLE', /cannot read/],
    ['status --url nonsense', 'URL_INVALID', /nonsense/],
  ];
  for (const [argv, code, says] of cases) {
    const { stderr, ...ran } = await run(['--data', data, ...argv.split(' ')]);
    t.strictSame(ran, { code: 2, stdout: '' }, argv);
    t.match(stderr, says, argv);
    if (argv !== 'wallet') t.match(stderr, new RegExp(`^tonle: [^\\n]+ \\(${code}\\)\\n$`), argv);
  }
  t.strictSame(readdirSync(data), [], 'nothing was made');
});

test('without a network the commands say how to get one', async (t) => {
  const data = t.testdir();
  for (const argv of [
    'status',
    'supply',
    'balance dara@aclb',
    `tx ${HASH}`,
    'issue aclb 1 KHR',
    'alias resolve 012345678',
  ]) {
    const { code, stderr } = await run(['--data', data, ...argv.split(' ')]);
    t.equal(code, exitCode('UNREACHABLE'), argv);
    t.match(stderr, /there is no local network in .*tonle up.*\(NO_NETWORK\)/, argv);
  }
  t.match(await run(['--data', data, 'wallet', 'list']), { code: 0, stdout: /^no wallets yet/ });
  const away = await run(['--data', data, 'status', '--url', await closedUrl()]);
  t.match(away, { code: exitCode('UNREACHABLE'), stderr: /no node answers at .*\(NODE_UNREACHABLE\)/ });
});

test('key files that cannot be used end in their own number', async (t) => {
  const data = t.testdir();
  const url = await fakeNode(t, {});
  const pay = ['--data', data, '--url', url, 'pay', 'sophea@cnb', '5', 'KHR'];
  const wallets = path.join(data, 'wallets');
  mkdirSync(wallets, { mode: 0o700 });
  const seed = systemRandom.bytes(32);
  const label = { name: 'dara@aclb', kind: 'wallet' } as const;
  const file = path.join(wallets, 'dara.json');
  writeFileSync(file, encodeKeyFile(seed, label, 'right', systemRandom, 2 ** 10), { mode: 0o600 });
  const cases: readonly (readonly [env: Record<string, string>, says: RegExp])[] = [
    [{}, /dara\.json is needed: set TONLE_PASSWORD.*\(KEY_FILE_PASSWORD_NEEDED\)/],
    [{ TONLE_PASSWORD: 'wrong' }, /\(KEY_FILE_PASSWORD\)/],
  ];
  for (const [env, stderr] of cases) t.match(await run(pay, env), { code: exitCode('KEY_FILE'), stdout: '', stderr });
  const opened = await run(pay, { TONLE_PASSWORD: 'right' });
  t.match(
    opened,
    { code: exitCode('UNKNOWN_OUTCOME'), stderr: /\(UNKNOWN_OUTCOME\)/ },
    'the right one gets as far as the node',
  );
  if (process.platform !== 'win32') {
    chmodSync(file, 0o644);
    const readable = await run(pay, { TONLE_PASSWORD: 'right' });
    t.match(readable, { code: exitCode('KEY_FILE'), stderr: /can be read by others.*\(KEY_FILE_READABLE\)/ });
  }
});

test('an answer that does not come is unknown, never a failure', async (t) => {
  const pending = { id: HASH, state: 'pending', receipt: null, message: 'It waits.' };
  const cases: readonly (readonly [what: string, submit: Handler])[] = [
    ['the node stops waiting', (_, response) => send(response, 202, pending)],
    ['the connection breaks', (request) => void request.socket.destroy()],
  ];
  for (const [what, submit] of cases) {
    const { data, url } = await walletAndNode(t, { submit });
    const human = await run(['--data', data, '--url', url, 'pay', '012345678', '5', 'KHR']);
    t.match(human, { code: exitCode('UNKNOWN_OUTCOME'), stdout: '' }, what);
    t.match(
      human.stderr,
      /nothing has failed: transaction [0-9a-f]{64} may still become final\. Ask with `tonle tx [0-9a-f]{64}`/,
    );
  }
});

test('whoever does not wait gets the id to ask with', async (t) => {
  const pending = { id: HASH, state: 'pending', receipt: null, message: 'It waits.' };
  const urls: string[] = [];
  const { data, url } = await walletAndNode(t, {
    submit: (request, response) => {
      urls.push(request.url ?? '');
      send(response, 202, pending);
    },
  });
  const human = await run(['--data', data, '--url', url, 'pay', '012345678', '5', 'KHR', '--no-wait']);
  t.match(human, { code: 0, stdout: `taken, not final yet: ask with \`tonle tx ${HASH}\`\n` });
  const json = await ask(['--data', data, '--url', url, 'pay', '012345678', '5', 'khr', '--no-wait']);
  t.match(json, {
    id: HASH,
    state: 'pending',
    to: 'sophea@cnb',
    phone: PHONE,
    amount: { currency: 'KHR', value: '5' },
  });
  t.strictSame(urls, ['/api/v1/transactions', '/api/v1/transactions']);
});

test('a refusal keeps its code, and a receipt file is never overwritten', async (t) => {
  const error = { code: 'INSUFFICIENT_FUNDS', message: 'The balance is lower than the amount.' };
  let submitted = 0;
  const { data, url } = await walletAndNode(t, {
    submit: (_, response) => {
      submitted += 1;
      send(response, 422, { error });
    },
  });
  const refused = await run(['--data', data, '--url', url, 'pay', '012345678', '5', 'KHR']);
  t.match(refused, {
    code: exitCode('REFUSED'),
    stderr: /The balance is lower than the amount\. \(INSUFFICIENT_FUNDS\)/,
  });
  t.equal(submitted, 1);
  const file = path.join(data, 'taken');
  writeFileSync(file, 'mine');
  const kept = await run(['--data', data, '--url', url, 'pay', '012345678', '5', 'KHR', '--receipt', file]);
  t.match(kept, { code: exitCode('USAGE'), stderr: /exists already.*\(FILE_UNUSABLE\)/ });
  t.equal(submitted, 1, 'nothing was sent');
});

test('what only a bank can do asks for its token', async (t) => {
  const { data, url } = await walletAndNode(t, {});
  const needed: readonly (readonly [argv: string, code: string, exit: ExitName])[] = [
    ['wallet create sok --bank aclb --no-encrypt', 'TOKEN_NEEDED', 'USAGE'],
    ['alias register 012345679', 'TOKEN_NEEDED', 'USAGE'],
    ['alias claim 012345679', 'TOKEN_NEEDED', 'USAGE'],
    ['alias reject 012345679 --account dara@aclb', 'TOKEN_NEEDED', 'USAGE'],
    ['wallet tier dara full', 'TOKEN_NEEDED', 'USAGE'],
    ['redeem aclb 5 KHR', 'TOKEN_NEEDED', 'USAGE'],
    ['issue aclb 5 KHR', 'OFFICER_KEY_NEEDED', 'USAGE'],
    [`issue aclb 5 KHR --officer-key ${data}/none.json`, 'KEY_FILE_MISSING', 'KEY_FILE'],
    [`issue aclb 5 KHR --officer-key ${data}/wallets/dara.json`, 'KEY_FILE_WRONG', 'KEY_FILE'],
    [`redeem aclb 5 KHR --home ${data}/none`, 'KEY_FILE_MISSING', 'KEY_FILE'],
  ];
  for (const [argv, code, exit] of needed) {
    const ran = await run(['--data', data, '--url', url, ...argv.split(' ')]);
    t.match(ran, { code: exitCode(exit), stdout: '', stderr: new RegExp(`\\(${code}\\)\\n$`) }, argv);
  }
});

test('a number is bound with the token alone', async (t) => {
  const registered: (readonly [token: string | undefined, aliasKey: string, account: string, phone: string])[] = [];
  const { data, url } = await walletAndNode(t, {
    open: (_, response) => send(response, 200, FINAL),
    attest: ({ headers }, response, body) => {
      const { transaction, phone } = JSON.parse(body) as { readonly transaction: string; readonly phone: string };
      const { commands } = decode(transactionSchema, fromHex(transaction), MAX_TRANSACTION_BYTES).body;
      for (const command of commands) {
        if (command.type !== 'registerAlias') continue;
        registered.push([headers.authorization, command.aliasKey, command.account, phone]);
      }
      send(response, 200, FINAL);
    },
  });
  const bank = ['--data', data, '--url', url];
  const create = 'wallet create sok --bank aclb --no-encrypt --token x --phone'.split(' ');
  const made = await run([...bank, ...create, '012 345 678']);
  t.match(made, { code: 0, stdout: /^sok@aclb is open, and payments to \+85512345678 go there\n/ });
  const bound = await run([...bank, 'alias', 'register', '012345678', '--wallet', 'dara'], { TONLE_TOKEN: 'y' });
  t.match(bound, { code: 0, stdout: /^payments to \+85512345678 now go to dara@aclb: final in block 1,/ });
  t.strictSame(registered, [
    ['Bearer x', HASH, 'sok@aclb', PHONE],
    ['Bearer y', HASH, 'dara@aclb', PHONE],
  ]);
});

test('a wallet whose account the bank refuses is not kept; one whose answer was lost is', async (t) => {
  const { data, url } = await walletAndNode(t, {
    open: (_, response) =>
      send(response, 409, { error: { code: 'ACCOUNT_EXISTS', message: 'The account is open already.' } }),
  });
  const create = [
    '--data',
    data,
    '--url',
    url,
    'wallet',
    'create',
    'sok',
    '--bank',
    'aclb',
    '--no-encrypt',
    '--token',
    'x',
  ];
  t.match(await run(create), { code: exitCode('REFUSED'), stderr: /\(ACCOUNT_EXISTS\)/ });
  const file = path.join(data, 'wallets', 'sok.json');
  t.notOk(existsSync(file));

  const opened: string[] = [];
  const lossy = await fakeNode(t, {
    open: (request, response, body) => {
      opened.push((JSON.parse(body) as { publicKey: string }).publicKey);
      if (opened.length === 1) return void request.socket.destroy();
      send(response, 200, FINAL);
    },
  });
  const again = create.with(3, lossy);
  t.match(await run(again), { code: exitCode('UNKNOWN_OUTCOME') });
  t.ok(existsSync(file));
  t.match(await run(again), { code: 0, stdout: /^sok@aclb is open\n/ });
  t.equal(opened[0], opened[1], 'the same key is opened again');
});

test('outside a local network a key is encrypted unless that is declined', async (t) => {
  const data = t.testdir();
  const url = await fakeNode(t, { open: (_, response) => send(response, 200, FINAL) });
  const create = ['--data', data, '--url', url, 'wallet', 'create', 'sok', '--bank', 'aclb', '--token', 'x'];
  t.match(await run(create), { code: exitCode('KEY_FILE'), stderr: /\(KEY_FILE_PASSWORD_NEEDED\)/ });
  t.strictSame(readdirSync(data), [], 'nothing was made');
  const file = path.join(data, 'wallets', 'sok.json');
  t.match(await ask(create, { TONLE_PASSWORD: 'secret' }), { account: 'sok@aclb', encrypted: true, file });
  t.match(readFileSync(file, 'utf8'), /"encryption": "scrypt-xchacha20poly1305"/);
});

// ---------------------------------------------------------------- a node that answers as it is told

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

interface Script {
  /** Answers `POST transactions`; `pending` where absent. */
  readonly submit?: Handler;
  /** Answers `POST accounts` of the operator API. */
  readonly open?: Handler;
  /** Answers `POST attest` of the operator API. */
  readonly attest?: Handler;
}

async function walletAndNode(t: Test, script: Script): Promise<{ data: string; url: string }> {
  const data = t.testdir();
  await createWallet(data, { name: 'dara', bank: 'aclb' as ParticipantId, password: null }, systemRandom);
  return { data, url: await fakeNode(t, script) };
}

async function fakeNode(t: Test, { submit, open, attest }: Script): Promise<string> {
  const pending: Handler = (_, response) =>
    send(response, 202, { id: HASH, state: 'pending', receipt: null, message: 'It waits.' });
  const routes: Readonly<Record<string, Handler>> = {
    'GET /api/v1/status': (_, response) => send(response, 200, statusJson()),
    'GET /api/v1/aliases/%2B85512345678': (_, response) =>
      send(response, 200, { account: 'sophea@cnb', epoch: 1, aliasKey: HASH, claim: null }),
    'POST /api/v1/transactions': submit ?? pending,
    'POST /operator/v1/accounts': open ?? pending,
    'POST /operator/v1/alias-key': (_, response, body) =>
      send(response, 200, { phone: (JSON.parse(body) as { phone: string }).phone, aliasKey: HASH }),
    'POST /operator/v1/attest': attest ?? pending,
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const route = routes[`${request.method} ${request.url?.split('?')[0]}`];
      if (route !== undefined) return route(request, response, Buffer.concat(chunks).toString());
      send(response, 404, { error: { code: 'ACCOUNT_NOT_FOUND', message: 'There is no such account.' } });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function statusJson() {
  const currencies = [
    { code: 'KHR', exponent: 0, maxAmount: '1000000' },
    { code: 'USD', exponent: 2, maxAmount: '1000.00' },
  ];
  return {
    participant: 'aclb',
    network: 'test',
    chainId: CHAIN,
    currencies,
    timeMs: 1_000_000,
    maxValidityMs: 600_000,
  };
}

async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
