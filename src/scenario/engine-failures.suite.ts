/** What every engine does when banks fail: crashes, cuts, pauses, lost disks. */
import { settlementAccount } from '../codec/text.ts';
import type { ParticipantId } from '../types/index.ts';
import {
  ACLB,
  ALL,
  balance,
  CNB,
  codeOf,
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
  SHORT_MS,
  WING,
} from './engine-asks.suite.ts';

export const failureCases: readonly EngineCase[] = [
  {
    name: 'a bank that is down answers nobody, the others go on, and it comes back to their state',
    async run(engine, check) {
      const { dara } = newcomers(engine);
      await open(engine, dara, 1_000n);
      await engine.faults.crash(ACLB);
      check.strictSame(engine.faults.isRunning(ACLB), false, 'it is down');
      const paid = pay(engine, dara, settlementAccount(CNB), 10n);
      check.strictSame(await engine.bank(ACLB).submit(paid, PATIENCE_MS), { kind: 'unreachable' }, 'a payment');
      check.strictSame(await codeOf(engine.bank(ACLB).head()), 'UNREACHABLE', 'a question');
      check.strictSame(await codeOf(engine.bank(ACLB).account(dara)), 'UNREACHABLE', 'another one');
      await final(engine, CNB, paid);
      await engine.faults.restart(ACLB);
      check.strictSame(engine.faults.isRunning(ACLB), true, 'it is up');
      const heads = await level(engine);
      check.strictSame(new Set(heads.map(({ stateRoot }) => stateRoot)).size, 1, 'one state');
      check.strictSame(await balance(engine, ACLB, dara), 990n, 'what it missed');
    },
  },
  {
    name: 'a running bank can be restarted',
    async run(engine, check) {
      const before = await engine.bank(WING).supply(KHR);
      await final(engine, WING, issue(engine, WING, 1n));
      await engine.faults.restart(WING);
      await final(engine, WING, issue(engine, WING, 1n));
      await level(engine);
      check.strictSame((await engine.bank(WING).supply(KHR)).issuedMinor, before.issuedMinor + 2n, 'all is there');
    },
  },
  {
    name: 'without a quorum nothing becomes final; healed, what was waiting does',
    async run(engine, check) {
      const { dara } = newcomers(engine);
      await open(engine, dara, 1_000n);
      const { height } = (await level(engine))[0] ?? { height: 0 };
      await engine.faults.partition([
        [NBC, ACLB],
        [CNB, WING],
      ]);
      const paid = pay(engine, dara, settlementAccount(CNB), 10n);
      check.strictSame(await engine.bank(ACLB).submit(paid, SHORT_MS), { kind: 'pending' }, 'in the halves');
      for (const id of ALL) check.strictSame((await engine.bank(id).head()).height, height, `no block at ${id}`);
      await engine.faults.heal();
      check.strictSame((await engine.bank(ACLB).submit(paid, PATIENCE_MS)).kind, 'final', 'healed');
      await level(engine);
      check.strictSame(await balance(engine, WING, dara), 990n, 'once');
    },
  },
  {
    name: 'a bank in no group hears nobody, and what is handed to it waits',
    async run(engine, check) {
      const { dara } = newcomers(engine);
      await open(engine, dara, 1_000n);
      await level(engine);
      await engine.faults.partition([[NBC, ACLB, CNB]]);
      await final(engine, CNB, pay(engine, dara, settlementAccount(CNB), 10n));
      const alone = issue(engine, WING, 7n);
      check.strictSame(await engine.bank(WING).submit(alone, SHORT_MS), { kind: 'pending' }, 'alone');
      check.strictSame(await balance(engine, WING, dara), 1_000n, 'it knows no better');
      await engine.faults.heal();
      check.strictSame((await engine.bank(WING).submit(alone, PATIENCE_MS)).kind, 'final', 'healed');
      await level(engine);
      check.strictSame(await balance(engine, WING, dara), 990n, 'it has caught up');
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
      const { dara } = newcomers(engine);
      await open(engine, dara, 1_000n);
      await level(engine);
      await engine.faults.partition([[NBC, ACLB, CNB]]);
      const short = engine.bank(WING).submit(pay(engine, dara, settlementAccount(CNB), 10n, SHORT_MS), PATIENCE_MS);
      await engine.sleep(2 * SHORT_MS);
      // Validity ends by the time of blocks, so one has to come.
      const other = engine.bank(CNB).submit(issue(engine, CNB, 1n), PATIENCE_MS);
      await other;
      await engine.faults.heal();
      check.strictSame(await short, { kind: 'expired' }, 'the short one');
      check.strictSame((await other).kind, 'final', 'the other one');
      await level(engine);
      check.strictSame(await balance(engine, ACLB, dara), 1_000n, 'nothing was paid');
    },
  },
  {
    name: 'a paused bank does not answer, and goes on where it was',
    async run(engine, check) {
      const { dara } = newcomers(engine);
      await open(engine, dara, 1_000n);
      await level(engine);
      await engine.faults.pause(WING);
      check.strictSame(engine.faults.isRunning(WING), true, 'its process is there');
      const asked = engine.bank(WING).submit(issue(engine, WING, 1n), SHORT_MS);
      check.strictSame(await asked, { kind: 'unreachable' }, 'a payment');
      check.strictSame(await codeOf(engine.bank(WING).head()), 'UNREACHABLE', 'a question');
      await final(engine, CNB, pay(engine, dara, settlementAccount(CNB), 10n));
      await engine.faults.resume(WING);
      await level(engine);
      check.strictSame(await balance(engine, WING, dara), 990n, 'what it missed');
      await final(engine, WING, issue(engine, WING, 1n));
    },
  },
  {
    name: 'a bank whose disk is gone comes back from the others',
    async run(engine, check) {
      const { dara } = newcomers(engine);
      await open(engine, dara, 1_000n);
      await engine.faults.wipe(ACLB);
      check.strictSame(engine.faults.isRunning(ACLB), false, 'it is down');
      await final(engine, CNB, pay(engine, dara, settlementAccount(CNB), 10n));
      await engine.faults.restart(ACLB);
      const heads = await level(engine);
      check.strictSame(new Set(heads.map(({ stateRoot }) => stateRoot)).size, 1, 'one state');
      check.strictSame(await balance(engine, ACLB, dara), 990n, 'what it lost and what it missed');
    },
  },
  {
    name: 'a slow bank is slow, and nothing else',
    async run(engine, check) {
      const before = await engine.bank(WING).supply(KHR);
      await engine.faults.slow([WING], 300);
      await final(engine, WING, issue(engine, WING, 1n));
      await final(engine, NBC, issue(engine, NBC, 1n));
      await engine.faults.heal();
      await level(engine);
      check.strictSame(
        (await engine.bank(WING).supply(KHR)).issuedMinor,
        before.issuedMinor + 2n,
        'both payments are there',
      );
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
