/** Every schema of `codec/` in one table, with its limit and true values of it: what a fuzz test of all decoders runs over. */
import fc from 'fast-check';
import * as block from '../codec/block.ts';
import * as fields from '../codec/fields.ts';
import * as genesis from '../codec/genesis.ts';
import * as indexRows from '../codec/index-rows.ts';
import * as limits from '../codec/limits.ts';
import * as messages from '../codec/messages.ts';
import * as proof from '../codec/proof.ts';
import { encode, type Schema } from '../codec/schema.ts';
import * as signMemory from '../codec/sign-memory.ts';
import * as state from '../codec/state.ts';
import * as transaction from '../codec/transaction.ts';
import * as vote from '../codec/vote.ts';
import * as arbitrary from './arbitraries.ts';
import { samples } from './fuzz.ts';
import { TIERS, testNetwork } from './genesis.ts';

export interface Decoder {
  readonly name: string;
  readonly schema: Schema<unknown>;
  readonly maxBytes: number;
  /** Canonical bytes of true values. */
  readonly messages: readonly Uint8Array[];
}

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'));
const digest = hex(32);
const safe = fc.oneof(fc.nat(), fc.constantFrom(1, limits.MAX_SAFE));
const minor = fc.oneof(fc.bigInt(0n, limits.MAX_MINOR), fc.constantFrom(0n, 1n, limits.MAX_MINOR));
const commandOf = (type: string) =>
  arbitrary.transaction
    .map(({ body }) => body.commands.find((command) => command.type === type))
    .filter((found) => found !== undefined)
    .map(({ type: _type, ...rest }) => rest);
const { genesis: network } = testNetwork(7, {}, TIERS);
const lock = fc
  .tuple(
    arbitrary.block,
    fc.array(arbitrary.vote, { minLength: 1, maxLength: 3 }),
    fc.array(arbitrary.batch, { maxLength: 1 }),
  )
  .map(([value, prevotes, batches]) => ({ round: 3, blockHash: 'ab'.repeat(32), block: value, prevotes, batches }));
const statements = fc.oneof(
  arbitrary.vote,
  arbitrary.proposal.map(({ statement }) => statement),
);
const stateKey = fc.constantFrom('account/dara@aclb', 'alias/00ff', 'seen/29453760/ab', '');
const stateEntry = fc.record({ key: stateKey, value: fc.uint8Array({ maxLength: limits.MAX_STATE_VALUE_BYTES }) });

const indexedReceipt = fc.record({
  status: fc.nat({ max: 999 }),
  failedCommand: fc.option(fc.nat({ max: 127 })),
  position: fc.nat({ max: 32_767 }),
});

const spent = fc.record({ day: safe, minor });
const holdingOf = (currency: string) => fc.record({ currency: fc.constant(currency), minor, spent: fc.option(spent) });
const claim = fc.record({ account: fc.constant('bopha@cnb'), dueMs: safe });

/** A schema of whatever type. */
type AnySchema = { readonly [K in 'type' | 'write' | 'read']: unknown };
type Row = readonly [schema: AnySchema, maxBytes: number, values: fc.Arbitrary<unknown>];

const VALUE = limits.MAX_STATE_VALUE_BYTES;
const stateWrite = fc.record({ key: stateKey, value: fc.option(fc.uint8Array({ maxLength: VALUE })) });
const TRANSACTION = limits.MAX_TRANSACTION_BYTES;

const FIELDS: Readonly<Record<keyof typeof fields, Row>> = {
  hash: [fields.hash, VALUE, digest],
  transactionId: [fields.transactionId, VALUE, digest],
  batchDigest: [fields.batchDigest, VALUE, digest],
  blockHash: [fields.blockHash, VALUE, digest],
  chainId: [fields.chainId, VALUE, digest],
  aliasKey: [fields.aliasKey, VALUE, digest],
  publicKey: [fields.publicKey, VALUE, digest],
  nonce: [fields.nonce, VALUE, hex(16)],
  signature: [fields.signature, VALUE, fc.uint8Array({ minLength: 64, maxLength: 64 })],
  participantId: [fields.participantId, VALUE, fc.constantFrom('nbc', 'aclb', 'abcdefghijkl')],
  accountId: [fields.accountId, VALUE, fc.constantFrom('dara@aclb', 'settlement@nbc', 'a.b_c-d@wing')],
  currencyCode: [fields.currencyCode, VALUE, fc.constantFrom('KHR', 'USD')],
  tierName: [fields.tierName, VALUE, fc.constantFrom('basic', 'full', 'a1')],
  displayName: [fields.displayName, VALUE, fc.constantFrom('ACLEDA Bank', 'e\u0301', '\u1780\u17d2\u1780')],
  memo: [fields.memo, VALUE, fc.constantFrom('', 'lunch', '\u{1f35c}', 'x'.repeat(64))],
  height: [fields.height, VALUE, safe],
  round: [fields.round, VALUE, fc.nat({ max: limits.MAX_ROUND })],
  timeMs: [fields.timeMs, VALUE, safe],
  validatorIndex: [fields.validatorIndex, VALUE, fc.nat({ max: limits.MAX_VALIDATORS - 1 })],
  minorUnits: [fields.minorUnits, VALUE, minor],
  amount: [fields.amount, VALUE, fc.record({ currency: fc.constantFrom('KHR', 'USD'), minor })],
};

const ROWS: Readonly<Record<string, Row>> = {
  ...FIELDS,
  aliasReference: [
    transaction.aliasReference,
    VALUE,
    fc.record({ aliasKey: digest, epoch: fc.constantFrom(1, limits.MAX_SAFE) }),
  ],
  openAccount: [transaction.openAccount, VALUE, commandOf('openAccount')],
  registerAlias: [transaction.registerAlias, VALUE, commandOf('registerAlias')],
  releaseAlias: [transaction.releaseAlias, VALUE, commandOf('releaseAlias')],
  issue: [transaction.issue, VALUE, commandOf('issue')],
  redeem: [transaction.redeem, VALUE, commandOf('redeem')],
  transfer: [transaction.transfer, VALUE, commandOf('transfer')],
  claimAlias: [transaction.claimAlias, VALUE, commandOf('claimAlias')],
  rejectClaim: [transaction.rejectClaim, VALUE, commandOf('rejectClaim')],
  setTier: [transaction.setTier, VALUE, commandOf('setTier')],
  command: [transaction.command, VALUE, arbitrary.transaction.map(({ body }) => body.commands[0])],
  transactionBody: [transaction.transactionBody, TRANSACTION, arbitrary.transaction.map(({ body }) => body)],
  transactionSignature: [
    transaction.transactionSignature,
    VALUE,
    arbitrary.transaction.map(({ signatures }) => signatures[0]),
  ],
  transaction: [transaction.transaction, TRANSACTION, arbitrary.transaction],
  receipt: [transaction.receipt, VALUE, arbitrary.receipt],
  statementPreimage: [
    vote.statementPreimage,
    limits.MAX_VOTE_BYTES,
    fc
      .tuple(statements, digest)
      .map(([{ validator: _v, signature: _s, ...rest }, chainId]) => ({ version: 1, chainId, ...rest })),
  ],
  signedStatement: [vote.signedStatement, limits.MAX_VOTE_BYTES, statements],
  vote: [vote.vote, limits.MAX_VOTE_BYTES, arbitrary.vote],
  evidence: [vote.evidence, 2 * limits.MAX_VOTE_BYTES, arbitrary.evidence],
  commitCertificate: [vote.commitCertificate, limits.MAX_COMMITTED_BLOCK_BYTES, arbitrary.certificate],
  validatorSet: [
    vote.validatorSet,
    limits.MAX_GENESIS_BYTES,
    fc.constant(network.participants.map(({ id, validatorKey }) => ({ participant: id, publicKey: validatorKey }))),
  ],
  batch: [block.batch, limits.MAX_BATCH_BYTES, arbitrary.batch],
  header: [block.header, limits.MAX_PROPOSAL_BYTES, arbitrary.header],
  block: [block.block, limits.MAX_PROPOSAL_BYTES, arbitrary.block],
  committedBlock: [block.committedBlock, limits.MAX_COMMITTED_BLOCK_BYTES, arbitrary.committedBlock],
  sealedBlock: [
    block.sealedBlock,
    limits.MAX_COMMITTED_BLOCK_BYTES,
    arbitrary.committedBlock.map(({ batches, ...rest }) => {
      return { ...rest, batches: batches.map((each) => encode(block.batch, each)) };
    }),
  ],
  proposal: [messages.proposal, limits.MAX_PROPOSAL_BYTES, arbitrary.proposal],
  announcement: [
    messages.announcement,
    limits.MAX_ANNOUNCEMENT_BYTES,
    fc.record({ version: fc.constant(1), height: safe, blockHash: fc.option(digest) }),
  ],
  evidenceMessage: [
    messages.evidenceMessage,
    limits.MAX_EVIDENCE_BYTES,
    fc.record({ height: safe, evidence: arbitrary.evidence }),
  ],
  batchesQuestion: [
    messages.batchesQuestion,
    limits.MAX_PROPOSAL_BYTES,
    fc.array(digest, { minLength: 1, maxLength: 32 }),
  ],
  manifestQuestion: [messages.manifestQuestion, limits.MAX_ANNOUNCEMENT_BYTES, fc.record({ above: safe })],
  chunkQuestion: [
    messages.chunkQuestion,
    limits.MAX_ANNOUNCEMENT_BYTES,
    fc.record({ height: fc.integer({ min: 1 }), index: fc.nat({ max: limits.MAX_SNAPSHOT_CHUNKS - 1 }) }),
  ],
  blocksQuestion: [
    messages.blocksQuestion,
    limits.MAX_ANNOUNCEMENT_BYTES,
    fc.record({
      from: safe.map((height) => Math.max(1, height)),
      count: fc.integer({ min: 1, max: limits.MAX_SYNC_BLOCKS }),
    }),
  ],
  roundMessages: [
    messages.roundMessages,
    limits.MAX_ROUND_BYTES,
    fc.record({
      height: fc.integer({ min: 1 }),
      proposals: fc.array(arbitrary.proposal, { maxLength: 2 }),
      votes: fc.array(arbitrary.vote, { maxLength: 8 }),
    }),
  ],
  signMemory: [
    signMemory.signMemory,
    limits.MAX_SIGN_MEMORY_BYTES,
    fc.record({
      version: fc.constant(1),
      said: fc.array(statements, { minLength: 1, maxLength: 3 }),
      lock: fc.option(lock),
    }),
  ],
  receiptProof: [
    proof.receiptProof,
    limits.MAX_PROOF_BYTES,
    fc.record({
      version: fc.constant(1),
      transaction: arbitrary.transaction,
      receipt: arbitrary.receipt,
      receipts: fc.integer({ min: 1, max: 32_768 }),
      path: fc.array(digest, { maxLength: limits.MAX_PROOF_PATH }),
      header: arbitrary.header,
      certificate: arbitrary.certificate,
    }),
  ],
  currency: [genesis.currency, limits.MAX_GENESIS_BYTES, fc.constantFrom(...network.currencies)],
  participant: [genesis.participant, limits.MAX_GENESIS_BYTES, fc.constantFrom(...network.participants)],
  tier: [genesis.tier, limits.MAX_GENESIS_BYTES, fc.constantFrom(...network.tiers)],
  tierLimit: [
    genesis.tierLimit,
    limits.MAX_GENESIS_BYTES,
    fc.constantFrom(...network.tiers.flatMap((tier) => tier.limits)),
  ],
  rules: [genesis.rules, limits.MAX_GENESIS_BYTES, fc.constant(network.rules)],
  genesis: [
    genesis.genesis,
    limits.MAX_GENESIS_BYTES,
    fc.constantFrom(...[1, 2, 4, 7].map((size) => testNetwork(size, {}, size === 1 ? [] : TIERS).genesis)),
  ],
  accountRecord: [
    state.accountRecord,
    VALUE,
    fc.record({
      publicKey: digest,
      openedAtHeight: safe,
      tier: fc.option(fc.constant('full')),
      holdings: fc.subarray(['KHR', 'THB', 'USD']).chain((codes) => fc.tuple(...codes.map(holdingOf))),
    }),
  ],
  holding: [state.holding, VALUE, fc.constantFrom('KHR', 'USD').chain(holdingOf)],
  aliasRecord: [
    state.aliasRecord,
    VALUE,
    fc.record({
      account: fc.option(fc.constant('dara@aclb')),
      epoch: fc.constantFrom(1, 2, limits.MAX_SAFE),
      claim: fc.option(claim),
    }),
  ],
  aliasClaim: [state.aliasClaim, VALUE, claim],
  spentRecord: [state.spentRecord, VALUE, spent],
  supplyRecord: [state.supplyRecord, VALUE, fc.record({ issuedMinor: minor, redeemedMinor: minor })],
  seenRecord: [state.seenRecord, VALUE, fc.record({ height: safe })],
  evidenceRecord: [state.evidenceRecord, VALUE, fc.record({ height: safe })],
  stateWrite: [state.stateWrite, 2 * VALUE, stateWrite],
  leafWrites: [
    state.leafWrites,
    2 * VALUE * state.MAX_LEAF_WRITES,
    fc.array(stateWrite, { minLength: 1, maxLength: 9 }),
  ],
  stateEntry: [state.stateEntry, 2 * VALUE, stateEntry],
  stateChunk: [state.stateChunk, limits.MAX_CHUNK_BYTES, fc.array(stateEntry, { minLength: 1, maxLength: 9 })],
  snapshotManifest: [
    state.snapshotManifest,
    limits.MAX_MANIFEST_BYTES,
    fc.record({
      version: fc.constant(1),
      height: fc.integer({ min: 1 }),
      entries: fc.integer({ min: 1, max: 1_000_000 }),
      chunkDigests: fc.array(digest, { minLength: 1, maxLength: 9 }),
    }),
  ],
  forgetRange: [state.forgetRange, VALUE, fc.record({ from: stateKey, to: stateKey })],
  placeRun: [
    indexRows.placeRun,
    indexRows.MAX_PLACE_RUN_BYTES,
    fc.record({
      level: fc.nat({ max: 9 }),
      firstHeight: fc.nat(),
      lastHeight: fc.nat(),
      records: fc.nat(),
      heads: fc.uint8Array({ maxLength: 99 }),
      filterRows: fc.nat(),
    }),
  ],
  indexedReceipt: [indexRows.indexedReceipt, VALUE, indexedReceipt],
  blockReceipts: [
    indexRows.blockReceipts,
    indexRows.MAX_BLOCK_RECEIPTS_BYTES,
    fc.array(indexedReceipt, { maxLength: 9 }),
  ],
};

/** The table, each with `count` true messages. */
export function decoders(count: number): Decoder[] {
  return Object.entries(ROWS).map(([name, [schema, maxBytes, values]]) => ({
    name,
    schema: schema as unknown as Schema<unknown>,
    maxBytes,
    messages: samples(values, count).map((value) => encode(schema as unknown as Schema<unknown>, value)),
  }));
}
