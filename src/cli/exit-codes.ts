/**
 * Every way in which the program ends, and which error leads to which: scripts and supervisors decide by the number, so
 * none is ever given to another meaning. The table is printed into the manual from here.
 */
import { AssertionError, CodedError } from '../errors.ts';

interface ExitCode {
  readonly name: string;
  readonly code: number;
  readonly meaning: string;
  readonly remedy: string;
}

export const EXIT_CODES = [
  { name: 'OK', code: 0, meaning: 'Done.', remedy: 'Nothing.' },
  {
    name: 'INTERNAL',
    code: 1,
    meaning: 'An error that the program did not expect: a bug.',
    remedy: 'Run it again with TONLE_DEBUG=1 and report what it prints.',
  },
  {
    name: 'USAGE',
    code: 2,
    meaning: 'The command, an option or a value is not well-formed.',
    remedy: 'Read the line on standard error, or add --help to the command.',
  },
  {
    name: 'REFUSED',
    code: 3,
    meaning: 'The ledger or the node said no. Nothing has changed.',
    remedy: 'The code on the line says why; correct the request.',
  },
  {
    name: 'UNREACHABLE',
    code: 4,
    meaning: 'No node answered, or no local network runs. Nothing was sent.',
    remedy: 'Start it with `tonle up`, or name a running node with --url.',
  },
  {
    name: 'UNKNOWN_OUTCOME',
    code: 5,
    meaning: 'The time is up and the transaction may still become final.',
    remedy: 'Ask with `tonle tx <id>`, or send the very same transaction again; it takes effect once.',
  },
  {
    name: 'NOT_VALID',
    code: 6,
    meaning: 'The receipt does not verify.',
    remedy: 'Do not rely on it; ask a node for a new copy.',
  },
  {
    name: 'STORY_FAILED',
    code: 7,
    meaning: 'A story was played, and an expectation did not hold, or a step stopped it.',
    remedy:
      'Read what stands below «Expected» or «The story stopped»; `tonle scenario explain last` follows a payment.',
  },
  {
    name: 'GENESIS_INVALID',
    code: 10,
    meaning: 'genesis.json or node.json of the home folder does not say what it must.',
    remedy: 'Correct the field that the line names, or copy the file from another member.',
  },
  {
    name: 'FOLDER_FOREIGN',
    code: 11,
    meaning: 'The folder is of another network or participant, or none of ours. Nothing in it was changed.',
    remedy: 'Name the right folder, or an empty one.',
  },
  {
    name: 'DATA_CORRUPT',
    code: 12,
    meaning: 'The data of the node is damaged or incomplete: it cannot prove its state and does not vote.',
    remedy: 'Follow the line on standard error; never delete sign-state.log alone.',
  },
  {
    name: 'FOLDER_IN_USE',
    code: 13,
    meaning: 'Another process has the folder open.',
    remedy: 'Stop it, or name another folder.',
  },
  {
    name: 'PORT_TAKEN',
    code: 14,
    meaning: 'A port cannot be listened on.',
    remedy: 'Free it, or choose another one (`tonle up --port`, or node.json of the home folder).',
  },
  {
    name: 'KEY_FILE',
    code: 15,
    meaning:
      'A key file or secret is missing, damaged, readable by others, of another owner, or its password is wrong.',
    remedy: 'Put the right file back with mode 600, or give the right password (TONLE_PASSWORD).',
  },
  {
    name: 'DISK_FAILED',
    code: 16,
    meaning: 'The disk refused to read, write or sync. The node stopped before it could vote on a guess.',
    remedy: 'Check the disk and its free space, then start the node again.',
  },
  {
    name: 'INVARIANT',
    code: 17,
    meaning: 'An assumption that safety rests on does not hold: a bug, or a node that computes other results.',
    remedy: 'Keep the folder as it is and report the last lines of the log.',
  },
  {
    name: 'NODE_TOO_OLD',
    code: 69,
    meaning: 'This Node.js cannot run the program.',
    remedy: 'Install Node.js 22.12 or newer.',
  },
] as const satisfies readonly ExitCode[];

export type ExitName = (typeof EXIT_CODES)[number]['name'];

/** Codes of errors that end the program otherwise than as a refusal. */
const CODES_OF: Readonly<Partial<Record<ExitName, readonly string[]>>> = {
  INTERNAL: ['INTERNAL', 'NODE_NOT_STARTED', 'BANK_DOES_NOT_START', 'BANK_ENDED', 'DIARY_UNREADABLE', 'DEMO_BROKEN'],
  USAGE: [
    'USAGE',
    'URL_INVALID',
    'ACCOUNT_MALFORMED',
    'PARTICIPANT_MALFORMED',
    'TIER_MALFORMED',
    'CURRENCY_MALFORMED',
    'HASH_MALFORMED',
    'KEY_MALFORMED',
    'NONCE_MALFORMED',
    'HEX_MALFORMED',
    'AMOUNT_MALFORMED',
    'AMOUNT_NEGATIVE',
    'AMOUNT_TOO_PRECISE',
    'AMOUNT_OVERFLOW',
    'AMOUNT_NOT_TEXT',
    'SIGNATURE_MALFORMED',
    'FIELD_MISSING',
    'FIELD_UNKNOWN',
    'PHONE_MALFORMED',
    'BYTES_TOO_LONG',
    'BYTES_MALFORMED',
    'BYTES_NOT_CANONICAL',
    'FIELD_INVALID',
    'VERSION_UNKNOWN',
    'WALLET_NOT_FOUND',
    'WALLET_AMBIGUOUS',
    'TOKEN_NEEDED',
    'OFFICER_KEY_NEEDED',
    'ENGINE_CANNOT',
    'FILE_UNUSABLE',
    'FILE_EXISTS',
    'SCENARIO_REFUSED',
    'RUN_NOT_FOUND',
    'RUN_UNREADABLE',
    'PAYMENT_NOT_FOUND',
  ],
  UNREACHABLE: ['NO_NETWORK', 'NODE_UNREACHABLE', 'NOT_A_NODE'],
  UNKNOWN_OUTCOME: ['UNKNOWN_OUTCOME', 'NO_ANSWER'],
  NOT_VALID: ['NOT_VALID'],
  STORY_FAILED: ['STORY_FAILED'],
  GENESIS_INVALID: ['GENESIS_INVALID', 'NODE_CONFIG_INVALID', 'NETWORK_ADDRESS'],
  FOLDER_FOREIGN: ['FOLDER_FOREIGN', 'FOLDER_NOT_EMPTY', 'NOT_A_HOME', 'NOT_A_LOCAL_NETWORK'],
  DATA_CORRUPT: [
    'LOG_FORMAT',
    'LOG_CORRUPT',
    'SNAPSHOT_CORRUPT',
    'CHAIN_CORRUPT',
    'STATE_AHEAD',
    'STATE_CORRUPT',
    'SIGN_STATE_CORRUPT',
    'SIGN_STATE_LOST',
    'CUSTOMERS_CORRUPT',
  ],
  FOLDER_IN_USE: ['FOLDER_IN_USE'],
  PORT_TAKEN: ['PORT_TAKEN', 'NETWORK_LISTEN'],
  KEY_FILE: [
    'KEY_FILE_MALFORMED',
    'KEY_FILE_MISMATCH',
    'KEY_FILE_MISSING',
    'KEY_FILE_PASSWORD',
    'KEY_FILE_PASSWORD_NEEDED',
    'KEY_FILE_READABLE',
    'KEY_FILE_WRONG',
    'NETWORK_KEY',
    'SECRET_MALFORMED',
  ],
  DISK_FAILED: ['FOLDER_UNUSABLE', 'LOG_FAILED', 'STATE_FAILED', 'CUSTOMERS_FAILED', 'STORAGE_CLOSED'],
};

/** Ends the program when all there is to say has been said. */
export class AlreadyTold extends CodedError {}

/** What the operating system says without a code of ours around it. */
const SYSTEM_CODES: ReadonlyMap<string, ExitName> = new Map([
  ['EADDRINUSE', 'PORT_TAKEN'],
  ['EIO', 'DISK_FAILED'],
  ['ENOSPC', 'DISK_FAILED'],
  ['EDQUOT', 'DISK_FAILED'],
  ['EROFS', 'DISK_FAILED'],
  ['EACCES', 'DISK_FAILED'],
]);

const EXIT_OF_CODE: ReadonlyMap<string, ExitName> = new Map(
  Object.entries(CODES_OF).flatMap(([name, codes]) => codes.map((code) => [code, name as ExitName] as const)),
);

/** The number of a named way to end. */
export function exitCode(name: ExitName): number {
  const found = EXIT_CODES.find((entry) => entry.name === name);
  return found?.code ?? 1;
}

/** How the program ends for an error: a coded error that the table does not name is a refusal. */
export function exitCodeOf(error: unknown): number {
  return exitCode(exitNameOf(error));
}

/** The code that stands on the line about an error. */
export function codeOf(error: unknown): string {
  if (error instanceof AssertionError) return 'INVARIANT';
  return error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL';
}

function exitNameOf(error: unknown): ExitName {
  if (error instanceof AssertionError) return 'INVARIANT';
  if (error instanceof CodedError) return EXIT_OF_CODE.get(error.code) ?? 'REFUSED';
  return SYSTEM_CODES.get(codeOf(error)) ?? 'INTERNAL';
}
