/** What validators sign, and the proofs made of it: certificates and evidence. */
import type {
  ChainId,
  CommitCertificate,
  Evidence,
  SignedStatement,
  Statement,
  Step,
  Validator,
  Vote,
} from '../types/index.ts';
import * as f from './fields.ts';
import { MAX_ROUND, MAX_SAFE, MAX_VALIDATORS } from './limits.ts';
import { choice, exactly, field, integer, list, nullable, record, refine, type Schema } from './schema.ts';
import { strictlyAscending } from './transaction.ts';

const step = choice<Step>('Step', { propose: 1, prevote: 2, precommit: 3 });
const validRound = nullable(integer(0, MAX_ROUND));

/** What the signature of a statement covers: all but who says it, which the key tells. */
export interface StatementPreimage extends Omit<Statement, 'validator'> {
  readonly version: 1;
  readonly chainId: ChainId;
}

export const statementPreimage = record<StatementPreimage>('StatementPreimage', {
  version: field(exactly(1), 'format'),
  chainId: field(f.chainId, 'digest of the genesis'),
  step: field(step, 'what is said'),
  height: field(integer(1, MAX_SAFE), 'height'),
  round: field(f.round, 'round'),
  blockHash: field(nullable(f.blockHash), 'the value; null votes for none'),
  validRound: field(validRound, 'of a proposal: the round of the polka it relies on'),
});

export const signedStatement = refine(
  record<SignedStatement>('SignedStatement', {
    step: field(step, 'what is said'),
    height: field(integer(1, MAX_SAFE), 'height'),
    round: field(f.round, 'round'),
    blockHash: field(nullable(f.blockHash), 'the value; null votes for none, a proposal names one'),
    validRound: field(validRound, 'of a proposal: the round of the polka it relies on, below its own; null in votes'),
    validator: field(f.validatorIndex, "index in the height's validator set"),
    signature: field(f.signature, 'Ed25519 over the tagged preimage'),
  }),
  statementProblem,
);

export const vote: Schema<Vote> = refine(signedStatement as Schema<Vote>, (value) =>
  (value as SignedStatement).step === 'propose' ? 'expected a prevote or a precommit' : null,
);

export const evidence = refine(
  record<Evidence>('Evidence', {
    first: field(signedStatement, 'one statement'),
    second: field(signedStatement, 'another, of the same validator, height, round and step'),
  }),
  evidenceProblem,
);

export const commitCertificate = record<CommitCertificate>('CommitCertificate', {
  height: field(integer(1, MAX_SAFE), 'height'),
  round: field(f.round, 'the round it was decided in'),
  blockHash: field(f.blockHash, 'the block'),
  signatures: field(
    refine(
      list(
        record<CommitCertificate['signatures'][number]>('CertificateSignature', {
          validator: field(f.validatorIndex, 'who'),
          signature: field(f.signature, 'of its precommit'),
        }),
        1,
        MAX_VALIDATORS,
      ),
      (signatures) =>
        strictlyAscending(signatures, (entry) => entry.validator) ? null : 'expected one a validator, ascending',
    ),
    'precommits of more than two thirds, by ascending index',
  ),
});

export const validatorSet = list(
  record<Validator>('Validator', {
    participant: field(f.participantId, 'who'),
    publicKey: field(f.publicKey, 'signs its statements'),
  }),
  1,
  MAX_VALIDATORS,
);

function statementProblem(statement: SignedStatement): string | null {
  if (statement.step !== 'propose') return statement.validRound === null ? null : 'a vote has no valid round';
  if (statement.blockHash === null) return 'a proposal names a block';
  return statement.validRound === null || statement.validRound < statement.round
    ? null
    : 'valid round is not before the round';
}

/** The smaller value first (no value before any), so that one offence has one proof. */
function evidenceProblem({ first, second }: Evidence): string | null {
  const same = (['step', 'height', 'round', 'validator'] as const).every((key) => first[key] === second[key]);
  if (!same) return 'the statements are not of one validator, height, round and step';
  return (first.blockHash ?? '') < (second.blockHash ?? '') ? null : 'expected two values, the smaller first';
}
