/** What a finding shows beside its figures: an account's last movements in the story, and payments that ended otherwise. */
import type { AccountId, Command, CurrencyCode } from '../../types/index.ts';
import { timeOfDay } from '../words.ts';
import { nameOf } from './results.ts';
import type { Stage } from './stage.ts';
import type { Handed } from './submissions.ts';

/** So many fit a screen beside the rest. */
const MAX_MOVEMENTS = 8;
const MAX_EXAMPLES = 5;

/** The last one last: `09:30  step 3  to sok  -5,000 KHR  final`. */
export function lastMovements(stage: Stage, account: AccountId, currency: CurrencyCode): string {
  const { submissions, titles } = stage;
  const lines: string[] = [];
  for (const handed of submissions.all.toReversed()) {
    if (lines.length >= MAX_MOVEMENTS) break;
    const commands = handed.transaction?.body.commands ?? [];
    const own = commands.flatMap((command) => movementOf(command, account, currency, (id) => titles.name(id)) ?? []);
    if (own.length === 0) continue;
    const { submittedAtMs, step, ending } = submissions.updated([handed])[0] ?? handed;
    const when = `${timeOfDay(submittedAtMs)}  ${step === '0' ? 'before step 1' : `step ${step}`}`;
    for (const { other, minor } of own.toReversed()) {
      const sign = minor < 0n ? '-' : '+';
      const money = titles.money({ currency, minor: minor < 0n ? -minor : minor });
      lines.push(`  ${when}  ${other}  ${sign}${money}  ${nameOf(ending)}`);
    }
  }
  if (lines.length === 0) return `Nothing moved to or from ${titles.name(account)} in this story.`;
  return [`Last movements of ${titles.name(account)}:`, ...lines.slice(0, MAX_MOVEMENTS).toReversed()].join('\n');
}

/** What the command would move to or from the account. */
function movementOf(
  command: Command,
  account: AccountId,
  currency: CurrencyCode,
  name: (account: AccountId) => string,
): { readonly other: string; readonly minor: bigint } | null {
  if (!('amount' in command) || command.amount.currency !== currency) return null;
  const { minor } = command.amount;
  if (command.type === 'issue') return command.to === account ? { other: 'issued', minor } : null;
  if (command.type === 'redeem') return command.from === account ? { other: 'redeemed', minor: -minor } : null;
  if (command.from === account) return { other: `to ${name(command.to)}`, minor: -minor };
  return command.to === account ? { other: `from ${name(command.from)}`, minor } : null;
}

/** The first of each ending. @returns lines, none where there is nothing to show. */
export function otherEndings(others: readonly Handed[]): readonly string[] {
  const byEnding = Map.groupBy(others, ({ ending }) => nameOf(ending));
  return [...byEnding].flatMap(([name, all]) => [
    `Ended ${name}: ${all.length}`,
    ...all.slice(0, MAX_EXAMPLES).map(({ title, submittedAtMs }) => `  ${timeOfDay(submittedAtMs)}  ${title}`),
    ...(all.length > MAX_EXAMPLES ? [`  and ${all.length - MAX_EXAMPLES} more`] : []),
  ]);
}
