/**
 * What every engine does: a list of cases that a test file runs over an engine of its own, each on a network of four
 * banks that are up, joined and level; the first of them on a new one. Cases wait for conditions, and count on no time that a slow machine could not keep.
 */
import { settlementAccount } from '../codec/text.ts';
import { transactionId } from '../crypto/ids.ts';
import type { AccountId, Command, Transaction } from '../types/index.ts';
import type { JournalEntry } from './engine.ts';
import {
  ACLB,
  ALL,
  balance,
  CNB,
  type EngineCase,
  final,
  issue,
  KHR,
  level,
  NBC,
  newcomers,
  open,
  PATIENCE_MS,
  pay,
  transactionBy,
  WING,
  wordOf,
} from './engine-asks.suite.ts';
import { failureCases } from './engine-failures.suite.ts';

const moneyCases: readonly EngineCase[] = [
  {
    name: 'a new network has no block, and one state',
    async run(engine, check) {
      const [one, ...others] = await level(engine);
      check.strictSame([one?.height, one?.hash], [0, null], 'before the first block');
      for (const head of others) check.strictSame(head, one, 'everybody begins alike');
    },
  },
  {
    name: 'a payment becomes final, and every bank knows it',
    async run(engine, check) {
      const { dara, sok } = newcomers(engine);
      const before = await engine.bank(ACLB).supply(KHR);
      await open(engine, dara, 1_000n);
      await open(engine, sok, 0n);
      const ending = await engine.bank(ACLB).submit(pay(engine, dara, sok, 300n), PATIENCE_MS);
      check.ok(ending.kind === 'final' && ending.receipt.status === 0, 'it is final, with a receipt');
      await level(engine);
      for (const id of ALL) {
        check.strictSame(await balance(engine, id, dara), 700n, `what ${id} says that the payer has`);
        check.strictSame(await balance(engine, id, sok), 300n, `what ${id} says that the payee has`);
        const supply = await engine.bank(id).supply(KHR);
        const [issuedMinor, sumMinor] = [before.issuedMinor + 1_000n, before.sumMinor + 1_000n];
        check.strictSame(supply, { ...before, issuedMinor, sumMinor }, `the money at ${id}`);
      }
      check.strictSame(await engine.bank(WING).account('nobody@aclb' as AccountId), null, 'an account nobody opened');
    },
  },
  {
    name: 'heads are equal where blocks are, and differ before and after a payment',
    async run(engine, check) {
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
      const { dara } = newcomers(engine);
      await open(engine, dara, 100n);
      const tries: [Transaction, string][] = [
        [pay(engine, dara, settlementAccount(CNB), 101n), 'INSUFFICIENT_FUNDS'],
        [pay(engine, dara, 'nobody@cnb' as AccountId, 1n), 'PAYEE_NOT_FOUND'],
        [pay(engine, dara, settlementAccount(CNB), 1n, -1_000), 'EXPIRED'],
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
      const { dara } = newcomers(engine);
      await open(engine, dara, 100n);
      const transaction = pay(engine, dara, settlementAccount(CNB), 10n);
      const first = await engine.bank(ACLB).submit(transaction, PATIENCE_MS);
      await level(engine);
      for (const id of ALL) check.strictSame(await engine.bank(id).submit(transaction, PATIENCE_MS), first, id);
      check.strictSame(await balance(engine, ACLB, dara), 90n, 'it took effect once');
    },
  },
  {
    name: 'a phone number leads to the account that it is bound to',
    async run(engine, check) {
      const { dara } = newcomers(engine);
      await open(engine, dara, 0n);
      const key = engine.aliasKey('+85512000001');
      check.strictSame(await engine.bank(CNB).alias(key), null, 'before it is bound');
      const command: Command = { type: 'registerAlias', aliasKey: key, account: dara };
      await final(engine, ACLB, transactionBy(engine, [`wallet/${dara}`, `operator/${ACLB}`], [command]));
      await level(engine);
      check.strictSame(await engine.bank(CNB).alias(key), { account: dara, epoch: 1 }, 'bound');
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
      const batches = heard.filter((entry) => entry.type === 'batched');
      const batched = batches.find(({ transactions }) => transactions.includes(id));
      check.ok(batched?.bank === WING, 'its bank sends it off');
      const digest = batched?.digest;
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

export const engineCases: readonly EngineCase[] = [...moneyCases, ...failureCases];

function riel(minor: bigint) {
  return { currency: KHR, minor };
}
