/**
 * All that honest nodes were told and said, pooled: after a fork it must name more than a third of the validators, by two
 * statements of theirs for one place, and nobody who is honest. Who changed its mind from one round to a later one without
 * the prevotes that would allow it is told apart: that takes the whole transcript to see, not two statements.
 */

import { CodecError } from '../../codec/schema.ts';
import { quorum } from '../../consensus/quorum.ts';
import { statementCheck } from '../../crypto/certificate.ts';
import type { Verifier } from '../../ports.ts';
import type {
  BlockHash,
  ChainId,
  CommitCertificate,
  ParticipantId,
  SignedStatement,
  ValidatorSet,
} from '../../types/index.ts';
import type { MessageKind } from '../world/network.ts';
import { statementsIn } from './check-signatures.ts';

export class Transcript {
  readonly #chainId: ChainId;
  readonly #validators: ValidatorSet;
  readonly #verifier: Verifier;
  /** By `validator/height/round/step`: what was said there, by value. */
  readonly #places = new Map<string, Map<string, SignedStatement>>();
  #last: Uint8Array | null = null;

  constructor(chainId: ChainId, validators: ValidatorSet, verifier: Verifier) {
    this.#chainId = chainId;
    this.#validators = validators;
    this.#verifier = verifier;
  }

  /** What an honest node was told, by whomever, or said. */
  hear(kind: MessageKind, bytes: Uint8Array): void {
    if (bytes === this.#last) return;
    this.#last = bytes;
    try {
      for (const statement of statementsIn(kind, bytes)) this.#keep(statement);
    } catch (error) {
      // What does not decode names nobody.
      if (!(error instanceof CodecError)) throw error;
    }
  }

  certificate({ height, round, blockHash, signatures }: CommitCertificate): void {
    for (const entry of signatures) {
      this.#keep({ step: 'precommit', height, round, blockHash, validRound: null, ...entry });
    }
  }

  /** Who said two things at one place. */
  equivocators(): ReadonlySet<ParticipantId> {
    const named = new Set<ParticipantId>();
    for (const values of this.#places.values()) {
      const [first] = values.values();
      const different = new Set([...values.values()].map(({ blockHash }) => blockHash));
      const participant = first === undefined ? undefined : this.#validators[first.validator]?.participant;
      if (different.size > 1 && participant !== undefined) named.add(participant);
    }
    return named;
  }

  /** Who, at this height, prevoted a block after it had precommitted another one, with no polka in between for it. */
  turncoats(height: number): ReadonlySet<ParticipantId> {
    const all = [...this.#places.values()].flatMap((values) =>
      [...values.values()].filter((statement) => statement.height === height),
    );
    const locks = all.filter(({ step, blockHash }) => step === 'precommit' && blockHash !== null);
    const named = new Set<ParticipantId>();
    for (const { validator, round, blockHash } of all.filter(({ step }) => step === 'prevote')) {
      if (blockHash === null) continue;
      const participant = this.#validators[validator]?.participant;
      const turned = locks.some(
        (lock) =>
          lock.validator === validator &&
          lock.round < round &&
          lock.blockHash !== blockHash &&
          !this.#hasPolka(all, blockHash, lock.round, round),
      );
      if (turned && participant !== undefined) named.add(participant);
    }
    return named;
  }

  #hasPolka(all: readonly SignedStatement[], hash: BlockHash, from: number, to: number): boolean {
    const voters = new Map<number, Set<number>>();
    for (const { step, round, blockHash, validator } of all) {
      if (step !== 'prevote' || blockHash !== hash || round < from || round >= to) continue;
      voters.set(round, (voters.get(round) ?? new Set()).add(validator));
    }
    return [...voters.values()].some(({ size }) => size >= quorum(this.#validators.length));
  }

  #keep(statement: SignedStatement): void {
    const { validator, height, round, step, blockHash, validRound } = statement;
    const place = `${validator}/${height}/${round}/${step}`;
    const values = this.#places.get(place) ?? new Map<string, SignedStatement>();
    const value = `${blockHash}/${validRound}`;
    if (values.has(value)) return;
    const check = statementCheck(this.#chainId, this.#validators, statement);
    if (check === null || !this.#verifier.verify(check)) return;
    this.#places.set(place, values.set(value, statement));
  }
}
