/**
 * Whether what was read from a run's files has the fields that its readers use: another version of the program, or another
 * hand, may have written it.
 */
import type { JournalEntry } from '../../scenario/engine.ts';
import type { Run } from '../../scenario/run.ts';

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const listOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const nullOr =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);

const PAYMENT: Fields = {
  id: text,
  title: text,
  memo: text,
  via: text,
  submittedAtMs: number,
  finalityMs: nullOr(number),
  ending: oneOf('final', 'refused', 'expired', 'pending', 'unreachable'),
  code: nullOr(text),
  height: nullOr(number),
  index: nullOr(number),
};

const ENTRIES: Readonly<Record<JournalEntry['type'], Fields>> = {
  batched: { digest: text, transactions: listOf(text) },
  batchHeld: { digest: text, author: text },
  proposal: { height: number, round: number, blockHash: text, proposer: text, batches: listOf(text) },
  voted: { step: oneOf('prevote', 'precommit'), height: number, round: number, blockHash: nullOr(text) },
  committed: {
    height: number,
    round: number,
    blockHash: text,
    signers: listOf(text),
    via: oneOf('consensus', 'sync'),
    transactions: listOf((value) => has(value, { id: text, status: number })),
  },
  round: { height: number, round: number },
  blockRefused: { height: number, reason: text },
  peerRefused: { peer: text, reason: text },
  started: { why: text },
  ended: { why: text },
};

export function isRun(value: unknown): value is Run {
  return has(value, {
    format: oneOf('tonle-run'),
    version: (version) => version === 1,
    payments: listOf((payment) => has(payment, PAYMENT)),
  });
}

export function isJournalEntry(value: unknown): value is JournalEntry {
  if (!has(value, { atMs: number, bank: text, type: oneOf(...Object.keys(ENTRIES)) })) return false;
  return has(value, ENTRIES[(value as JournalEntry).type]);
}

function has(value: unknown, fields: Fields): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));
}
