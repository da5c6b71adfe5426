/** What every Byzantine participant is: the honest node with its ports in the hands of somebody else. */

import { evidenceMessage } from '../../codec/messages.ts';
import { encode } from '../../codec/schema.ts';
import { evidenceOf } from '../../consensus/proofs.ts';
import { statementSigningBytes } from '../../crypto/ids.ts';
import type { Network, NetworkHandlers, Signer, Topic } from '../../ports.ts';
import type { BlockHash, ChainId, ParticipantId, SignedStatement, Statement } from '../../types/index.ts';
import type { Fraud } from '../wallets/fraud.ts';
import type { VirtualClock } from '../world/clock.ts';
import type { Alter } from '../world/machine.ts';
import type { Chance } from '../world/random.ts';

export interface Accomplice {
  readonly self: ParticipantId;
  /** Index in the validator set. */
  readonly validator: number;
  readonly validators: number;
  /** Of all participants, in the order of the validator set. */
  readonly ids: readonly ParticipantId[];
  readonly chainId: ChainId;
  readonly signer: Signer;
  readonly chance: Chance;
  readonly clock: VirtualClock;
  /** One gossip message to one peer. */
  readonly tell: (peer: ParticipantId, topic: Topic, bytes: Uint8Array) => void;
  /** Its own process ends, and is there again after so long. */
  readonly restart: (downMs: number) => void;
  /** Tells the checkers of a block that must not become part of the chain, and what is wrong with it. */
  readonly forged: (hash: BlockHash, wrong: string) => void;
}

export interface Swindler extends Accomplice {
  /** What it may try to get past the others. */
  readonly fraud: Fraud;
}

export type Actor = (inside: Accomplice) => Alter;

/** Says one thing and another at the same place. @returns the message that proves it, of the form that an honest node passes on. */
export function proofOf(statement: Statement, sign: (statement: Statement) => SignedStatement): Uint8Array {
  const other = statement.blockHash === null ? ('ff'.repeat(32) as BlockHash) : null;
  const evidence = evidenceOf(sign(statement), sign({ ...statement, blockHash: other }));
  return encode(evidenceMessage, { height: statement.height - 1, evidence });
}

/** Changes only how it uses the network. */
export function onNetwork(change: (network: Network) => Network): Alter {
  return (ports) => ({ ...ports, network: change(ports.network) });
}

/** How to answer a question that a peer asks; `handlers` are the honest ones. */
export type Answer = (handlers: NetworkHandlers, ...asked: Parameters<NetworkHandlers['onQuestion']>) => Answered;
type Answered = ReturnType<NetworkHandlers['onQuestion']>;

/** The network with other answers to what is asked. */
export function answering(network: Network, answer: Answer): Network {
  return {
    ...network,
    start: (handlers) =>
      network.start({
        onGossip: (...message) => handlers.onGossip(...message),
        onBatch: (...message) => handlers.onBatch(...message),
        onPeer: (...news) => handlers.onPeer(...news),
        onQuestion: (...asked) => answer(handlers, ...asked),
      }),
  };
}

export function signed<T extends Statement>({ chainId, signer }: Accomplice, statement: T): T & SignedStatement {
  const { step, height, round, blockHash, validRound, validator } = statement;
  const plain: Statement = { step, height, round, blockHash, validRound, validator };
  return { ...statement, signature: signer.sign(statementSigningBytes(chainId, plain)) };
}
