/**
 * Opens the accounts of a benchmark and gives them money, before its banks run: the blocks in which that happens are made here
 * with everybody's keys, in the home of the first bank, and the others get copies. The nodes start with them as with a past of
 * their own: they verify the record, and prove the state beside their work.
 */
import { cp, mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type Home, homePaths, readHome } from '../../src/cli/home.ts';
import { systemClock } from '../../src/cli/system.ts';
import { batch as batchSchema } from '../../src/codec/block.ts';
import { MAX_COMMANDS } from '../../src/codec/limits.ts';
import { encode } from '../../src/codec/schema.ts';
import { settlementAccount } from '../../src/codec/text.ts';
import { createSigner } from '../../src/crypto/ed25519.ts';
import { signTransaction } from '../../src/crypto/sign.ts';
import { createInlineVerifier } from '../../src/crypto/verifier.ts';
import { CodedError } from '../../src/errors.ts';
import { SEEN_PREFIX } from '../../src/ledger/keys.ts';
import { Chain } from '../../src/node/chain.ts';
import { SignGuard } from '../../src/node/sign-guard.ts';
import {
  closeData,
  openData,
  openFileDisk,
  openSignState,
  openStateStore,
  SIGN_STATE_FILE,
  setAsideStateStore,
} from '../../src/storage/index.ts';
import type { BlockHash, ChainTip, Command, Nonce } from '../../src/types/index.ts';
import { History, notFurnished, precommit } from './history.ts';
import { FUNDS, openings } from './openings.ts';
import { bankOf, type People, secretOf } from './people.ts';

export interface Furnishing {
  /** Of all participants, in the order of the genesis; without data. */
  readonly homes: readonly string[];
  readonly people: People;
  readonly onProgress: (opened: number) => void;
}

/** Below the most that one command may issue. */
const ISSUE_MINOR = 50_000_000_000n;
/** Over before the first payment is: of the replay memory, a node knows without looking what lies behind the last key of its start. */
const VALID_MS = 15_000;

/** @throws CodedError `BENCH_NOT_FURNISHED`, and those of `readHome`, `openData` and `Chain.open`. */
export async function furnish({ homes: folders, people, onProgress }: Furnishing): Promise<void> {
  const homes = await Promise.all(folders.map((folder) => readHome(folder, noPassword)));
  const [first, ...others] = homes;
  if (first === undefined) throw new RangeError('a network has homes');
  const tip = await makeHistory(first, homes, people, onProgress);
  for (const home of others) await copyData(first, home);
  for (const [validator, home] of homes.entries()) await rememberSigned(home, validator, tip);
}

async function makeHistory(
  home: Home,
  homes: readonly Home[],
  people: People,
  onProgress: Furnishing['onProgress'],
): Promise<ChainTip> {
  const { genesis, chainId } = home;
  const paths = homePaths(home.folder);
  const data = await openData({
    disk: await openFileDisk(paths.data),
    chainId,
    openState: () => openStateStore(paths.state, { growing: SEEN_PREFIX }),
    setAsideState: () => setAsideStateStore(paths.state),
    hasPeers: false,
  });
  try {
    const verifier = createInlineVerifier();
    const chain = await Chain.open({ genesis, verifier, ...data });
    if (chain.tip.height > 0) throw notFurnished(`${home.participant.id} has blocks already`);
    const validators = homes.map(({ validator }) => validator);
    const history = new History({ chain, validators, verifier, clock: systemClock });
    await history.add(issues(home, people));
    await history.flush();
    let opened = 0;
    for (const { bytes, accounts } of openings(people, chainId, validUntilMs)) {
      await history.add(bytes);
      opened += accounts;
      onProgress(opened);
    }
    await history.flush();
    await history.vouch();
    await chain.stop();
    return chain.tip;
  } finally {
    await closeData(data);
  }
}

/** What the central bank issues to each bank for its accounts. */
function issues({ genesis, chainId }: Home, people: People): Uint8Array {
  const officer = createSigner(secretOf(people.seed, 'officer/1'));
  const commands = people.banks.flatMap((bank, i): Command[] => {
    const accounts = Math.ceil((people.accounts - bankOf(people.banks.length, i)) / people.banks.length);
    return portions(BigInt(accounts) * FUNDS.minor).map((minor) => {
      return { type: 'issue', to: settlementAccount(bank), amount: { ...FUNDS, minor } };
    });
  });
  const transactions = Array.from({ length: Math.ceil(commands.length / MAX_COMMANDS) }, (_, i) => {
    const nonce = i.toString(16).padStart(32, '0') as Nonce;
    const some = commands.slice(i * MAX_COMMANDS, (i + 1) * MAX_COMMANDS);
    return signTransaction({ version: 1, chainId, validUntilMs: validUntilMs(), nonce, commands: some }, [officer]);
  });
  const author = genesis.participants.find(({ kind }) => kind === 'centralBank')?.id;
  if (author === undefined) throw new RangeError('a network has a central bank');
  return encode(batchSchema, { version: 1, chainId, author, transactions });
}

function portions(minor: bigint): bigint[] {
  const found: bigint[] = [];
  for (let left = minor; left > 0n; left -= ISSUE_MINOR) found.push(left < ISSUE_MINOR ? left : ISSUE_MINOR);
  return found;
}

function validUntilMs(): number {
  return systemClock.now() + VALID_MS;
}

/** The record, its snapshots and the state, on the disk; not what the key of the other home has signed. */
async function copyData(from: Home, to: Home): Promise<void> {
  const [source, target] = [homePaths(from.folder).data, homePaths(to.folder).data];
  const notShared: ReadonlySet<string> = new Set([SIGN_STATE_FILE, 'LOCK']);
  await mkdir(target, { recursive: true, mode: 0o700 });
  await cp(source, target, { recursive: true, filter: (file) => !notShared.has(path.basename(file)) });
  // Nodes take what they find for synced, and what the system still has to write would be written while they are measured.
  for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
    const copy = await open(path.join(entry.parentPath, entry.name), 'r');
    await copy.sync().finally(() => copy.close());
  }
}

/** A key that has certified blocks must know it, or its node does not start. */
async function rememberSigned({ folder, chainId, validator: signer }: Home, validator: number, tip: ChainTip) {
  const store = await openSignState(await openFileDisk(homePaths(folder).data), chainId);
  try {
    const guard = new SignGuard(chainId, signer, store, tip.height);
    guard.sign(precommit(tip.height, tip.hash as BlockHash, validator), null);
    await guard.keep();
  } finally {
    await store.close();
  }
}

function noPassword(file: string): Promise<never> {
  return Promise.reject(
    new CodedError('KEY_FILE_PASSWORD_NEEDED', `${file} is encrypted; those of a benchmark are not`),
  );
}
