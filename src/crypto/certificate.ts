/** The two proofs that stand on validators' signatures: that a block is final, and that a validator said two things. */
import type { SignatureCheck, Verifier } from '../ports.ts';
import type { ChainId, CommitCertificate, Evidence, SignedStatement, ValidatorSet } from '../types/index.ts';
import { statementSigningBytes } from './ids.ts';

/** More than two thirds of `validators`: the smallest number that two honest majorities must share an honest member in. */
export function quorumOf(validators: number): number {
  return Math.floor((2 * validators) / 3) + 1;
}

/** What verifies a signed statement, or null where no such validator exists. */
export function statementCheck(
  chainId: ChainId,
  validators: ValidatorSet,
  statement: SignedStatement,
): SignatureCheck | null {
  const validator = validators[statement.validator];
  if (validator === undefined) return null;
  const { signature } = statement;
  return { publicKey: validator.publicKey, message: statementSigningBytes(chainId, statement), signature };
}

/**
 * What verifies a certificate, or null where it is too small or names somebody twice or nobody. Every signature it carries
 * must verify, so that no byte of a certificate can be changed unnoticed.
 */
export function certificateChecks(
  chainId: ChainId,
  validators: ValidatorSet,
  { height, round, blockHash, signatures }: CommitCertificate,
): SignatureCheck[] | null {
  if (new Set(signatures.map((entry) => entry.validator)).size !== signatures.length) return null;
  if (signatures.length < quorumOf(validators.length)) return null;
  const checks = signatures.map((entry) =>
    statementCheck(chainId, validators, { step: 'precommit', height, round, blockHash, validRound: null, ...entry }),
  );
  return checks.every((check) => check !== null) ? checks : null;
}

/** Whether both statements of a piece of evidence carry the validator's signature; its form was checked by the codec. */
export function isEvidenceValid(
  chainId: ChainId,
  validators: ValidatorSet,
  evidence: Evidence,
  verifier: Verifier,
): boolean {
  return [evidence.first, evidence.second].every((statement) => {
    const check = statementCheck(chainId, validators, statement);
    return check !== null && verifier.verify(check);
  });
}
