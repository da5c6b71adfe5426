/**
 * The money machine. `applyBlock` runs the transactions of a block over a view of the state and answers with receipts,
 * writes and roots; `check` says beforehand what would become of one transaction. Both are pure: the same inputs give the
 * same bytes on every node, and what a node must load beforehand is what `touchedKeys` names.
 *
 * A transaction of a block either takes part, and gets a receipt (of success, or of the first command's refusal, in which
 * case nothing of it took effect), or is left out without a trace: seen before, expired, or valid for too long. Signatures
 * are checked before the ledger: a batch with a wrong one is refused as a whole.
 */
import { forgetRange, leafWrites, MAX_LEAF_WRITES } from '../codec/state.ts';
import { settlementAccount } from '../codec/text.ts';
import { hashEncoded } from '../crypto/hash.ts';
import { receiptLeaf, transactionsRoot } from '../crypto/ids.ts';
import { merkleRoot, merkleRootOf } from '../crypto/merkle.ts';
import type {
  BlockWrites,
  Evidence,
  Genesis,
  Hash,
  Receipt,
  StateKey,
  Transaction,
  TransactionId,
} from '../types/index.ts';
import { type Rules, runCommand, touches } from './commands.ts';
import { accountKey, evidenceKey, seenBucket, seenKey } from './keys.ts';
import { LedgerState, type View } from './state.ts';
import { type StatusName, statusCode } from './status.ts';

export { type Rules, rulesOf } from './commands.ts';

/** A transaction with its id, which is computed once where its bytes come in. */
export interface IdentifiedTransaction {
  readonly id: TransactionId;
  readonly transaction: Transaction;
}

/** What of a block the ledger needs. */
export interface BlockInput {
  readonly height: number;
  readonly timeMs: number;
  readonly parentTimeMs: number;
  readonly transactions: readonly IdentifiedTransaction[];
  readonly evidence: readonly Evidence[];
}

export interface BlockResult {
  /** Of the transactions that took part, in order. */
  readonly receipts: readonly Receipt[];
  readonly writes: BlockWrites;
  readonly transactionsRoot: Hash;
  readonly receiptsRoot: Hash;
  readonly writesRoot: Hash;
}

/** Keys that must be in the view before `check` or `applyBlock` sees these transactions and evidence. */
export function touchedKeys(
  transactions: readonly IdentifiedTransaction[],
  evidence: readonly Evidence[] = [],
): Set<StateKey> {
  const keys = new Set<StateKey>(evidence.map(evidenceKey));
  for (const { id, transaction } of transactions) {
    keys.add(seenKey(transaction.body.validUntilMs, id));
    for (const command of transaction.body.commands) for (const key of touches(command)) keys.add(key);
  }
  return keys;
}

/**
 * What would become of a transaction in a block made now: advice for whoever submits it, decided again by the block.
 *
 * @param timeMs the time such a block would have.
 * @returns the status, and the command that would be refused.
 */
export function check(
  rules: Rules,
  view: View,
  { id, transaction }: IdentifiedTransaction,
  timeMs: number,
  height: number,
): Outcome {
  const state = new LedgerState(view);
  const leftOut = reasonToLeaveOut(rules, state, id, transaction, timeMs);
  return leftOut === null
    ? runTransaction(rules, state, transaction, { height, timeMs })
    : { status: leftOut, failedCommand: null };
}

/** Runs a block's transactions in order. Throws for nothing that a transaction can contain. */
export function applyBlock(rules: Rules, view: View, input: BlockInput): BlockResult {
  const state = new LedgerState(view);
  const receipts: Receipt[] = [];
  for (const { id, transaction } of input.transactions) {
    if (reasonToLeaveOut(rules, state, id, transaction, input.timeMs) !== null) continue;
    const { status, failedCommand } = runTransaction(rules, state, transaction, input);
    state.setSeen(transaction.body.validUntilMs, id, input.height);
    state.keep();
    const index = receipts.length;
    receipts.push({
      version: 1,
      transactionId: id,
      height: input.height,
      index,
      status: statusCode(status),
      failedCommand,
    });
  }
  for (const evidence of input.evidence) state.setEvidence(evidence, input.height);
  state.keep();
  const writes = { entries: state.writes(), forget: forgotten(input) };
  return {
    receipts,
    writes,
    transactionsRoot: transactionsRoot(receipts.map((receipt) => receipt.transactionId)),
    receiptsRoot: merkleRoot(receipts.map(receiptLeaf)),
    writesRoot: writesRoot(writes),
  };
}

/** The state that a network starts with: a settlement account for each participant, and no money. */
export function genesisWrites(genesis: Genesis): BlockWrites {
  const accounts = genesis.participants.map(({ id, operatorKey }) => ({ account: settlementAccount(id), operatorKey }));
  const state = new LedgerState(new Map(accounts.map(({ account }) => [accountKey(account), null])));
  for (const { account, operatorKey } of accounts)
    state.setAccount(account, { publicKey: operatorKey, openedAtHeight: 0, tier: null, holdings: [] });
  state.keep();
  return { entries: state.writes(), forget: null };
}

/** Merkle root over everything a block changes, some entries a leaf, the forgotten range last. */
export function writesRoot({ entries, forget }: BlockWrites): Hash {
  const leaves: Hash[] = [];
  for (let at = 0; at < entries.length; at += MAX_LEAF_WRITES)
    leaves.push(hashEncoded('writesLeaf', leafWrites, entries.slice(at, at + MAX_LEAF_WRITES)));
  if (forget !== null) leaves.push(hashEncoded('forgetLeaf', forgetRange, forget));
  return merkleRootOf(entries.length + (forget === null ? 0 : 1), leaves);
}

export interface Outcome {
  readonly status: StatusName;
  readonly failedCommand: number | null;
}

function reasonToLeaveOut(
  { genesis: { rules } }: Rules,
  state: LedgerState,
  id: TransactionId,
  { body: { validUntilMs } }: Transaction,
  timeMs: number,
): StatusName | null {
  if (validUntilMs < timeMs) return 'EXPIRED';
  if (validUntilMs > timeMs + rules.maxValidityMs) return 'VALIDITY_TOO_LONG';
  return state.hasSeen(validUntilMs, id) ? 'DUPLICATE' : null;
}

/** Runs the commands; where one is refused, the changes of those before it are dropped. */
function runTransaction(
  rules: Rules,
  state: LedgerState,
  { body, signatures }: Transaction,
  { height, timeMs }: Pick<BlockInput, 'height' | 'timeMs'>,
): Outcome {
  const context = { rules, state, signers: signatures.map((entry) => entry.publicKey), height, timeMs };
  let index = 0;
  for (const command of body.commands) {
    const refusal = runCommand(command, context);
    if (refusal !== null) {
      state.drop();
      return { status: refusal, failedCommand: index };
    }
    index += 1;
  }
  return { status: 'OK', failedCommand: null };
}

/** Replay memory of transactions that cannot come back: every bucket that ended between the parent's time and this one. */
function forgotten({ parentTimeMs, timeMs }: BlockInput): BlockWrites['forget'] {
  const from = seenBucket(parentTimeMs);
  const to = seenBucket(timeMs);
  return from === to ? null : { from, to };
}
