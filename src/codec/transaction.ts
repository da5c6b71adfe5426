/** Transactions and receipts: the bytes that wallets sign, banks batch and the record keeps. */
import type { Command, Receipt, Transaction, TransactionBody, TransactionSignature, Transfer } from '../types/index.ts';
import * as f from './fields.ts';
import {
  MAX_BATCH_TRANSACTIONS,
  MAX_BLOCK_BATCHES,
  MAX_COMMANDS,
  MAX_SAFE,
  MAX_SIGNATURES,
  MAX_TRANSACTION_BYTES,
} from './limits.ts';
import {
  type Decoded,
  decodeMarked,
  exactly,
  field,
  integer,
  list,
  marked,
  nullable,
  record,
  refine,
  remembering,
  union,
} from './schema.ts';

type CommandFields<Type extends Command['type']> = Omit<Extract<Command, { type: Type }>, 'type'>;

export const aliasReference = record<NonNullable<Transfer['alias']>>('AliasReference', {
  aliasKey: field(f.aliasKey, 'keyed digest of the phone number'),
  epoch: field(integer(1, MAX_SAFE), 'epoch of the binding the payer resolved'),
});

export const openAccount = record<CommandFields<'openAccount'>>('OpenAccount', {
  account: field(f.accountId, 'the new account; its bank signs'),
  publicKey: field(f.publicKey, 'the key that will sign for it'),
  tier: field(nullable(f.tierName), 'one of the genesis; null where it has none'),
});
export const registerAlias = record<CommandFields<'registerAlias'>>('RegisterAlias', {
  aliasKey: field(f.aliasKey, 'keyed digest of the phone number'),
  account: field(f.accountId, 'where payments to the number go; its key and its bank sign'),
});
export const releaseAlias = record<CommandFields<'releaseAlias'>>('ReleaseAlias', {
  aliasKey: field(f.aliasKey, 'keyed digest of the phone number'),
  account: field(f.accountId, 'the account it is bound to; its key signs'),
});
export const issue = record<CommandFields<'issue'>>('Issue', {
  to: field(f.accountId, 'a settlement account'),
  amount: field(f.amount, 'created; a quorum of officers signs'),
});
export const redeem = record<CommandFields<'redeem'>>('Redeem', {
  from: field(f.accountId, 'a settlement account; its participant signs'),
  amount: field(f.amount, 'destroyed; a quorum of officers signs'),
});
export const transfer = record<CommandFields<'transfer'>>('Transfer', {
  from: field(f.accountId, 'the payer; its key signs'),
  to: field(f.accountId, 'the payee, resolved before signing'),
  amount: field(f.amount, 'moved'),
  alias: field(nullable(aliasReference), 'how the payee was found, if by phone number'),
  memo: field(f.memo, 'a few words, public to every participant'),
});

export const claimAlias = record<CommandFields<'claimAlias'>>('ClaimAlias', {
  aliasKey: field(f.aliasKey, 'keyed digest of the phone number'),
  account: field(f.accountId, 'where the number is to go; its key and its bank sign'),
});
export const rejectClaim = record<CommandFields<'rejectClaim'>>('RejectClaim', {
  aliasKey: field(f.aliasKey, 'keyed digest of the phone number'),
  account: field(f.accountId, 'the account it is bound to, and stays with; its key or its bank signs'),
});
export const setTier = record<CommandFields<'setTier'>>('SetTier', {
  account: field(f.accountId, 'a wallet; its bank signs'),
  tier: field(f.tierName, 'one of the genesis'),
});

export const command = union<Command>('Command', {
  openAccount: { tag: 1, schema: openAccount },
  registerAlias: { tag: 2, schema: registerAlias },
  releaseAlias: { tag: 3, schema: releaseAlias },
  issue: { tag: 4, schema: issue },
  redeem: { tag: 5, schema: redeem },
  transfer: { tag: 6, schema: transfer },
  claimAlias: { tag: 7, schema: claimAlias },
  rejectClaim: { tag: 8, schema: rejectClaim },
  setTier: { tag: 9, schema: setTier },
});

export const transactionBody = record<TransactionBody>('TransactionBody', {
  version: field(exactly(1), 'format'),
  chainId: field(f.chainId, 'digest of the genesis'),
  validUntilMs: field(f.timeMs, 'last block time at which it may take effect'),
  nonce: field(f.nonce, "the client's reference"),
  commands: field(list(command, 1, MAX_COMMANDS), 'take effect all or none, in order'),
});

export const transactionSignature = record<TransactionSignature>('TransactionSignature', {
  publicKey: field(f.publicKey, 'the signing key'),
  signature: field(f.signature, 'Ed25519 over the tagged transaction id'),
});

const publicKeyOf = (entry: TransactionSignature) => entry.publicKey;

/** Its bytes come with it where a client sent it, and are written into a batch as they are. */
export const transaction = remembering(
  record<Transaction>('Transaction', {
    body: field(marked(transactionBody), 'what the signatures cover'),
    signatures: field(
      refine(list(transactionSignature, 1, MAX_SIGNATURES), (signatures) =>
        strictlyAscending(signatures, publicKeyOf) ? null : 'expected one a key, in ascending order',
      ),
      'one a key, ascending',
    ),
  }),
);

/**
 * What a client sent. Its bytes stay with it: they need not be made again to be counted, batched and kept.
 *
 * @param bytes nobody changes them from now on.
 * @returns with the place of the body among the bytes.
 * @throws CodecError where they are not the canonical bytes of a transaction.
 */
export function decodeTransaction(bytes: Uint8Array): Decoded<Transaction> {
  const decoded = decodeMarked(transaction, bytes, MAX_TRANSACTION_BYTES);
  transaction.remember(decoded.value, bytes);
  return decoded;
}

export const receipt = record<Receipt>('Receipt', {
  version: field(exactly(1), 'format'),
  transactionId: field(f.transactionId, 'what it is the receipt of'),
  height: field(f.height, 'block'),
  index: field(integer(0, MAX_BLOCK_BATCHES * MAX_BATCH_TRANSACTIONS - 1), "place among the block's transactions"),
  status: field(integer(0, 999), 'status code; 0 is success'),
  failedCommand: field(nullable(integer(0, MAX_COMMANDS - 1)), 'the command that was refused'),
});

/** Whether `by` rises strictly along the list: sorted, and nothing twice. */
export function strictlyAscending<T, K extends string | number>(items: readonly T[], by: (item: T) => K): boolean {
  for (let i = 1; i < items.length; i++) if (by(items[i - 1] as T) >= by(items[i] as T)) return false;
  return true;
}
