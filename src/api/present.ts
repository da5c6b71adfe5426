/** From the node's values to what the API shows of them. */
import { formatAmount } from '../codec/amount.ts';
import { toHex } from '../codec/hex.ts';
import { commandToJson } from '../codec/json.ts';
import { statusOf } from '../ledger/status.ts';
import type { IndexedTransaction } from '../node/contents.ts';
import type { TransactionStanding } from '../node/events.ts';
import type {
  CommitCertificate,
  Currency,
  Evidence,
  Receipt,
  SignedStatement,
  Transaction,
  TransactionId,
} from '../types/index.ts';
import type {
  CertificateJson,
  EntryJson,
  EvidenceJson,
  MoneyJson,
  ReceiptJson,
  StatementJson,
  StatusCodeJson,
  TransactionStateJson,
} from './types.ts';

export function moneyJson(minor: bigint, { exponent }: Currency): MoneyJson {
  return { value: formatAmount(minor, exponent), minor: String(minor) };
}

export function statusCodeJson(code: number): StatusCodeJson {
  return { code, name: statusOf(code)?.name ?? `STATUS_${code}` };
}

export function receiptJson({ transactionId, height, index, status, failedCommand }: Receipt): ReceiptJson {
  const message = statusOf(status)?.sentence ?? 'A status of a later version of the network than this node knows.';
  return { transactionId, height, index, status: statusCodeJson(status), failedCommand, message };
}

/** A transaction that took part in a block. @param at where and when. */
export function entryJson(
  id: TransactionId,
  { height, index, timeMs, status }: Omit<IndexedTransaction, 'transaction'>,
  transaction: Transaction,
  currencies: readonly Currency[],
): EntryJson {
  const commands = transaction.body.commands.map((command) => commandToJson(command, currencies));
  return { id, height, index, timeMs, status: statusCodeJson(status), commands };
}

/** @param standing anything but `unknown`. */
export function stateJson(id: TransactionId, standing: TransactionStanding): TransactionStateJson {
  switch (standing.state) {
    case 'final': {
      const receipt = receiptJson(standing.receipt);
      return { id, state: 'final', receipt, message: receipt.message };
    }
    case 'expired':
      return { id, state: 'expired', receipt: null, message: EXPIRED };
    case 'pending':
    case 'unknown':
      return { id, state: 'pending', receipt: null, message: pendingMessage(id) };
  }
}

export function certificateJson({ height, round, blockHash, signatures }: CommitCertificate): CertificateJson {
  const shown = signatures.map(({ validator, signature }) => ({ validator, signature: toHex(signature) }));
  return { height, round, blockHash, signatures: shown };
}

export function evidenceJson({ first, second }: Evidence): EvidenceJson {
  return { first: statementJson(first), second: statementJson(second) };
}

const EXPIRED = 'Its validity has ended without it taking effect, and now it never will; sign a new transaction.';

function pendingMessage(id: TransactionId): string {
  return (
    'How it ends is not known yet; it has not failed. ' +
    `Ask GET /api/v1/transactions/${id}, or submit the same transaction again: it takes effect once.`
  );
}

function statementJson(statement: SignedStatement): StatementJson {
  const { step, height, round, blockHash, validRound, validator, signature } = statement;
  return { step, height, round, blockHash, validRound, validator, signature: toHex(signature) };
}
