/**
 * Wallets on disk: `<data>/wallets/<name>.json` is a key file (`crypto/keyfile.ts`) whose name is the account that the key
 * signs for. Listing reads labels only; a password is asked for when a key must sign.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { accountIdProblem, parseAccountId } from '../codec/text.ts';
import { createSigner } from '../crypto/ed25519.ts';
import { encodeKeyFile } from '../crypto/keyfile.ts';
import { CodedError } from '../errors.ts';
import type { Random, Signer } from '../ports.ts';
import type { AccountId, ParticipantId, PublicKey } from '../types/index.ts';
import { readKey, writeNew } from './home.ts';
import type { PasswordSource } from './password.ts';

/** An account and the key that signs for it. */
export interface Wallet {
  readonly account: AccountId;
  readonly signer: Signer;
}

/** A wallet as its file's label describes it: no secret, and nothing of it is proved yet. */
export interface WalletFile {
  /** What it is called on this machine: the file's name without `.json`. */
  readonly name: string;
  readonly account: AccountId;
  readonly publicKey: PublicKey;
  readonly encrypted: boolean;
  readonly path: string;
}

/** A wallet whose file was made just now. */
export interface CreatedWallet extends Wallet {
  readonly path: string;
}

export interface NewWallet {
  /** Of the file and of the account, so `dara` becomes `dara@aclb`. */
  readonly name: string;
  readonly bank: ParticipantId;
  /** Null leaves the key unencrypted: for development networks. */
  readonly password: string | null;
}

/**
 * Makes a key and its file; the account is opened afterwards (`openWallet`).
 *
 * @throws CodedError `ACCOUNT_MALFORMED`, `WALLET_EXISTS`: a key is never overwritten.
 */
export async function createWallet(
  data: string,
  { name, bank, password }: NewWallet,
  random: Random,
): Promise<CreatedWallet> {
  const account = parseAccountId(`${name}@${bank}`);
  const seed = random.bytes(32);
  const text = encodeKeyFile(seed, { name: account, kind: 'wallet' }, password, random);
  await mkdir(folderOf(data), { recursive: true, mode: 0o700 });
  const file = pathOf(data, name);
  try {
    await writeNew(file, text);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError('WALLET_EXISTS', `${file} exists already; choose another name, a key is never overwritten`, {
      cause,
    });
  }
  return { account, signer: createSigner(seed), path: file };
}

/** All wallets of a data folder, by name. Files that are no wallets are passed over. */
export async function listWallets(data: string): Promise<readonly WalletFile[]> {
  const names = (await filesIn(folderOf(data))).filter((name) => name.endsWith('.json')).sort();
  const found = await Promise.all(names.map((name) => readLabel(data, name.slice(0, -'.json'.length))));
  return found.filter((wallet) => wallet !== null);
}

/**
 * The wallet that is meant: by its name or its account, or the only one where nothing is said.
 *
 * @throws CodedError `WALLET_NOT_FOUND`, `WALLET_AMBIGUOUS`.
 */
export async function findWallet(data: string, wanted: string | undefined): Promise<WalletFile> {
  const wallets = await listWallets(data);
  const names = wallets.map((wallet) => wallet.name).join(', ');
  const how = 'make one with `tonle wallet create <name> --bank <participant>`';
  if (wallets.length === 0) throw new CodedError('WALLET_NOT_FOUND', `there is no wallet in ${folderOf(data)}; ${how}`);
  if (wanted === undefined) {
    const [only, second] = wallets;
    if (only !== undefined && second === undefined) return only;
    throw new CodedError('WALLET_AMBIGUOUS', `there are several wallets (${names}); say which one`);
  }
  const found = wallets.find((wallet) => wallet.name === wanted || wallet.account === wanted);
  if (found !== undefined) return found;
  throw new CodedError('WALLET_NOT_FOUND', `there is no wallet ${JSON.stringify(wanted)} here (${names}); ${how}`);
}

/** @throws CodedError `KEY_FILE_WRONG` for a key of another kind, and those of `readKey`. */
export async function unlockWallet(file: WalletFile, password: PasswordSource): Promise<Wallet> {
  const key = await readKey(file.path, password);
  if (key.kind !== 'wallet') {
    throw new CodedError('KEY_FILE_WRONG', `${file.path} holds a key of kind ${key.kind}, not a wallet's`);
  }
  return { account: parseAccountId(key.name), signer: createSigner(key.seed) };
}

function folderOf(data: string): string {
  return path.join(data, 'wallets');
}

function pathOf(data: string, name: string): string {
  return path.resolve(folderOf(data), `${name}.json`);
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

async function readLabel(data: string, name: string): Promise<WalletFile | null> {
  const file = pathOf(data, name);
  const label = parseLabel(await readFile(file, 'utf8'));
  return label === null ? null : { ...label, name, path: file };
}

function parseLabel(text: string): Pick<WalletFile, 'account' | 'publicKey' | 'encrypted'> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { kind, name, publicKey, encryption } = value as Record<string, unknown>;
  if (kind !== 'wallet' || typeof name !== 'string' || accountIdProblem(name) !== null) return null;
  if (typeof publicKey !== 'string') return null;
  return { account: name as AccountId, publicKey: publicKey as PublicKey, encrypted: encryption !== 'none' };
}
