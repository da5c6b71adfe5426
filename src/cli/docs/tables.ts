/** Tables of ARCHITECTURE.md and scenarios/README.md that are printed from the code, so that they cannot say anything else than it does. */
import { readFileSync } from 'node:fs';
import { batch, block, committedBlock, header } from '../../codec/block.ts';
import { amount } from '../../codec/fields.ts';
import { currency, genesis, participant, rules, tier, tierLimit } from '../../codec/genesis.ts';
import { indexedReceipt, placeRun } from '../../codec/index-rows.ts';
import * as limits from '../../codec/limits.ts';
import {
  announcement,
  blocksQuestion,
  chunkQuestion,
  evidenceMessage,
  manifestQuestion,
  proposal,
  roundMessages,
} from '../../codec/messages.ts';
import { receiptProof } from '../../codec/proof.ts';
import type { FieldRow } from '../../codec/schema.ts';
import { signMemory } from '../../codec/sign-memory.ts';
import {
  accountRecord,
  aliasClaim,
  aliasRecord,
  evidenceRecord,
  holding,
  seenRecord,
  snapshotManifest,
  spentRecord,
  stateEntry,
  stateWrite,
  supplyRecord,
} from '../../codec/state.ts';
import * as tx from '../../codec/transaction.ts';
import { commitCertificate, evidence, signedStatement, statementPreimage } from '../../codec/vote.ts';
import { DOMAINS } from '../../crypto/domains.ts';
import { STATE_KINDS } from '../../ledger/keys.ts';
import { STATUSES } from '../../ledger/status.ts';
import { INDEX_KINDS, PLACE_KINDS } from '../../node/indexes.ts';
import { POOL_REFUSALS } from '../../node/refusals.ts';
import { OUTPUT_FIELDS } from '../../scenario/language/compile/outputs.ts';
import { PROBLEM_CODES } from '../../scenario/language/problem.ts';
import { wordRows } from '../../scenario/language/schema/publish.ts';
import type { FaultReport } from '../../simulator/command/report.ts';
import { STORAGE_FILES, STORAGE_KEYS } from '../../storage/index.ts';
import { EXIT_CODES } from '../exit-codes.ts';

/** What a table of fields is printed from. */
interface Message {
  readonly type: string;
  readonly rows?: readonly FieldRow[];
}

const MESSAGES: Readonly<Record<string, readonly Message[]>> = {
  'Transactions and receipts': [
    tx.transaction,
    tx.transactionBody,
    tx.command,
    tx.openAccount,
    tx.registerAlias,
    tx.releaseAlias,
    tx.issue,
    tx.redeem,
    tx.transfer,
    tx.claimAlias,
    tx.rejectClaim,
    tx.setTier,
    tx.aliasReference,
    amount,
    tx.transactionSignature,
    tx.receipt,
    receiptProof,
  ],
  'Blocks and votes': [
    batch,
    block,
    header,
    committedBlock,
    signedStatement,
    statementPreimage,
    commitCertificate,
    evidence,
    signMemory,
  ],
  'Between peers': [
    proposal,
    announcement,
    evidenceMessage,
    blocksQuestion,
    manifestQuestion,
    chunkQuestion,
    roundMessages,
    snapshotManifest,
    stateEntry,
  ],
  Genesis: [genesis, participant, currency, tier, tierLimit, rules],
  'State and indexes': [
    accountRecord,
    holding,
    spentRecord,
    aliasRecord,
    aliasClaim,
    supplyRecord,
    seenRecord,
    evidenceRecord,
    stateWrite,
    placeRun,
    indexedReceipt,
  ],
};

/** Name of each generated part -> its text. `<!-- table:name -->` marks its place in the page. */
export const TABLES: Readonly<Record<string, () => string>> = {
  statuses: () =>
    table(
      ['Code', 'Name', 'Meaning'],
      STATUSES.map(({ code, name, sentence }) => [String(code), tick(name), sentence]),
    ),
  refusals: () =>
    table(
      ['Name', 'Meaning'],
      Object.entries(POOL_REFUSALS).map(([name, meaning]) => [tick(name), meaning]),
    ),
  exits: () =>
    table(
      ['Exit', 'Name', 'Meaning', 'What to do'],
      EXIT_CODES.map(({ code, name, meaning, remedy }) => [String(code), tick(name), meaning, remedy]),
    ),
  state: () =>
    table(
      ['State key', 'Value', 'Meaning'],
      STATE_KINDS.map(({ prefix, rest, value, meaning }) => [tick(prefix + rest), value, meaning]),
    ),
  indexes: () =>
    table(
      ['Index key', 'Value', 'Meaning'],
      INDEX_KINDS.map(({ prefix, rest, value, meaning }) => [tick(prefix + rest), value, meaning]),
    ),
  places: () =>
    table(
      ['Key of a place', 'Meaning'],
      PLACE_KINDS.map(({ key, meaning }) => [key, meaning]),
    ),
  files: () =>
    table(
      ['File', 'Meaning'],
      STORAGE_FILES.map(({ name, meaning }) => [tick(name), meaning]),
    ),
  leveldb: () =>
    table(
      ['LevelDB key', 'Value', 'Meaning'],
      STORAGE_KEYS.map(({ key, value, meaning }) => [tick(key), value, meaning]),
    ),
  domains: () =>
    table(
      ['Domain', 'Tag'],
      Object.entries(DOMAINS).map(([name, tag]) => [tick(name), tick(tag)]),
    ),
  faults: () => {
    const { seeds, runs, failed, heights, payments, acknowledged, rows } = readReport();
    const n = (count: number) => count.toLocaleString('en-US');
    const sums = `${n(runs)} runs, ${n(heights)} heights, ${n(payments)} requests, ${n(acknowledged)} acknowledged as final`;
    const lines = rows.map(({ number, fault, happens, where, times, seeds: struck, led }) => {
      if (happens === 'never') return [number, fault, `not simulated: ${where}`, '', '', ''];
      const counts = happens === 'always' ? ['always', ''] : [n(times), n(struck)];
      return [number, fault, where, ...counts, led];
    });
    const head = ['#', 'Fault', 'Where', 'Times', 'Runs', 'What came of it'];
    return `Seeds ${seeds}: ${sums}, ${n(failed)} failed.\n\n${table(head, lines)}`;
  },
  limits: () =>
    table(
      ['Limit', 'Value'],
      Object.entries(limits).map(([name, value]) => [tick(name), value.toLocaleString('en-US')]),
    ),
  wire: () =>
    Object.entries(MESSAGES)
      .map(([title, messages]) => `### ${title}\n\n${messages.map(messageTable).join('\n\n')}`)
      .join('\n\n'),
};

/** Of `scenarios/README.md`. */
export const SCENARIO_TABLES: Readonly<Record<string, () => string>> = {
  words: () =>
    table(
      ['Word', 'Takes', 'Meaning'],
      wordRows().map(([word, takes, meaning]) => [tick(word), takes, meaning]),
    ),
  outputs: () =>
    table(
      ['Step', 'Outputs'],
      Object.entries(OUTPUT_FIELDS).flatMap(([kind, fields]) => {
        const names = Object.keys(fields).map(tick).join(', ');
        return names === '' ? [] : [[OUTPUT_KINDS[kind] ?? kind, names]];
      }),
    ),
  problems: () =>
    table(
      ['Code', 'Meaning'],
      Object.entries(PROBLEM_CODES).map(([code, meaning]) => [tick(code), meaning]),
    ),
};

/** What leaves outputs of a kind. */
const OUTPUT_KINDS: Readonly<Record<string, string>> = {
  transaction: 'One transaction: `pay`, `open`, `issue`, `bind`…',
  payments: 'Many: `payments`, `bulk`',
};

/** What `npm run simulate -- --report src/simulator/command/report.json` wrote last. */
function readReport(): FaultReport {
  const file = new URL('../../simulator/command/report.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as FaultReport;
}

function messageTable({ type, rows = [] }: Message): string {
  if (type === tx.command.type) {
    return `**${type}**: a tag and the record that it announces\n\n${table(
      ['Tag', 'Command', 'Record'],
      rows.map(({ field, type: recordType, meaning }) => [field, meaning, recordType]),
    )}`;
  }
  const lines = rows.map(({ field, type: fieldType, meaning }, i) => [String(i), tick(field), fieldType, meaning]);
  return `**${type}**\n\n${table(['#', 'Field', 'Type', 'Meaning'], lines)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function tick(text: string): string {
  return `\`${text}\``;
}
