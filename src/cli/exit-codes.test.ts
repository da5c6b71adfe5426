/** Exit codes: the numbers that scripts rely on, and which error ends in which. */
import { test } from 'tap';
import { ERROR_STATUS } from '../api/index.ts';
import { AssertionError, CodedError } from '../errors.ts';
import { STATUSES } from '../ledger/status.ts';
import { POOL_REFUSALS } from '../node/refusals.ts';
import { STORAGE_ERRORS } from '../storage/index.ts';
import { EXIT_CODES, exitCode, exitCodeOf } from './exit-codes.ts';

test('no number ever changes its meaning', async (t) => {
  t.strictSame(Object.fromEntries(EXIT_CODES.map(({ name, code }) => [name, code])), {
    OK: 0,
    INTERNAL: 1,
    USAGE: 2,
    REFUSED: 3,
    UNREACHABLE: 4,
    UNKNOWN_OUTCOME: 5,
    NOT_VALID: 6,
    STORY_FAILED: 7,
    GENESIS_INVALID: 10,
    FOLDER_FOREIGN: 11,
    DATA_CORRUPT: 12,
    FOLDER_IN_USE: 13,
    PORT_TAKEN: 14,
    KEY_FILE: 15,
    DISK_FAILED: 16,
    INVARIANT: 17,
    NODE_TOO_OLD: 69,
  });
  for (const { name, meaning, remedy } of EXIT_CODES) t.ok(meaning.endsWith('.') && remedy.endsWith('.'), name);
});

test('an error ends in the number of its code', async (t) => {
  const coded = (code: string) => new CodedError(code, 'a sentence');
  const system = (code: string) => Object.assign(new Error('a sentence'), { code });
  const cases: readonly (readonly [error: unknown, name: Parameters<typeof exitCode>[0]])[] = [
    [new Error('a bug'), 'INTERNAL'],
    ['thrown text', 'INTERNAL'],
    [system('ERR_ASSERTION'), 'INTERNAL'],
    [coded('NODE_NOT_STARTED'), 'INTERNAL'],
    [coded('USAGE'), 'USAGE'],
    [coded('AMOUNT_NEGATIVE'), 'USAGE'],
    [coded('PHONE_MALFORMED'), 'USAGE'],
    [coded('RATE_LIMITED'), 'REFUSED'],
    [coded('A_CODE_OF_TOMORROW'), 'REFUSED'],
    [coded('NO_NETWORK'), 'UNREACHABLE'],
    [coded('NODE_UNREACHABLE'), 'UNREACHABLE'],
    [coded('NO_ANSWER'), 'UNKNOWN_OUTCOME'],
    [coded('UNKNOWN_OUTCOME'), 'UNKNOWN_OUTCOME'],
    [coded('NOT_VALID'), 'NOT_VALID'],
    [coded('GENESIS_INVALID'), 'GENESIS_INVALID'],
    [coded('NODE_CONFIG_INVALID'), 'GENESIS_INVALID'],
    [coded('FOLDER_NOT_EMPTY'), 'FOLDER_FOREIGN'],
    [coded('NOT_A_HOME'), 'FOLDER_FOREIGN'],
    [coded('CHAIN_CORRUPT'), 'DATA_CORRUPT'],
    [coded('STATE_AHEAD'), 'DATA_CORRUPT'],
    [coded('SIGN_STATE_LOST'), 'DATA_CORRUPT'],
    [coded('PORT_TAKEN'), 'PORT_TAKEN'],
    [coded('NETWORK_LISTEN'), 'PORT_TAKEN'],
    [system('EADDRINUSE'), 'PORT_TAKEN'],
    [coded('KEY_FILE_PASSWORD'), 'KEY_FILE'],
    [coded('KEY_FILE_READABLE'), 'KEY_FILE'],
    [system('ENOSPC'), 'DISK_FAILED'],
    [system('EIO'), 'DISK_FAILED'],
    [new AssertionError('the sum of all balances is the supply'), 'INVARIANT'],
  ];
  for (const [error, name] of cases) t.equal(exitCodeOf(error), exitCode(name), `${String(error)} -> ${name}`);
});

test('whatever the API says is a refusal, a mistake of the caller, or a failure of the node', async (t) => {
  const ends = ['REFUSED', 'USAGE', 'INTERNAL'].map((name) => exitCode(name as 'REFUSED'));
  for (const code of Object.keys(ERROR_STATUS)) t.ok(ends.includes(exitCodeOf(new CodedError(code, ''))), code);
});

test('the ledger and the pool refuse; storage never does', async (t) => {
  for (const { name } of STATUSES) t.equal(exitCodeOf(new CodedError(name, '')), exitCode('REFUSED'), name);
  for (const name of Object.keys(POOL_REFUSALS)) {
    t.equal(exitCodeOf(new CodedError(name, '')), exitCode('REFUSED'), name);
  }
  for (const { code } of STORAGE_ERRORS) t.ok(exitCodeOf(new CodedError(code, '')) >= 10, code);
});
