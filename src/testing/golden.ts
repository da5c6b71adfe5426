/** One fixed value of every signed, hashed, sent or stored thing: its bytes and digest are the protocol. */
import { batch, block, committedBlock, header } from '../codec/block.ts';
import { genesis } from '../codec/genesis.ts';
import { fromHex, toHex } from '../codec/hex.ts';
import {
  announcement,
  batchesQuestion,
  blocksQuestion,
  chunkQuestion,
  evidenceMessage,
  manifestQuestion,
  proposal,
  roundMessages,
} from '../codec/messages.ts';
import { receiptProof } from '../codec/proof.ts';
import { encode } from '../codec/schema.ts';
import { signMemory } from '../codec/sign-memory.ts';
import {
  accountRecord,
  aliasRecord,
  snapshotManifest,
  spentRecord,
  stateChunk,
  stateWrite,
  supplyRecord,
} from '../codec/state.ts';
import { receipt, transaction, transactionBody } from '../codec/transaction.ts';
import { commitCertificate, evidence, statementPreimage, vote } from '../codec/vote.ts';
import { aliasKey } from '../crypto/alias.ts';
import { hashHex } from '../crypto/hash.ts';
import {
  batchDigest,
  blockHash,
  chainIdOf,
  digestsRoot,
  evidenceRoot,
  receiptLeaf,
  statementSigningBytes,
  transactionId,
  transactionSigningBytes,
  transactionsRoot,
  validatorSetHash,
  validatorsOf,
} from '../crypto/ids.ts';
import { merkleRootOf } from '../crypto/merkle.ts';
import { cosign, signTransaction } from '../crypto/sign.ts';
import { accountKey } from '../ledger/keys.ts';
import { genesisWrites, writesRoot } from '../ledger/ledger.ts';
import type { BlockHash, Header, Nonce, ParticipantId, Receipt, Statement, TierName } from '../types/index.ts';
import { GENESIS_TIME_MS, KHR, TIERS, testNetwork, USD } from './genesis.ts';
import { account, settlement } from './transactions.ts';

const network = testNetwork(4, {}, TIERS);
const full = 'full' as TierName;
const chainId = chainIdOf(network.genesis);
const key = aliasKey(new Uint8Array(32).fill(7), '+85512345678');
const dara = network.signer('wallet/dara');
const HOLDINGS = [
  { currency: KHR, minor: 500n, spent: { day: 20_454, minor: 70n } },
  { currency: USD, minor: 0n, spent: null },
];
const digest = (digit: string) => digit.repeat(64) as BlockHash;

const everyCommand = signTransaction(
  {
    version: 1,
    chainId,
    validUntilMs: GENESIS_TIME_MS + 60_000,
    nonce: '00112233445566778899aabbccddeeff' as Nonce,
    commands: [
      { type: 'openAccount', account: account('dara@aclb'), publicKey: dara.publicKey, tier: full },
      { type: 'registerAlias', aliasKey: key, account: account('dara@aclb') },
      { type: 'releaseAlias', aliasKey: key, account: account('dara@aclb') },
      { type: 'issue', to: settlement('aclb'), amount: { currency: USD, minor: 150n } },
      { type: 'redeem', from: settlement('aclb'), amount: { currency: USD, minor: 2n ** 40n } },
      {
        type: 'transfer',
        from: account('dara@aclb'),
        to: account('bopha@cnb'),
        amount: { currency: KHR, minor: 5_000n },
        alias: { aliasKey: key, epoch: 2 },
        memo: 'អរគុណ',
      },
      { type: 'claimAlias', aliasKey: key, account: account('bopha@cnb') },
      { type: 'rejectClaim', aliasKey: key, account: account('dara@aclb') },
      { type: 'setTier', account: account('dara@aclb'), tier: full },
    ],
  },
  [dara],
);
const signed = cosign(everyCommand, network.signer('operator/aclb'));
const oneBatch = { version: 1, chainId, author: 'aclb' as ParticipantId, transactions: [signed] } as const;
const oneReceipt: Receipt = {
  version: 1,
  transactionId: transactionId(signed.body),
  height: 7,
  index: 0,
  status: 40,
  failedCommand: 5,
};
const statement: Statement = {
  step: 'precommit',
  height: 7,
  round: 1,
  blockHash: digest('a'),
  validRound: null,
  validator: 2,
};
const sign = <S extends Statement>(said: S) => ({
  ...said,
  signature: network.signer('validator/cnb').sign(statementSigningBytes(chainId, said)),
});
const lie = { first: sign({ ...statement, blockHash: null }), second: sign(statement) };
const oneHeader: Header = {
  version: 1,
  chainId,
  height: 7,
  timeMs: GENESIS_TIME_MS + 1_000,
  proposer: 'cnb' as ParticipantId,
  parentHash: digest('b'),
  validatorSetHash: validatorSetHash(validatorsOf(network.genesis)),
  batchesRoot: digestsRoot([batchDigest(oneBatch)]),
  evidenceRoot: evidenceRoot([lie]),
  transactionsRoot: transactionsRoot([oneReceipt.transactionId]),
  receiptsRoot: digest('c'),
  writesRoot: writesRoot(genesisWrites(network.genesis)),
  checkpointRoot: digest('d'),
};
const oneBlock = { header: oneHeader, batches: [batchDigest(oneBatch)], evidence: [lie] };
const hash = blockHash(oneHeader);
const proposed = sign({ ...statement, step: 'propose', blockHash: hash, validRound: 0 } as const);
const precommit = sign({ ...statement, step: 'precommit', validRound: null } as const);
const certificate = {
  height: 7,
  round: 1,
  blockHash: hash,
  signatures: [{ validator: 2, signature: precommit.signature }],
};
const oneProposal = { statement: proposed, block: oneBlock };
const oneChunk = encode(stateChunk, [{ key: accountKey(account('dara@aclb')), value: fromHex('00ff') }]);
const chunkLeaf = hashHex('chunkLeaf', oneChunk);
const lock = { round: 1, blockHash: hash, block: oneBlock, prevotes: [precommit], batches: [oneBatch] };
const proof = {
  version: 1,
  transaction: signed,
  receipt: oneReceipt,
  receipts: 2,
  path: [digest('e')],
  header: oneHeader,
  certificate,
} as const;

/** Canonical bytes, in hex, of each. */
export const GOLDEN_BYTES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    genesis: encode(genesis, network.genesis),
    transactionBody: encode(transactionBody, signed.body),
    transaction: encode(transaction, signed),
    receipt: encode(receipt, oneReceipt),
    batch: encode(batch, oneBatch),
    header: encode(header, oneHeader),
    block: encode(block, oneBlock),
    vote: encode(vote, precommit),
    evidence: encode(evidence, lie),
    certificate: encode(commitCertificate, certificate),
    proposal: encode(proposal, oneProposal),
    committedBlock: encode(committedBlock, { block: oneBlock, certificate, batches: [oneBatch] }),
    statementPreimage: encode(statementPreimage, { ...statement, version: 1, chainId }),
    announcement: encode(announcement, { version: 1, height: 7, blockHash: hash }),
    evidenceMessage: encode(evidenceMessage, { height: 7, evidence: lie }),
    batchesQuestion: encode(batchesQuestion, [batchDigest(oneBatch)]),
    blocksQuestion: encode(blocksQuestion, { from: 3, count: 5 }),
    manifestQuestion: encode(manifestQuestion, { above: 40 }),
    chunkQuestion: encode(chunkQuestion, { height: 80, index: 2 }),
    snapshotManifest: encode(snapshotManifest, { version: 1, height: 80, entries: 3, chunkDigests: [digest('f')] }),
    stateChunk: oneChunk,
    roundMessages: encode(roundMessages, { height: 7, proposals: [oneProposal], votes: [precommit] }),
    signMemory: encode(signMemory, { version: 1, said: [precommit], lock }),
    receiptProof: encode(receiptProof, proof),
    accountRecord: encode(accountRecord, {
      publicKey: dara.publicKey,
      openedAtHeight: 7,
      tier: full,
      holdings: HOLDINGS,
    }),
    aliasRecord: encode(aliasRecord, {
      account: account('dara@aclb'),
      epoch: 2,
      claim: { account: account('bopha@cnb'), dueMs: GENESIS_TIME_MS },
    }),
    spentRecord: encode(spentRecord, { day: 20_454, minor: 500n }),
    supplyRecord: encode(supplyRecord, { issuedMinor: 2n ** 62n, redeemedMinor: 1n }),
    stateWrite: encode(stateWrite, { key: accountKey(account('dara@aclb')), value: fromHex('00ff') }),
  }).map(([name, bytes]) => [name, toHex(bytes)]),
);

/** Digests, roots and signed bytes of the same values. */
export const GOLDEN_DIGESTS: Readonly<Record<string, string>> = {
  chainId,
  aliasKey: key,
  transactionId: oneReceipt.transactionId,
  transactionSigningBytes: toHex(transactionSigningBytes(oneReceipt.transactionId)),
  batchDigest: batchDigest(oneBatch),
  blockHash: hash,
  statementSigningBytes: toHex(statementSigningBytes(chainId, statement)),
  validatorSetHash: oneHeader.validatorSetHash,
  batchesRoot: oneHeader.batchesRoot,
  evidenceRoot: oneHeader.evidenceRoot,
  transactionsRoot: oneHeader.transactionsRoot,
  genesisWritesRoot: oneHeader.writesRoot,
  receiptLeaf: receiptLeaf(oneReceipt),
  chunkLeaf,
  checkpointRoot: merkleRootOf(1_025, [digest('f'), chunkLeaf]),
};
