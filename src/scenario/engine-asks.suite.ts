/** Four banks, and what cases ask of an engine, in short. */
import { settlementAccount } from '../codec/text.ts';
import { chainIdOf } from '../crypto/ids.ts';
import { signTransaction } from '../crypto/sign.ts';
import { CodedError } from '../errors.ts';
import type {
  AccountId,
  Command,
  Currency,
  CurrencyCode,
  Nonce,
  ParticipantId,
  TierName,
  Transaction,
} from '../types/index.ts';
import type { Ending, Engine, Head, KeyName } from './engine.ts';
import type { NetworkSpec } from './story.ts';

export interface EngineCase {
  readonly name: string;
  run(engine: Engine, check: Check): Promise<void>;
}

interface Check {
  ok(value: unknown, what: string): unknown;
  strictSame(found: unknown, wanted: unknown, what: string): unknown;
}

export const [NBC, ACLB, CNB, WING] = ['nbc', 'aclb', 'cnb', 'wing'] as unknown as [
  ParticipantId,
  ParticipantId,
  ParticipantId,
  ParticipantId,
];
export const ALL = [NBC, ACLB, CNB, WING];
export const KHR = 'KHR' as CurrencyCode;
const RIEL: Currency = { code: KHR, exponent: 0, maxAmountMinor: 1_000_000_000n, maxSupplyMinor: 1_000_000_000_000n };
const FULL = 'full' as TierName;

export const ENGINE_SPEC: NetworkSpec = {
  members: ALL.map((id) => ({ id, name: `Bank ${id}`, kind: id === NBC ? 'centralBank' : 'bank' })),
  currencies: [RIEL],
  tiers: [{ name: FULL, limits: [] }],
  aliasClaimDelayMs: 86_400_000,
  blockIntervalMs: 0,
  signatures: 'real',
  seed: 1,
  startsAtMs: Date.UTC(2026, 0, 5),
};

/** Long enough for any engine on any machine. */
export const PATIENCE_MS = 60_000;
/** Enough to see that something does not happen. */
export const SHORT_MS = 2_000;
const VALID_FOR_MS = 300_000;

const met = new WeakMap<Engine, number>();

/** Two people whom no case has met before, so that cases may share a network. */
export function newcomers(engine: Engine): { readonly dara: AccountId; readonly sok: AccountId } {
  const count = (met.get(engine) ?? 0) + 1;
  met.set(engine, count);
  return { dara: `dara-${count}@aclb` as AccountId, sok: `sok-${count}@cnb` as AccountId };
}

const nonces = new WeakMap<Engine, number>();

/** A transaction that nobody made before. */
export function transactionBy(
  engine: Engine,
  signers: readonly KeyName[],
  commands: readonly Command[],
  validForMs = VALID_FOR_MS,
): Transaction {
  const count = (nonces.get(engine) ?? 0) + 1;
  nonces.set(engine, count);
  const nonce = count.toString(16).padStart(32, '0') as Nonce;
  const validUntilMs = Math.floor(engine.networkNow()) + validForMs;
  const body = { version: 1, chainId: chainIdOf(engine.genesis), validUntilMs, nonce, commands } as const;
  return signTransaction(
    body,
    signers.map((name) => engine.signer(name)),
  );
}

export function issue(engine: Engine, bank: ParticipantId, minor: bigint): Transaction {
  const to = settlementAccount(bank);
  return transactionBy(engine, ['officer/1', 'officer/2'], [{ type: 'issue', to, amount: { currency: KHR, minor } }]);
}

export function pay(engine: Engine, from: AccountId, to: AccountId, minor: bigint, validForMs?: number): Transaction {
  const amount = { currency: KHR, minor };
  const command: Command = { type: 'transfer', from, to, amount, alias: null, memo: '' };
  const signer: KeyName = from.startsWith('settlement@') ? `operator/${bankOf(from)}` : `wallet/${from}`;
  return transactionBy(engine, [signer], [command], validForMs);
}

/** Opens an account, and has its bank pay in money that the central bank issues for it. */
export async function open(engine: Engine, account: AccountId, minor: bigint): Promise<void> {
  const bank = bankOf(account);
  const { publicKey } = engine.signer(`wallet/${account}`);
  await final(
    engine,
    bank,
    transactionBy(engine, [`operator/${bank}`], [{ type: 'openAccount', account, publicKey, tier: FULL }]),
  );
  if (minor === 0n) return;
  await final(engine, bank, issue(engine, bank, minor));
  await final(engine, bank, pay(engine, settlementAccount(bank), account, minor));
}

/** @throws Error where it does not become final. */
export async function final(engine: Engine, bank: ParticipantId, transaction: Transaction): Promise<void> {
  const ending = await engine.bank(bank).submit(transaction, PATIENCE_MS);
  if (ending.kind !== 'final') throw new Error(`at ${bank}: ${wordOf(ending)}`);
}

/** Waits until all these banks have the same last block. @returns their heads. */
export async function level(engine: Engine, banks: readonly ParticipantId[] = ALL): Promise<readonly Head[]> {
  const endMs = engine.now() + PATIENCE_MS;
  for (;;) {
    const heads = await Promise.all(banks.map((id) => engine.bank(id).head()));
    if (new Set(heads.map(({ height }) => height)).size === 1) return heads;
    if (engine.now() > endMs) throw new Error(`at heights ${heads.map(({ height }) => height).join()}`);
    await engine.sleep(100);
  }
}

/** `final`, `refused INSUFFICIENT_FUNDS`. */
export function wordOf(ending: Ending): string {
  return ending.kind === 'refused' ? `refused ${ending.code}` : ending.kind;
}

export async function balance(engine: Engine, bank: ParticipantId, account: AccountId): Promise<bigint | undefined> {
  return (await engine.bank(bank).account(account))?.balances.get(KHR);
}

export async function codeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'none';
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

function bankOf(account: AccountId): ParticipantId {
  return account.slice(account.indexOf('@') + 1) as ParticipantId;
}
