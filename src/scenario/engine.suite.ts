/**
 * What every engine does: a list of cases that a test file runs over an engine of its own, each on a fresh network of four
 * banks. Cases wait for conditions, and count on no time that a slow machine could not keep.
 */
import { settlementAccount } from '../codec/text.ts';
import { chainIdOf, transactionId } from '../crypto/ids.ts';
import { signTransaction } from '../crypto/sign.ts';
import { CodedError } from '../errors.ts';
import type { AccountId, Command, Currency, CurrencyCode, Nonce, ParticipantId, Transaction } from '../types/index.ts';
import type { Ending, Engine, Head, JournalEntry, KeyName } from './engine.ts';
import type { NetworkSpec } from './story.ts';

export interface EngineCase {
  readonly name: string;
  run(engine: Engine, check: Check): Promise<void>;
}

interface Check {
  ok(value: unknown, what: string): unknown;
  strictSame(found: unknown, wanted: unknown, what: string): unknown;
}

const [NBC, ACLB, CNB, WING] = ['nbc', 'aclb', 'cnb', 'wing'] as unknown as [
  ParticipantId,
  ParticipantId,
  ParticipantId,
  ParticipantId,
];
const ALL = [NBC, ACLB, CNB, WING];
const KHR = 'KHR' as CurrencyCode;
const RIEL: Currency = { code: KHR, exponent: 0, maxAmountMinor: 1_000_000_000n, maxSupplyMinor: 1_000_000_000_000n };
const DARA = 'dara@aclb' as AccountId;
const SOK = 'sok@cnb' as AccountId;

export const ENGINE_SPEC: NetworkSpec = {
  members: ALL.map((id) => ({ id, name: `Bank ${id}`, kind: id === NBC ? 'centralBank' : 'bank' })),
  currencies: [RIEL],
  tiers: [{ name: 'full', limits: [] }],
  aliasClaimDelayMs: 86_400_000,
  blockIntervalMs: 0,
  signatures: 'real',
  seed: 1,
  startsAtMs: Date.UTC(2026, 0, 5),
};

/** Long enough for any engine on any machine. */
const PATIENCE_MS = 60_000;
/** Enough to see that something does not happen. */
const SHORT_MS = 2_000;
const VALID_FOR_MS = 300_000;

// ---------------------------------------------------------------- what a story asks of an engine, in short

const nonces = new WeakMap<Engine, number>();

/** A transaction that nobody made before. */
function transactionBy(
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
  await final(engine, bank, transactionBy(engine, [`operator/${bank}`], [{ type: 'openAccount', account, publicKey }]));
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
function wordOf(ending: Ending): string {
  return ending.kind === 'refused' ? `refused ${ending.code}` : ending.kind;
}

async function balance(engine: Engine, bank: ParticipantId, account: AccountId): Promise<bigint | undefined> {
  return (await engine.bank(bank).account(account))?.balances.get(KHR);
}

async function codeOf(answer: Promise<unknown>): Promise<string> {
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

// ---------------------------------------------------------------- cases

const money: readonly EngineCase[] = [
  {
    name: 'a payment becomes final, and every bank knows it',
    async run(engine, check) {
      await open(engine, DARA, 1_000n);
      await open(engine, SOK, 0n);
      const ending = await engine.bank(ACLB).submit(pay(engine, DARA, SOK, 300n), PATIENCE_MS);
      check.ok(ending.kind === 'final' && ending.receipt.status === 0, 'it is final, with a receipt');
      await level(engine);
      for (const id of ALL) {
        check.strictSame(await balance(engine, id, DARA), 700n, `what ${id} says that the payer has`);
        check.strictSame(await balance(engine, id, SOK), 300n, `what ${id} says that the payee has`);
        const supply = await engine.bank(id).supply(KHR);
        check.strictSame(supply, { issuedMinor: 1_000n, redeemedMinor: 0n, sumMinor: 1_000n }, `the money at ${id}`);
      }
      check.strictSame(await engine.bank(WING).account('nobody@aclb' as AccountId), null, 'an account nobody opened');
    },
  },
  {
    name: 'heads are equal where blocks are, and differ before and after a payment',
    async run(engine, check) {
      const empty = await engine.bank(NBC).head();
      check.strictSame([empty.height, empty.hash], [0, null], 'before the first block');
      await final(engine, NBC, issue(engine, ACLB, 1n));
      const [one, ...others] = await level(engine);
      for (const head of others) check.strictSame(head, one, 'one block, one state');
      await final(engine, NBC, issue(engine, ACLB, 1n));
      const [two] = await level(engine);
      check.ok(one !== undefined && two !== undefined && two.height > one.height, 'the chain grows');
      check.ok(one?.stateRoot !== two?.stateRoot && one?.hash !== two?.hash, 'with another state');
    },
  },
  {
    name: 'what the ledger refuses is refused with its code and its sentence',
    async run(engine, check) {
      await open(engine, DARA, 100n);
      const tries: [Transaction, string][] = [
        [pay(engine, DARA, settlementAccount(CNB), 101n), 'INSUFFICIENT_FUNDS'],
        [pay(engine, DARA, 'nobody@cnb' as AccountId, 1n), 'PAYEE_NOT_FOUND'],
        [pay(engine, DARA, settlementAccount(CNB), 1n, -1_000), 'EXPIRED'],
        [
          transactionBy(engine, ['officer/1'], [{ type: 'issue', to: settlementAccount(WING), amount: riel(1n) }]),
          'OFFICER_QUORUM_MISSING',
        ],
      ];
      for (const [transaction, code] of tries) {
        const ending = await engine.bank(ACLB).submit(transaction, PATIENCE_MS);
        check.strictSame(wordOf(ending), `refused ${code}`, code);
        check.ok(ending.kind === 'refused' && ending.message.endsWith('.'), 'with a sentence');
      }
    },
  },
  {
    name: 'the same transaction again ends as it did, at whichever bank',
    async run(engine, check) {
      await open(engine, DARA, 100n);
      const transaction = pay(engine, DARA, settlementAccount(CNB), 10n);
      const first = await engine.bank(ACLB).submit(transaction, PATIENCE_MS);
      await level(engine);
      for (const id of ALL) check.strictSame(await engine.bank(id).submit(transaction, PATIENCE_MS), first, id);
      check.strictSame(await balance(engine, ACLB, DARA), 90n, 'it took effect once');
    },
  },
  {
    name: 'a phone number leads to the account that it is bound to',
    async run(engine, check) {
      await open(engine, DARA, 0n);
      const key = engine.aliasKey('+85512000001');
      check.strictSame(await engine.bank(CNB).alias(key), null, 'before it is bound');
      const command: Command = { type: 'registerAlias', aliasKey: key, account: DARA };
      await final(engine, ACLB, transactionBy(engine, [`wallet/${DARA}`, `operator/${ACLB}`], [command]));
      await level(engine);
      check.strictSame(await engine.bank(CNB).alias(key), { account: DARA, epoch: 1 }, 'bound');
    },
  },
  {
    name: 'a payment can be followed through the journal',
    async run(engine, check) {
      const heard: JournalEntry[] = [];
      engine.listen((entry) => heard.push(entry));
      const transaction = issue(engine, WING, 5n);
      const id = transactionId(transaction.body);
      await final(engine, WING, transaction);
      await level(engine);
      const batched = heard.find((entry) => entry.type === 'batched');
      check.ok(batched?.bank === WING && batched.transactions.includes(id), 'its bank sends it off');
      const digest = batched?.type === 'batched' ? batched.digest : '';
      const holders = heard.filter((entry) => entry.type === 'batchHeld' && entry.digest === digest);
      check.ok(holders.length > 0 && holders.every(({ bank }) => bank !== WING), 'others hold it');
      const committed = heard.filter((entry) => entry.type === 'committed');
      const own = committed.find((entry) => entry.transactions.some((each) => each.id === id && each.status === 0));
      check.ok(own !== undefined && own.signers.length >= 3, 'a block with three signatures has it');
      const said = heard.filter((entry) => 'blockHash' in entry && entry.blockHash === own?.blockHash);
      const types = new Set(said.map(({ type }) => type));
      for (const type of ['proposal', 'voted', 'committed'] as const) check.ok(types.has(type), `${type} is told`);
      check.ok(
        heard.every(({ atMs }, i) => atMs >= (i === 0 ? 0 : (heard[i - 1]?.atMs ?? 0))),
        'in the order of time',
      );
    },
  },
  {
    name: 'story time passes with a sleep',
    async run(engine, check) {
      const startMs = engine.now();
      await engine.sleep(3_600_000);
      check.ok(engine.now() - startMs >= 3_600_000, `${engine.now() - startMs} ms passed`);
      await final(engine, NBC, issue(engine, ACLB, 1n));
    },
  },
];

const failures: readonly EngineCase[] = [
  {
    name: 'a bank that is down answers nobody, the others go on, and it comes back to their state',
    async run(engine, check) {
      await open(engine, DARA, 1_000n);
      await engine.faults.crash(ACLB);
      check.strictSame(engine.faults.isRunning(ACLB), false, 'it is down');
      const paid = pay(engine, DARA, settlementAccount(CNB), 10n);
      check.strictSame(await engine.bank(ACLB).submit(paid, PATIENCE_MS), { kind: 'unreachable' }, 'a payment');
      check.strictSame(await codeOf(engine.bank(ACLB).head()), 'UNREACHABLE', 'a question');
      check.strictSame(await codeOf(engine.bank(ACLB).account(DARA)), 'UNREACHABLE', 'another one');
      await final(engine, CNB, paid);
      await engine.faults.restart(ACLB);
      check.strictSame(engine.faults.isRunning(ACLB), true, 'it is up');
      const heads = await level(engine);
      check.strictSame(new Set(heads.map(({ stateRoot }) => stateRoot)).size, 1, 'one state');
      check.strictSame(await balance(engine, ACLB, DARA), 990n, 'what it missed');
    },
  },
  {
    name: 'a running bank can be restarted',
    async run(engine, check) {
      await final(engine, WING, issue(engine, WING, 1n));
      await engine.faults.restart(WING);
      await final(engine, WING, issue(engine, WING, 1n));
      await level(engine);
      check.strictSame((await engine.bank(WING).supply(KHR)).issuedMinor, 2n, 'all is there');
    },
  },
  {
    name: 'without a quorum nothing becomes final; healed, what was waiting does',
    async run(engine, check) {
      await open(engine, DARA, 1_000n);
      const { height } = (await level(engine))[0] ?? { height: 0 };
      await engine.faults.partition([
        [NBC, ACLB],
        [CNB, WING],
      ]);
      const paid = pay(engine, DARA, settlementAccount(CNB), 10n);
      check.strictSame(await engine.bank(ACLB).submit(paid, SHORT_MS), { kind: 'pending' }, 'in the halves');
      for (const id of ALL) check.strictSame((await engine.bank(id).head()).height, height, `no block at ${id}`);
      await engine.faults.heal();
      check.strictSame((await engine.bank(ACLB).submit(paid, PATIENCE_MS)).kind, 'final', 'healed');
      await level(engine);
      check.strictSame(await balance(engine, WING, DARA), 990n, 'once');
    },
  },
  {
    name: 'a bank in no group hears nobody, and what is handed to it waits',
    async run(engine, check) {
      await open(engine, DARA, 1_000n);
      await level(engine);
      await engine.faults.partition([[NBC, ACLB, CNB]]);
      await final(engine, CNB, pay(engine, DARA, settlementAccount(CNB), 10n));
      const alone = issue(engine, WING, 7n);
      check.strictSame(await engine.bank(WING).submit(alone, SHORT_MS), { kind: 'pending' }, 'alone');
      check.strictSame(await balance(engine, WING, DARA), 1_000n, 'it knows no better');
      await engine.faults.heal();
      check.strictSame((await engine.bank(WING).submit(alone, PATIENCE_MS)).kind, 'final', 'healed');
      await level(engine);
      check.strictSame(await balance(engine, WING, DARA), 990n, 'it has caught up');
    },
  },
  {
    name: 'who waits at a bank that crashes hears that it is gone',
    async run(engine, check) {
      await engine.faults.partition([
        [NBC, ACLB],
        [CNB, WING],
      ]);
      const waiting = engine.bank(ACLB).submit(issue(engine, ACLB, 1n), PATIENCE_MS);
      await engine.sleep(SHORT_MS);
      await engine.faults.crash(ACLB);
      check.strictSame(await waiting, { kind: 'unreachable' }, 'the customer');
    },
  },
  {
    name: 'what cannot take effect in time expires',
    async run(engine, check) {
      await open(engine, DARA, 1_000n);
      await level(engine);
      await engine.faults.partition([[NBC, ACLB, CNB]]);
      const short = engine.bank(WING).submit(pay(engine, DARA, settlementAccount(CNB), 10n, SHORT_MS), PATIENCE_MS);
      await engine.sleep(2 * SHORT_MS);
      // Validity ends by the time of blocks, so one has to come.
      const other = engine.bank(CNB).submit(issue(engine, CNB, 1n), PATIENCE_MS);
      await other;
      await engine.faults.heal();
      check.strictSame(await short, { kind: 'expired' }, 'the short one');
      check.strictSame((await other).kind, 'final', 'the other one');
      await level(engine);
      check.strictSame(await balance(engine, ACLB, DARA), 1_000n, 'nothing was paid');
    },
  },
  {
    name: 'a paused bank does not answer, and goes on where it was',
    async run(engine, check) {
      await open(engine, DARA, 1_000n);
      await level(engine);
      await engine.faults.pause(WING);
      check.strictSame(engine.faults.isRunning(WING), true, 'its process is there');
      const asked = engine.bank(WING).submit(issue(engine, WING, 1n), SHORT_MS);
      check.strictSame(await asked, { kind: 'unreachable' }, 'a payment');
      check.strictSame(await codeOf(engine.bank(WING).head()), 'UNREACHABLE', 'a question');
      await final(engine, CNB, pay(engine, DARA, settlementAccount(CNB), 10n));
      await engine.faults.resume(WING);
      await level(engine);
      check.strictSame(await balance(engine, WING, DARA), 990n, 'what it missed');
      await final(engine, WING, issue(engine, WING, 1n));
    },
  },
  {
    name: 'a bank whose disk is gone comes back from the others',
    async run(engine, check) {
      await open(engine, DARA, 1_000n);
      await engine.faults.wipe(ACLB);
      check.strictSame(engine.faults.isRunning(ACLB), false, 'it is down');
      await final(engine, CNB, pay(engine, DARA, settlementAccount(CNB), 10n));
      await engine.faults.restart(ACLB);
      const heads = await level(engine);
      check.strictSame(new Set(heads.map(({ stateRoot }) => stateRoot)).size, 1, 'one state');
      check.strictSame(await balance(engine, ACLB, DARA), 990n, 'what it lost and what it missed');
    },
  },
  {
    name: 'a slow bank is slow, and nothing else',
    async run(engine, check) {
      await engine.faults.slow([WING], 300);
      await final(engine, WING, issue(engine, WING, 1n));
      await final(engine, NBC, issue(engine, NBC, 1n));
      await engine.faults.heal();
      await level(engine);
      check.strictSame((await engine.bank(WING).supply(KHR)).issuedMinor, 2n, 'both payments are there');
    },
  },
  {
    name: 'a bank that is down can be crashed and wiped again, but not paused',
    async run(engine, check) {
      await engine.faults.crash(WING);
      await engine.faults.crash(WING);
      check.strictSame(await codeOf(engine.faults.pause(WING)), 'BANK_DOWN', 'a pause');
      await engine.faults.wipe(WING);
      await engine.faults.restart(WING);
      await final(engine, WING, issue(engine, WING, 1n));
      await level(engine);
    },
  },
  {
    name: 'a bank nobody knows is an error',
    async run(engine, check) {
      const nobody = 'nobody' as ParticipantId;
      const tries = [
        () => engine.faults.crash(nobody),
        () => engine.faults.restart(nobody),
        () => engine.faults.partition([[nobody]]),
        () => engine.faults.slow([nobody], 1),
      ];
      for (const attempt of tries) check.strictSame(await codeOf(attempt()), 'BANK_UNKNOWN', String(attempt));
    },
  },
];

export const engineCases: readonly EngineCase[] = [...money, ...failures];

function riel(minor: bigint) {
  return { currency: KHR, minor };
}
