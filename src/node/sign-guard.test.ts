import t from 'tap';
import { verifyEd25519 } from '../crypto/ed25519.ts';
import { chainIdOf, statementSigningBytes } from '../crypto/ids.ts';
import { diskError, LOSE_UNSYNCED, MemoryDisk, openSignState } from '../storage/index.ts';
import { testNetwork } from '../testing/genesis.ts';
import type { BlockHash, Statement } from '../types/index.ts';
import { SignGuard } from './sign-guard.ts';

const network = testNetwork();
const chainId = chainIdOf(network.genesis);
const signer = network.signer('validator/aclb');
const A = 'aa'.repeat(32) as BlockHash;
const B = 'bb'.repeat(32) as BlockHash;

const say = (step: Statement['step'], height: number, round: number, blockHash: BlockHash | null): Statement => ({
  step,
  height,
  round,
  blockHash,
  validRound: null,
  validator: 1,
});

t.test('one value a place, in ascending order, across a restart that loses what was not synced', async (t) => {
  const rows: [statement: Statement, isSigned: boolean][] = [
    [say('propose', 5, 0, A), true],
    [say('propose', 5, 0, B), false],
    [say('prevote', 5, 0, A), true],
    [say('prevote', 5, 0, A), true],
    [say('prevote', 5, 0, null), false],
    [say('propose', 5, 0, A), true],
    [say('precommit', 5, 0, null), true],
    [say('precommit', 5, 0, A), false],
    [say('prevote', 5, 1, B), true],
    [say('precommit', 5, 0, A), false],
    [say('precommit', 5, 0, null), false],
    [say('propose', 5, 1, B), false],
    [say('prevote', 6, 0, B), true],
    [say('precommit', 5, 9, B), false],
    [say('precommit', 4, 0, B), false],
  ];
  let disk = new MemoryDisk();
  for (const [statement, isSigned] of rows) {
    const guard = new SignGuard(chainId, signer, await openSignState(disk, chainId), 4);
    const signed = guard.sign(statement, null);
    await guard.keep();
    t.equal(signed !== null, isSigned, JSON.stringify(statement));
    const message = statementSigningBytes(chainId, statement);
    if (signed !== null) t.ok(verifyEd25519(signer.publicKey, message, signed.signature));
    disk = disk.afterCrash(LOSE_UNSYNCED);
  }
});

t.test('beside a record that lost blocks, nothing new is said up to the last height that was voted at', async (t) => {
  const disk = new MemoryDisk();
  const last = say('precommit', 9, 0, A);
  const before = new SignGuard(chainId, signer, await openSignState(disk, chainId), 8);
  before.sign(last, null);
  await before.keep();
  const rows: [tip: number, statement: Statement, isSigned: boolean][] = [
    [7, say('prevote', 9, 1, B), false],
    [0, say('precommit', 9, 5, null), false],
    [7, last, true],
    [7, say('prevote', 8, 1, B), false],
    [7, say('prevote', 10, 0, B), true],
    // The record ends right before: the node takes the height up where it left it, lock and all.
    [8, say('prevote', 9, 1, A), true],
    [9, say('prevote', 10, 0, B), true],
  ];
  for (const [tip, statement, isSigned] of rows) {
    const state = await openSignState(disk.afterCrash(LOSE_UNSYNCED), chainId);
    const signed = new SignGuard(chainId, signer, state, tip).sign(statement, null);
    t.equal(signed !== null, isSigned, `${tip} ${JSON.stringify(statement)}`);
  }
});

t.test('a key that others heard say what it does not remember says nothing more in that height', async (t) => {
  const guard = new SignGuard(chainId, signer, await openSignState(new MemoryDisk(), chainId), 4);
  t.ok(guard.sign(say('prevote', 5, 0, A), null));
  guard.heard(say('prevote', 5, 0, A));
  t.ok(guard.sign(say('precommit', 5, 0, A), null), 'that was no news');
  guard.heard(say('prevote', 5, 2, B));
  t.equal(guard.sign(say('prevote', 5, 3, A), null), null);
  t.ok(guard.sign(say('prevote', 6, 0, A), null), 'in the next one it speaks again');
});

t.test('a signature that could not be recorded is never given out', async (t) => {
  let refused = false;
  const disk = new MemoryDisk(() => (refused ? { error: diskError('ENOSPC', 'write'), written: 0 } : null));
  const guard = new SignGuard(chainId, signer, await openSignState(disk, chainId), 0);
  refused = true;
  guard.sign(say('prevote', 1, 0, A), null);
  await t.rejects(guard.keep(), /ENOSPC|SIGN_STATE/);
  await t.rejects(guard.keep(), /ENOSPC|SIGN_STATE/, 'nor later');
});
