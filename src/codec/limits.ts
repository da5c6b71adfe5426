/**
 * Every bound on what is decoded, hashed, stored or sent, each with its reason. A limit is part of the protocol: raising
 * one makes blocks that older nodes refuse.
 */
import { assert } from '../errors.ts';

/** Largest integer that crosses JSON, JavaScript and CBOR unchanged: heights, rounds, times and epochs stay below it. */
export const MAX_SAFE = Number.MAX_SAFE_INTEGER;
/** Largest amount, balance and supply: fits a signed 64-bit column of any database an integrator copies it to. */
export const MAX_MINOR = 2n ** 63n - 1n;
/** A round this high means minutes of failed rounds; anything above it is noise from a peer. */
export const MAX_ROUND = 1_000_000;

/** Bakong's limit on an account id (KHQR tag 29/30, sub-tag 00). */
export const MAX_ACCOUNT_ID_CHARS = 32;
export const MAX_PARTICIPANT_ID_CHARS = 12;
/** A name as printed on one line of a phone. */
export const MAX_NAME_BYTES = 64;
/** A greeting or an invoice number; no room for a personal file. */
export const MAX_MEMO_BYTES = 64;

/** A bulk payment of a hundred, and room beside it. */
export const MAX_COMMANDS = 128;
/** Both parties, a quorum of officers, and a bulk of wallets that sign together. */
export const MAX_SIGNATURES = 32;
/** A full bulk of transfers with memos is under 24 KiB. */
export const MAX_TRANSACTION_BYTES = 32 * 1024;

/** A batch this full spreads in one stream frame in some milliseconds on a loopback or a LAN. */
export const MAX_BATCH_TRANSACTIONS = 1_024;
export const MAX_BATCH_BYTES = 512 * 1024;
/** Bounds what a block executes, stores and ships to whoever catches up: 32 x 512 KiB. */
export const MAX_BLOCK_BATCHES = 32;
/** One equivocation in each step of a round by each of a third of the largest validator set. */
export const MAX_BLOCK_EVIDENCE = 32;

/** 3f+1 with f = 10: beyond it, all-to-all votes want another design. */
export const MAX_VALIDATORS = 31;
export const MAX_CURRENCIES = 16;
export const MAX_OFFICERS = 16;
/** Bakong knows three kinds of wallets, two of tourists and one of banks. */
export const MAX_TIERS = 8;
export const MAX_TIER_NAME_CHARS = 12;
export const MAX_GENESIS_BYTES = 64 * 1024;

/** An account with every currency of the largest genesis takes 586. */
export const MAX_STATE_VALUE_BYTES = 640;
export const MAX_STATE_KEY_CHARS = 160;

/** A whole state travels and is checked in pieces of so many entries: a leaf of the checkpoint root's Merkle tree each. */
export const MAX_CHUNK_ENTRIES = 1_024;
export const MAX_CHUNK_BYTES = MAX_CHUNK_ENTRIES * (MAX_STATE_KEY_CHARS + MAX_STATE_VALUE_BYTES + 8) + 8;
/** 67 million entries: wallets, numbers and balances of every grown-up in Cambodia. */
export const MAX_SNAPSHOT_CHUNKS = 65_536;
export const MAX_MANIFEST_BYTES = MAX_SNAPSHOT_CHUNKS * 34 + 64;

/** A header, its digests and its evidence: what one proposal carries. */
export const MAX_PROPOSAL_BYTES = 32 * 1024;
export const MAX_VOTE_BYTES = 256;
export const MAX_ANNOUNCEMENT_BYTES = 256;
/** Two statements, and who says so where. */
export const MAX_EVIDENCE_BYTES = 2 * MAX_VOTE_BYTES;
/** The whole record of one height. */
export const MAX_COMMITTED_BLOCK_BYTES = MAX_BLOCK_BATCHES * (MAX_BATCH_BYTES + 8) + MAX_PROPOSAL_BYTES + 8 * 1024;
/** What a validator keeps of a height besides: the record of a height, a polka, its own three statements. */
export const MAX_SIGN_MEMORY_BYTES = MAX_COMMITTED_BLOCK_BYTES + 256 * (MAX_VALIDATORS + 3);
/** Heights one answer of block sync carries at most; the answer's bytes are bounded besides. */
export const MAX_SYNC_BLOCKS = 64;
export const MAX_SYNC_BYTES = 24 * 1024 * 1024;
/** Two votes of every validator in the rounds that still matter, and their proposals. */
export const MAX_ROUND_MESSAGES = 6 * MAX_VALIDATORS;
export const MAX_ROUND_PROPOSALS = 4;
export const MAX_ROUND_BYTES = MAX_ROUND_PROPOSALS * MAX_PROPOSAL_BYTES + MAX_ROUND_MESSAGES * MAX_VOTE_BYTES;
/** A receipt's proof: transaction, header, certificate of the largest validator set, path in the fullest block. */
export const MAX_PROOF_PATH = 15;
export const MAX_PROOF_BYTES = MAX_TRANSACTION_BYTES + 8 * 1024;

// The bounds above fit together, or the program does not start.
assert(MAX_TRANSACTION_BYTES <= MAX_BATCH_BYTES, 'one transaction fits a batch');
assert(
  MAX_BLOCK_BATCHES * 33 + MAX_BLOCK_EVIDENCE * 2 * 200 + 1024 <= MAX_PROPOSAL_BYTES,
  'a full block fits a proposal',
);
assert(MAX_COMMITTED_BLOCK_BYTES <= MAX_SYNC_BYTES, 'one block fits an answer of block sync');
assert(2 ** MAX_PROOF_PATH >= MAX_BLOCK_BATCHES * MAX_BATCH_TRANSACTIONS, 'a proof leads from any place in a block');
assert(Number.isInteger(Math.log2(MAX_CHUNK_ENTRIES)), 'the root of a full chunk is a node of the whole tree');
assert(MAX_MANIFEST_BYTES <= MAX_SYNC_BYTES, 'a manifest fits an answer');
assert(MAX_VALIDATORS % 3 === 1, 'n = 3f + 1');
