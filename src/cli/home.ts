/**
 * The home folder of a node: everything a participant's node needs, readable by its owner only. What makes one writes new
 * files and nothing else; what reads one changes nothing, and refuses files that do not belong together.
 *
 * | file | meaning | shared |
 * |---|---|---|
 * | `genesis.json` | rules and members of the network | by all, the same bytes |
 * | `node.json` | participant, addresses to listen on, addresses of the others | no |
 * | `keys/validator.json`, `keys/network.json`, `keys/operator.json` | key files, see `crypto/keyfile.ts` | never |
 * | `keys/officer-<n>.json` | at the central bank: who issues and redeems | never |
 * | `alias-secret` | 32 bytes of hex, from which phone numbers get their alias | by the members |
 * | `operator-token` | 32 bytes of hex, opens this node's operator API | with the bank's own systems |
 * | `customers/` | LevelDB: the bank's own store of names and numbers | never |
 * | `data/` | the node's record, see `storage/keys.ts` | no |
 */
import { mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { genesisToJson, parseGenesis } from '../codec/genesis-json.ts';
import { fromHex, isHex } from '../codec/hex.ts';
import { createSigner, isValidPublicKey } from '../crypto/ed25519.ts';
import { chainIdOf } from '../crypto/ids.ts';
import { decodeKeyFile, type KeyFile } from '../crypto/keyfile.ts';
import { CodedError } from '../errors.ts';
import type { Signer } from '../ports.ts';
import type { ChainId, Genesis, Participant } from '../types/index.ts';
import { type NodeConfig, nodeConfigToJson, parseNodeConfig } from './node-config.ts';
import type { PasswordSource } from './password.ts';

export interface Home {
  /** Absolute path. */
  readonly folder: string;
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly participant: Participant;
  readonly config: NodeConfig;
  readonly validator: Signer;
  readonly operator: Signer;
  /** Ed25519 seed of the network key. */
  readonly networkSeed: Uint8Array;
  readonly aliasSecret: Uint8Array;
  readonly operatorToken: string;
}

/** What a new home is made of. Key files by name: `validator`, `network`, `operator`, `officer-1`. */
export interface HomeContent {
  readonly genesis: Genesis;
  readonly config: NodeConfig;
  readonly keyFiles: ReadonlyMap<string, string>;
  /** Hex. */
  readonly aliasSecret: string;
  /** Hex. */
  readonly operatorToken: string;
}

/** Where the parts of a home are. */
export function homePaths(folder: string) {
  const at = (...names: string[]) => path.resolve(folder, ...names);
  return {
    folder: at(),
    genesis: at('genesis.json'),
    config: at('node.json'),
    keys: at('keys'),
    key: (name: string) => at('keys', `${name}.json`),
    aliasSecret: at('alias-secret'),
    operatorToken: at('operator-token'),
    customers: at('customers'),
    data: at('data'),
    state: at('data', 'state'),
    log: at('node.log'),
  };
}

/**
 * Makes a home in a folder that is absent or empty.
 *
 * @throws CodedError `FOLDER_NOT_EMPTY`, `FOLDER_UNUSABLE`; nothing that exists is ever overwritten.
 */
export async function createHome(folder: string, content: HomeContent): Promise<void> {
  const paths = homePaths(folder);
  await makeEmptyFolder(paths.folder);
  await mkdir(paths.keys, { mode: OWNER_ONLY_FOLDER });
  await writeNew(paths.genesis, genesisToJson(content.genesis));
  await writeNew(paths.config, nodeConfigToJson(content.config));
  for (const [name, text] of content.keyFiles) await writeNew(paths.key(name), text);
  await writeNew(paths.aliasSecret, `${content.aliasSecret}\n`);
  await writeNew(paths.operatorToken, `${content.operatorToken}\n`);
}

/** @throws CodedError `FOLDER_NOT_EMPTY` where anything is in it, `FOLDER_UNUSABLE` where it cannot be made. */
export async function makeEmptyFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
    if ((await readdir(folder)).length === 0) return;
  } catch (cause) {
    throw new CodedError('FOLDER_UNUSABLE', `${folder} cannot be used (${reasonOf(cause)})`, { cause });
  }
  throw new CodedError('FOLDER_NOT_EMPTY', `${folder} is not empty; name a new folder, nothing is overwritten`);
}

/** Writes a file that only its owner can read. @throws CodedError `FOLDER_NOT_EMPTY` where it exists. */
export async function writeNew(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', OWNER_ONLY_FILE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause;
    throw new CodedError('FOLDER_NOT_EMPTY', `${file} exists already; nothing is overwritten`, { cause });
  }
}

/**
 * Reads and checks a home.
 *
 * @throws CodedError `NOT_A_HOME`, `GENESIS_INVALID`, `NODE_CONFIG_INVALID`, `FOLDER_FOREIGN` (the genesis does not list
 *   the participant), `KEY_FILE_WRONG` (a key is not the one the genesis lists), and those of `readKey`.
 */
export async function readHome(folder: string, password: PasswordSource): Promise<Home> {
  const paths = homePaths(folder);
  const genesis = await readGenesis(paths.genesis);
  const config = parseNodeConfig(await readPart(paths.config, 'NOT_A_HOME'), paths.config);
  const participant = genesis.participants.find((entry) => entry.id === config.participant);
  if (participant === undefined) {
    const members = genesis.participants.map((entry) => entry.id).join(', ');
    throw new CodedError(
      'FOLDER_FOREIGN',
      `${paths.config} is of ${config.participant}, whom ${paths.genesis} does not list (${members}); ` +
        'put the genesis of its own network back',
    );
  }
  const { validator, network, operator } = await readOwnKeys(paths, participant, password);
  return {
    folder: paths.folder,
    genesis,
    chainId: chainIdOf(genesis),
    participant,
    config,
    validator: createSigner(validator.seed),
    operator: createSigner(operator.seed),
    networkSeed: network.seed,
    aliasSecret: fromHex(await readSecret(paths.aliasSecret)),
    operatorToken: await readSecret(paths.operatorToken),
  };
}

type Paths = ReturnType<typeof homePaths>;

/** The three keys of a participant, each the one that the genesis lists. */
async function readOwnKeys(paths: Paths, participant: Participant, password: PasswordSource) {
  const own = {
    validator: await readKey(paths.key('validator'), password),
    network: await readKey(paths.key('network'), password),
    operator: await readKey(paths.key('operator'), password),
  };
  const listed = {
    validator: participant.validatorKey,
    network: participant.networkKey,
    operator: participant.operatorKey,
  };
  const names = ['validator', 'network', 'operator'] as const;
  const wrong = names.filter((name) => own[name].kind !== name || own[name].publicKey !== listed[name]);
  if (wrong.length === names.length) {
    throw new CodedError(
      'FOLDER_FOREIGN',
      `${paths.genesis} lists other keys for ${participant.id} than ${paths.keys} holds: they are of two networks; put ` +
        'the genesis of its own network back',
    );
  }
  const [first] = wrong;
  if (first === undefined) return own;
  throw new CodedError(
    'KEY_FILE_WRONG',
    `${paths.key(first)} is not the ${first} key that the genesis lists for ${participant.id}; put the right key file back`,
  );
}

/** @throws CodedError `NOT_A_HOME` where the file is absent, `GENESIS_INVALID` for what is in it. */
async function readGenesis(file: string): Promise<Genesis> {
  const text = await readPart(file, 'NOT_A_HOME');
  const genesis = parsing(file, () => parseGenesis(text));
  const keys = genesis.participants.flatMap(({ operatorKey, validatorKey, networkKey }) => [
    operatorKey,
    validatorKey,
    networkKey,
  ]);
  const weak = [...keys, ...genesis.officers.keys].find((key) => !isValidPublicKey(fromHex(key)));
  if (weak !== undefined) {
    throw new CodedError('GENESIS_INVALID', `${file}: ${weak} is not a point of prime order in canonical form`);
  }
  return genesis;
}

/**
 * Reads a key file, asking for its password where it is encrypted.
 *
 * @throws CodedError `KEY_FILE_MISSING`, `KEY_FILE_READABLE` (others may read it), and those of `decodeKeyFile`.
 */
export async function readKey(file: string, password: PasswordSource): Promise<KeyFile> {
  const text = await readPart(file, 'KEY_FILE_MISSING', true);
  try {
    return decodeKeyFile(text, null);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'KEY_FILE_PASSWORD_NEEDED') throw placed(file, error);
  }
  const given = await password(file);
  return parsing(file, () => decodeKeyFile(text, given));
}

/** 32 bytes as hex in a file of their own. @throws CodedError `KEY_FILE_MISSING`, `KEY_FILE_READABLE`, `SECRET_MALFORMED`. */
export async function readSecret(file: string): Promise<string> {
  const text = (await readPart(file, 'KEY_FILE_MISSING', true)).trim();
  if (isHex(text, SECRET_BYTES)) return text;
  throw new CodedError('SECRET_MALFORMED', `${file} does not hold ${SECRET_BYTES} bytes of lowercase hex`);
}

/** Of the alias secret and the operator token. */
export const SECRET_BYTES = 32;

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const OTHERS = 0o077;
/** No part of a home is larger; a wrong path may lead to anything. */
const MAX_PART_BYTES = 1024 * 1024;

async function readPart(
  file: string,
  codeIfMissing: 'NOT_A_HOME' | 'KEY_FILE_MISSING',
  secret = false,
): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw new CodedError(codeIfMissing, `${file} is no file`);
      if (secret) assertOwnersOnly(file, stat.mode);
      if (stat.size > MAX_PART_BYTES)
        throw new CodedError(codeIfMissing, `${file} is too large to be what its name says`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const what = systemCode(cause) === 'ENOENT' ? 'is missing' : `cannot be read (${reasonOf(cause)})`;
    const advice = codeIfMissing === 'NOT_A_HOME' ? '; `tonle init` makes home folders' : '; put it back from a copy';
    throw new CodedError(codeIfMissing, `${file} ${what}${advice}`, { cause });
  }
}

/** Windows has no such modes; there the user's own folder keeps others out. */
function assertOwnersOnly(file: string, mode: number): void {
  if (process.platform === 'win32' || (mode & OTHERS) === 0) return;
  const shown = (mode & 0o777).toString(8);
  throw new CodedError('KEY_FILE_READABLE', `${file} can be read by others (mode ${shown}); run chmod 600 ${file}`);
}

function parsing<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw placed(file, error);
  }
}

/** The same error with its file. */
function placed(file: string, error: unknown): unknown {
  if (!(error instanceof CodedError)) return error;
  return new CodedError(error.code, `${file}: ${error.message}`, { cause: error });
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
