/** Random values of every message, for properties: anything here is a value that the codec must take and give back. */
import fc from 'fast-check';
import * as limits from '../codec/limits.ts';
import type {
  AccountId,
  Batch,
  Block,
  Command,
  CommitCertificate,
  CommittedBlock,
  CurrencyCode,
  Evidence,
  Header,
  ParticipantId,
  Proposal,
  Receipt,
  SignedStatement,
  TierName,
  Transaction,
  TransactionSignature,
  Vote,
} from '../types/index.ts';

const hexText = <T extends string>(bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex') as T);

const hash = hexText<never>(32);
const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });
const participant = fc.stringMatching(/^[a-z][a-z0-9]{1,11}$/) as fc.Arbitrary<ParticipantId>;
const account = fc
  .tuple(fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,16}[a-z0-9])?$/), participant)
  .map(([name, bank]) => `${name}@${bank}`)
  .filter((id) => id.length <= limits.MAX_ACCOUNT_ID_CHARS) as fc.Arbitrary<AccountId>;
const currency = fc.stringMatching(/^[A-Z]{3}$/) as fc.Arbitrary<CurrencyCode>;
const amount = fc.record({ currency, minor: fc.bigInt(0n, limits.MAX_MINOR) });
const safe = fc.nat({ max: limits.MAX_SAFE });
const height = safe.map((value) => Math.max(1, value));
const memo = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((value) => !/\p{Cc}/u.test(value) && new TextEncoder().encode(value).length <= limits.MAX_MEMO_BYTES);
const alias = fc.option(fc.record({ aliasKey: hash, epoch: height }));

const tier = fc.stringMatching(/^[a-z][a-z0-9]{1,11}$/) as fc.Arbitrary<TierName>;

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    type: fc.constant('openAccount' as const),
    account,
    publicKey: hexText<never>(32),
    tier: fc.option(tier),
  }),
  fc.record({ type: fc.constant('registerAlias' as const), aliasKey: hash, account }),
  fc.record({ type: fc.constant('releaseAlias' as const), aliasKey: hash, account }),
  fc.record({ type: fc.constant('issue' as const), to: account, amount }),
  fc.record({ type: fc.constant('redeem' as const), from: account, amount }),
  fc.record({ type: fc.constant('transfer' as const), from: account, to: account, amount, alias, memo }),
  fc.record({ type: fc.constant('claimAlias' as const), aliasKey: hash, account }),
  fc.record({ type: fc.constant('rejectClaim' as const), aliasKey: hash, account }),
  fc.record({ type: fc.constant('setTier' as const), account, tier }),
);

const signatures: fc.Arbitrary<TransactionSignature[]> = fc
  .uniqueArray(fc.record({ publicKey: hexText<never>(32), signature }), {
    minLength: 1,
    maxLength: 4,
    selector: (entry) => entry.publicKey,
  })
  .map((entries) => entries.sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1)));

export const transaction: fc.Arbitrary<Transaction> = fc.record({
  body: fc.record({
    version: fc.constant(1 as const),
    chainId: hash,
    validUntilMs: safe,
    nonce: hexText<never>(16),
    commands: fc.array(command, { minLength: 1, maxLength: 4 }),
  }),
  signatures,
});

export const receipt: fc.Arbitrary<Receipt> = fc.record({
  version: fc.constant(1 as const),
  transactionId: hash,
  height: safe,
  index: fc.nat({ max: 32_767 }),
  status: fc.nat({ max: 999 }),
  failedCommand: fc.option(fc.nat({ max: limits.MAX_COMMANDS - 1 })),
});

const place = {
  height,
  round: fc.nat({ max: limits.MAX_ROUND }),
  validator: fc.nat({ max: limits.MAX_VALIDATORS - 1 }),
  signature,
};

export const vote: fc.Arbitrary<Vote> = fc.record({
  ...place,
  step: fc.constantFrom('prevote' as const, 'precommit' as const),
  blockHash: fc.option(hash),
  validRound: fc.constant(null),
});

export const evidence: fc.Arbitrary<Evidence> = fc
  .tuple(vote, hash, hash, signature)
  .filter(([, a, b]) => a !== b)
  .map(([base, a, b, other]) => {
    const [small, large]: SignedStatement['blockHash'][] = a < b ? [a, b] : [b, a];
    return {
      first: { ...base, blockHash: small ?? null },
      second: { ...base, blockHash: large ?? null, signature: other },
    };
  });

export const header: fc.Arbitrary<Header> = fc.record({
  version: fc.constant(1 as const),
  chainId: hash,
  height,
  timeMs: safe,
  proposer: participant,
  parentHash: hash,
  validatorSetHash: hash,
  batchesRoot: hash,
  evidenceRoot: hash,
  transactionsRoot: hash,
  receiptsRoot: hash,
  writesRoot: hash,
  checkpointRoot: fc.option(hash),
});

export const block: fc.Arbitrary<Block> = fc.record({
  header,
  batches: fc.array(hash, { maxLength: 4 }),
  evidence: fc.array(evidence, { maxLength: 2 }),
});

export const proposal: fc.Arbitrary<Proposal> = fc.record({
  statement: fc
    .record({ ...place, step: fc.constant('propose' as const), blockHash: hash, valid: fc.option(fc.nat()) })
    .map(({ valid, ...rest }) => {
      const validRound = valid === null || rest.round === 0 ? null : valid % rest.round;
      return { ...rest, validRound };
    }),
  block,
});

export const certificate: fc.Arbitrary<CommitCertificate> = fc.record({
  height,
  round: place.round,
  blockHash: hash,
  signatures: fc
    .uniqueArray(fc.record({ validator: place.validator, signature }), {
      minLength: 1,
      maxLength: 7,
      selector: (entry) => entry.validator,
    })
    .map((entries) => entries.sort((a, b) => a.validator - b.validator)),
});

export const batch: fc.Arbitrary<Batch> = fc.record({
  version: fc.constant(1 as const),
  chainId: hash,
  author: participant,
  transactions: fc.array(transaction, { minLength: 1, maxLength: 3 }),
});

export const committedBlock: fc.Arbitrary<CommittedBlock> = fc.record({
  block,
  certificate,
  batches: fc.array(batch, { maxLength: 2 }),
});
