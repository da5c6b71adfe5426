/** The node's diary as JSON lines: one a fact, with a stable name, written at once so that a crash loses none. */
import { destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { CodedError } from '../errors.ts';
import type { NodeEvent } from '../node/events.ts';
import type { Facts, Logger } from '../ports.ts';
import type { LogLevel } from './log-level.ts';

const STDERR = 2;

/** One diary, as the node's port and as the API's framework want it. */
export interface Diary {
  readonly log: Logger;
  readonly pino: PinoLogger;
}

/** @param participant stands in every line: logs of several nodes are read together. */
export function createDiary(level: LogLevel, participant: string): Diary {
  const base = { participant };
  const formatters = { level: (label: string) => ({ level: label }) };
  const options = { level, base, formatters, messageKey: 'event', timestamp: stdTimeFunctions.isoTime };
  const sink = pino(options, destination({ fd: STDERR, sync: true }));
  const log: Logger = {
    debug: (event, facts = {}) => {
      if (sink.isLevelEnabled('debug')) sink.debug(typeof facts === 'function' ? facts() : facts, event);
    },
    info: (event, facts = {}) => sink.info(facts, event),
    warn: (event, facts = {}) => sink.warn(facts, event),
    error: (event, facts = {}) => sink.error(facts, event),
  };
  return { log, pino: sink };
}

/** What an error says, for a line of the diary. */
export function factsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = error instanceof CodedError || 'code' in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: factsOf(error.cause) };
  return { ...code, message: error.message, stack: error.stack, ...cause };
}

/** Writes what a node tells into its diary: what somebody may have to act on from `info` on, the everyday as `debug`. */
export function logEvent(log: Logger, event: NodeEvent): void {
  switch (event.type) {
    case 'batched': {
      const { digest, transactions } = event;
      log.debug('node.batched', () => ({ digest, transactions: transactions.map(({ id }) => id) }));
      return;
    }
    case 'batchHeld':
      log.debug('node.batchHeld', { digest: event.digest, author: event.author });
      return;
    case 'proposal': {
      const { type: _, ...facts } = event;
      log.debug('node.proposal', facts);
      return;
    }
    case 'voted': {
      const { type: _, ...facts } = event;
      log.debug('node.voted', facts);
      return;
    }
    case 'committed':
      log.debug('node.committed', () => committedFacts(event));
      return;
    case 'expired':
      log.debug('node.expired', { ids: event.ids });
      return;
    case 'round': {
      const { height, round, proposer } = event;
      if (round === 0) log.debug('node.round', { height, round, proposer });
      else log.info('node.round', { height, round, proposer });
      return;
    }
    case 'evidence': {
      const { height, round, step } = event.evidence.first;
      log.warn('node.evidence', { against: event.participant, height, round, step });
      return;
    }
    case 'blockRefused': {
      const { height, blockHash, reason } = event;
      log.warn('node.blockRefused', { height, blockHash, reason });
      return;
    }
    case 'signatureRefused':
      log.warn('node.signatureRefused', { height: event.height, round: event.round });
      return;
    case 'peer':
      log.debug('node.peer', { peer: event.peer, connected: event.connected });
      return;
    case 'peerRefused':
      log.warn('node.peerRefused', { peer: event.peer, reason: event.reason });
      return;
    case 'joining':
      log.info('node.joining', { peer: event.peer, height: event.height, chunks: event.chunks });
      return;
    case 'joined':
      log.info('node.joined', { height: event.height });
      return;
    case 'stateProved': {
      const { height, by, tookMs } = event;
      if (by !== null) log.info('node.stateProved', { height, by, tookMs });
      else log.warn('node.stateNotProved', { height, tookMs });
      return;
    }
    case 'syncing':
      log.info('node.syncing', { peer: event.peer, from: event.from, to: event.to });
      return;
  }
}

/** All that it takes to follow a transaction into a block. */
function committedFacts(event: Extract<NodeEvent, { type: 'committed' }>): Facts {
  const { committed, blockHash, signers, accused, via } = event;
  const { height, timeMs, proposer } = committed.block.header;
  const { round } = committed.certificate;
  const transactions = event.transactions.map(({ receipt }) => ({ id: receipt.transactionId, status: receipt.status }));
  return { height, blockHash, timeMs, round, proposer, signers, via, transactions, accused };
}
