/**
 * One payment's way, hop by hop, out of what the banks told while the story was played: handed in, batched, spread, proposed,
 * voted on, certified, executed; and for a refusal the rule that refused it.
 */
import { STATUSES } from '../../ledger/status.ts';
import type { JournalEntry } from '../engine.ts';
import type { PaymentRecord, Run } from '../run.ts';
import { count, duration, timeOfDay } from '../words.ts';

/** One line of the way. */
interface Hop {
  /** Engine time since the payment was first batched; null where that is not known. */
  readonly afterMs: number | null;
  readonly stage: 'submitted' | 'batched' | 'spread' | 'proposed' | 'voted' | 'certified' | 'executed';
  readonly what: string;
}

export interface Explanation {
  readonly payment: PaymentRecord;
  readonly hops: readonly Hop[];
  /** What it came to, and for a refusal the rule. */
  readonly conclusion: string;
}

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;

/** An id or its beginning has at least so many digits, so that a word like `dad` is not taken for one. */
const MIN_ID_DIGITS = 6;

/** @param text an id or its beginning, or words of a payment's title or memo. @returns all that fit. */
export function findPayments(run: Run, text: string): readonly PaymentRecord[] {
  const wanted = text.toLowerCase();
  const isId = wanted.length >= MIN_ID_DIGITS && /^[0-9a-f]{1,64}$/.test(wanted);
  return run.payments.filter(({ id, title, memo }) =>
    isId ? id.startsWith(wanted) : `${title}\n${memo}`.toLowerCase().includes(wanted),
  );
}

/** @param again the same transaction, handed in once more. */
export function explain(
  journal: readonly JournalEntry[],
  payment: PaymentRecord,
  again: readonly PaymentRecord[] = [],
): Explanation {
  const batches = ofType(journal, 'batched').filter(({ transactions }) => transactions.some((id) => id === payment.id));
  const commits = ofType(journal, 'committed').filter(({ transactions }) =>
    transactions.some(({ id }) => id === payment.id),
  );
  const zeroMs = batches[0]?.atMs ?? commits[0]?.atMs ?? 0;
  const hops: readonly Hop[] = [
    ...[payment, ...again].map(({ title, via, submittedAtMs }): Hop => {
      return { afterMs: null, stage: 'submitted', what: `${title}: handed to ${via} at ${timeOfDay(submittedAtMs)}` };
    }),
    ...batches.flatMap((batch) => spreadOf(journal, batch, zeroMs)),
    ...agreementOn(journal, new Set(batches.map(({ digest }) => digest)), commits[0] ?? null, zeroMs),
    ...executionsOf(commits, zeroMs),
  ];
  return { payment, hops, conclusion: conclusionOf(payment) };
}

/** The batch it went out in, and who had it when. */
function spreadOf(journal: readonly JournalEntry[], batch: Entry<'batched'>, zeroMs: number): readonly Hop[] {
  const others = batch.transactions.length - 1;
  const company = others === 0 ? 'alone' : `with ${count(others, 'other')}`;
  const short = batch.digest.slice(0, 12);
  const held = ofType(journal, 'batchHeld').filter(({ digest }) => digest === batch.digest);
  return [
    { afterMs: batch.atMs - zeroMs, stage: 'batched', what: `${batch.bank} packs it into batch ${short}, ${company}` },
    ...held.map(({ atMs, bank }): Hop => {
      return {
        afterMs: atMs - zeroMs,
        stage: 'spread',
        what: `${bank} has the batch, and every signature in it holds`,
      };
    }),
  ];
}

/** Every proposal with one of these batches up to the one that was agreed on, the votes for it, and the certificate. */
function agreementOn(
  journal: readonly JournalEntry[],
  digests: ReadonlySet<string>,
  commit: Entry<'committed'> | null,
  zeroMs: number,
): readonly Hop[] {
  const proposals = ofType(journal, 'proposal').filter(({ batches }) => batches.some((digest) => digests.has(digest)));
  const first = new Map(proposals.toReversed().map((proposal) => [`${proposal.height}/${proposal.round}`, proposal]));
  const hops = [...first.values()].toReversed().flatMap((proposal): Hop[] => {
    const { height, round, proposer, blockHash, atMs } = proposal;
    const what = `${proposer} proposes it in block ${height}, round ${round} (${blockHash.slice(0, 12)})`;
    const votes = ofType(journal, 'voted').filter((vote) => vote.height === height && vote.round === round);
    return [
      { afterMs: atMs - zeroMs, stage: 'proposed', what },
      ...(['prevote', 'precommit'] as const).flatMap((step) => votesOf(votes, step, blockHash, zeroMs)),
    ];
  });
  if (commit === null) return hops;
  const { round, signers, height, atMs } = commit;
  const what = `block ${height} is certified in round ${round} by ${signers.join(', ')}`;
  return [...hops, { afterMs: atMs - zeroMs, stage: 'certified', what }];
}

function votesOf(
  votes: readonly Entry<'voted'>[],
  step: 'prevote' | 'precommit',
  blockHash: string,
  zeroMs: number,
): readonly Hop[] {
  const cast = votes.filter((vote) => vote.step === step);
  const last = cast.at(-1);
  if (last === undefined) return [];
  const said = (isFor: boolean) =>
    cast.filter((vote) => (vote.blockHash === blockHash) === isFor).map(({ bank }) => bank);
  const [yes, no] = [said(true), said(false)];
  const against = no.length === 0 ? '' : `; against it ${no.join(', ')}`;
  const what = `${step} for it: ${yes.length === 0 ? 'nobody' : yes.join(', ')}${against}`;
  return [{ afterMs: last.atMs - zeroMs, stage: 'voted', what }];
}

function executionsOf(commits: readonly Entry<'committed'>[], zeroMs: number): readonly Hop[] {
  return commits.map(({ atMs, bank, height, via }): Hop => {
    const how = via === 'sync' ? 'catches up: ' : '';
    return { afterMs: atMs - zeroMs, stage: 'executed', what: `${bank} ${how}executes block ${height} and keeps it` };
  });
}

function conclusionOf({ ending, code, height, index, finalityMs }: PaymentRecord): string {
  const place = height === null ? '' : ` It stands in block ${height} at place ${index}.`;
  const rule = STATUSES.find(({ name }) => name === code);
  switch (ending) {
    case 'final':
      return `Final${finalityMs === null ? '' : ` after ${duration(finalityMs)}`}.${place}`;
    case 'refused':
      return `Refused by rule ${code}: ${rule?.sentence ?? 'a refusal of the bank, not of the ledger.'}${place}`;
    case 'expired':
      return 'Expired: its validity ended without it taking effect, and it never will.';
    case 'pending':
      return 'Unknown: it was taken, and was not final when the story ended.';
    case 'unreachable':
      return 'Unknown: the bank that it was handed to did not answer.';
  }
}

function ofType<Type extends JournalEntry['type']>(journal: readonly JournalEntry[], type: Type): Entry<Type>[] {
  return journal.filter((entry): entry is Entry<Type> => entry.type === type);
}
