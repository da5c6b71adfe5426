/** `tonle scenario explain`: one payment's way through the banks, out of a run that was kept. */
import path from 'node:path';
import { CodedError } from '../../errors.ts';
import { explain, findPayments } from '../../scenario/report/explain.ts';
import { explanationText } from '../../scenario/report/terminal.ts';
import type { PaymentRecord, Run } from '../../scenario/run.ts';
import { count, timeOfDay } from '../../scenario/words.ts';
import type { CliContext } from '../context.ts';
import { findRun, readJournal, readRun, runsFolder } from './runs.ts';

/** Of several that fit, as many are listed. */
const MAX_LISTED = 20;

/** @throws CodedError `RUN_NOT_FOUND`, `RUN_UNREADABLE`, `PAYMENT_NOT_FOUND`. */
export async function explainCommand(
  { out, data }: CliContext,
  name: string,
  text: string,
  { runs }: { readonly runs?: string },
): Promise<void> {
  const folder = await findRun(runsFolder(data, runs), name);
  const run = await readRun(folder);
  const found = findPayments(run, text);
  const [first, ...others] = found;
  if (first === undefined) throw notFound(run, path.basename(folder), text);
  // One that was handed in several times is still one payment.
  if (others.some(({ id }) => id !== first.id)) {
    const shown = found.slice(0, MAX_LISTED);
    const more = found.length - shown.length;
    const hint = `${count(found.length, 'payment')} fit; name one by its id${more > 0 ? ` (${count(more, 'more is', 'more are')} not shown)` : ''}`;
    out.print(`${listOf(shown, out)}\n\n${hint}`, { matches: found });
    return;
  }
  const explanation = explain(await readJournal(folder), first, others);
  out.print(explanationText(explanation, out.style), explanation);
}

function listOf(payments: readonly PaymentRecord[], out: CliContext['out']): string {
  return out.table(payments, [
    { title: 'Id', value: ({ id }) => id.slice(0, 12) },
    { title: 'At', value: ({ submittedAtMs }) => timeOfDay(submittedAtMs) },
    { title: 'Step', value: ({ step }) => step },
    { title: 'Payment', value: ({ title }) => title },
    { title: 'Ended', value: ({ ending, code }) => (code === null ? ending : `${ending} ${code}`) },
  ]);
}

function notFound({ payments }: Run, name: string, text: string): CodedError {
  const [example] = payments.filter(({ kind }) => kind === 'payment');
  const such = example === undefined ? '' : `, such as \`${example.id.slice(0, 12)}\` or \`${example.title}\``;
  return new CodedError(
    'PAYMENT_NOT_FOUND',
    `no payment of ${name} fits «${text}»; give the beginning of an id (6 digits or more), or words of a title or memo${such}`,
  );
}
