/**
 * Every purpose for which Tonle hashes or signs, in one table. A digest or signature made for one purpose is worth
 * nothing for another, because its tag stands before the bytes (see `tagged` in hash.ts).
 */

/**
 * Name -> tag. A tag is ASCII, unlike every other, and carries the version of the format behind it: a new format gets a
 * new tag. What follows the tag has one layout a domain, given here.
 */
export const DOMAINS = {
  /** Canonical bytes of a transaction's body: its id. */
  transaction: 'tonle/transaction/v1',
  /** What a wallet signs for a transaction. */
  transactionSignature: 'tonle/transaction-signature/v1',
  /** Canonical bytes of a batch: its digest. */
  batch: 'tonle/batch/v1',
  /** Canonical bytes of a header: the block's hash. */
  header: 'tonle/header/v1',
  /** Canonical bytes of the genesis: the chain id. */
  genesis: 'tonle/genesis/v1',
  /** Canonical bytes of a validator set. */
  validatorSet: 'tonle/validator-set/v1',
  /** What a validator signs: a proposal or a vote. */
  statement: 'tonle/statement/v1',
  /** Canonical bytes of one piece of evidence. */
  evidence: 'tonle/evidence/v1',
  /** Merkle leaf of 32 bytes of another digest (a batch). */
  digestLeaf: 'tonle/leaf/digest/v1',
  /** Merkle leaf of a receipt's canonical bytes. */
  receiptLeaf: 'tonle/leaf/receipt/v1',
  /** Merkle leaf of up to 64 transactions that took part: their ids, 32 bytes each. */
  transactionsLeaf: 'tonle/leaf/transactions/v1',
  /** Merkle leaf of up to 64 entries that a block writes: canonical bytes of a StateWrite[]. */
  writesLeaf: 'tonle/leaf/writes/v1',
  /** Merkle leaf of the range of replay memory that a block forgets. */
  forgetLeaf: 'tonle/leaf/forget/v1',
  /** Merkle leaf of some entries of the whole state: their canonical bytes, a StateChunk. */
  chunkLeaf: 'tonle/leaf/chunk/v1',
  /** Inner node: 32 bytes of the left child, 32 of the right. */
  merkleNode: 'tonle/merkle/node/v1',
  /** Root of a tree with leaves: their number, or that of the entries in them (8 bytes, big-endian), then 32 bytes of the topmost node. */
  merkleRoot: 'tonle/merkle/root/v1',
  /** Root of a tree without leaves: no bytes. */
  merkleEmpty: 'tonle/merkle/empty/v1',
  /** Account id in ASCII: what its history is found by, in a node's own index. */
  accountHistory: 'tonle/account-history/v1',
  /** Hex of the key that signed first, `/`, hex of the nonce, in ASCII: what its transaction is found by, as above. */
  clientReference: 'tonle/client-reference/v1',
  /** E.164 number in ASCII, under HMAC: an alias's key on the ledger. */
  aliasKey: 'tonle/alias-key/v1',
} as const;

export type Domain = keyof typeof DOMAINS;
