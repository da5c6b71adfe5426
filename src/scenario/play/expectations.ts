/**
 * Judges what a story expects, now: whether each holds, and where it does not, what is there instead, by how much it is off, and
 * what led to it. A finding is for who has never seen the code.
 */
import { participantOf } from '../../codec/text.ts';
import type { Amount, CurrencyCode } from '../../types/index.ts';
import type { ExpectationRecord } from '../run.ts';
import type { Comparison, Expectation } from '../story.ts';
import { count, duration, grouped, quantile } from '../words.ts';
import { accountOf, askAny, isUnreachable, runningBanks } from './banks.ts';
import { lastMovements, otherEndings } from './movements.ts';
import { finalities, nameOf } from './results.ts';
import type { Stage } from './stage.ts';

/** One expectation at one moment. */
export type Judgement = Omit<ExpectationRecord, 'step'>;

/** What was found; the finding is null where it holds. */
interface Verdict {
  readonly title: string;
  readonly finding: string | null;
}

type Of<Kind extends Expectation['kind']> = Extract<Expectation, { kind: Kind }>;
type Judges = {
  readonly [Kind in Expectation['kind']]: (expected: Of<Kind>, stage: Stage) => Promise<Verdict> | Verdict;
};

/** Each by the books of a bank that runs, the account's own first. Where no bank answers, none that asks one holds. */
export async function judgeAll(expectations: readonly Expectation[], stage: Stage): Promise<readonly Judgement[]> {
  return await Promise.all(expectations.map((expectation) => judge(expectation, stage)));
}

async function judge(expectation: Expectation, stage: Stage): Promise<Judgement> {
  const { place, kind } = expectation;
  const { title, finding } = await (JUDGES[kind] as (expected: Expectation, stage: Stage) => Promise<Verdict>)(
    expectation,
    stage,
  );
  return { place, title, held: finding === null, finding };
}

const JUDGES: Judges = {
  balance: judgeBalance,
  change: judgeChange,
  supply: judgeSupply,
  equalRoots: judgeRoots,
  conserved: judgeConserved,
  alias: judgeAlias,
  endings: judgeEndings,
  finality: judgeFinality,
  evidence: judgeEvidence,
  running: judgeRunning,
  blocks: judgeBlocks,
  value: judgeValue,
};

async function judgeBalance({ account, is, amount }: Of<'balance'>, stage: Stage): Promise<Verdict> {
  const wanted = 'zero' in amount ? { currency: amount.zero, minor: 0n } : stage.outputs.amount(amount);
  const title = `${stage.titles.name(account)} has ${WORDS[is]} ${stage.titles.money(wanted)}`;
  return await answered(title, async () => {
    const view = await accountOf(stage.engine, account);
    if (view === null) return `There is no account ${account}.`;
    const minor = view.balances.get(wanted.currency) ?? 0n;
    if (compares(minor, is, wanted.minor)) return null;
    return `${difference(stage, wanted, minor, is)}\n${lastMovements(stage, account, wanted.currency)}`;
  });
}

async function judgeChange({ account, since, currency, minor }: Of<'change'>, stage: Stage): Promise<Verdict> {
  const { titles, outputs } = stage;
  const name = titles.name(account);
  const { balances } = outputs.of(since);
  const title = `since «${since}», ${name} has ${signed(stage, { currency, minor })}`;
  if (balances === null)
    return { title, finding: `The step called ${since} remembers nothing; expected a \`remember\` step.` };
  const before = balances.get(account)?.get(currency) ?? 0n;
  return await answered(title, async () => {
    const now = (await accountOf(stage.engine, account))?.balances.get(currency) ?? 0n;
    if (now - before === minor) return null;
    const found = `Expected a change of ${signed(stage, { currency, minor })}, found ${signed(stage, { currency, minor: now - before })}`;
    const from = `from ${titles.money({ currency, minor: before })} to ${titles.money({ currency, minor: now })}`;
    const off = titles.money({ currency, minor: magnitude(now - before - minor) });
    return `${found} (${from}): off by ${off}.\n${lastMovements(stage, account, currency)}`;
  });
}

async function judgeSupply({ currency, minor }: Of<'supply'>, stage: Stage): Promise<Verdict> {
  const money = (value: bigint) => stage.titles.money({ currency, minor: value });
  return await answered(`${money(minor)} are in circulation`, async () => {
    const { issuedMinor, redeemedMinor } = await askAny(stage.engine, null, (bank) => bank.supply(currency));
    const found = issuedMinor - redeemedMinor;
    if (found === minor) return null;
    const sum = `Issued were ${money(issuedMinor)}, redeemed ${money(redeemedMinor)}.`;
    return `${difference(stage, { currency, minor }, found, 'exactly')}\n${sum}`;
  });
}

async function judgeRoots({ banks }: Of<'equalRoots'>, { engine }: Stage): Promise<Verdict> {
  const asked = banks ?? runningBanks(engine);
  const title = `${banks === null ? 'all banks that run' : banks.join(', ')} have the same books`;
  return await answered(title, async () => {
    const down = asked.filter((id) => !engine.faults.isRunning(id));
    if (down.length > 0) return `Not running: ${down.join(', ')}.`;
    const heads = await Promise.all(asked.map(async (id) => ({ id, ...(await engine.bank(id).head()) })));
    const [first] = heads;
    const isSame = heads.every(({ height, hash, stateRoot }) => {
      return height === first?.height && hash === first.hash && stateRoot === first.stateRoot;
    });
    if (isSame) return null;
    const lines = heads.map(
      ({ id, height, stateRoot }) => `  ${id} is at block ${height}, books ${stateRoot.slice(0, 12)}`,
    );
    const isLevel = heads.every(({ height }) => height === first?.height);
    const what = isLevel ? 'At the same block, the books differ:' : 'The banks are not at the same block:';
    return [what, ...lines].join('\n');
  });
}

async function judgeConserved(_: Of<'conserved'>, { engine, titles, story }: Stage): Promise<Verdict> {
  return await answered('all balances together are what was issued less what was redeemed', async () => {
    const lines: string[] = [];
    for (const id of runningBanks(engine))
      for (const { code: currency } of story.network.currencies) {
        const { issuedMinor, redeemedMinor, sumMinor } = await engine.bank(id).supply(currency);
        const money = (minor: bigint) => titles.money({ currency, minor });
        const off = sumMinor - issuedMinor + redeemedMinor;
        if (off === 0n) continue;
        const sides = `balances come to ${money(sumMinor)}, issued less redeemed to ${money(issuedMinor - redeemedMinor)}`;
        lines.push(`At ${id}, ${sides}: ${money(magnitude(off))} ${off > 0n ? 'came from nowhere' : 'are gone'}.`);
      }
    return lines.length === 0 ? null : lines.join('\n');
  });
}

async function judgeAlias({ phone, account, epoch }: Of<'alias'>, { engine, titles }: Stage): Promise<Verdict> {
  const who = account === null ? 'nobody' : titles.name(account);
  const title = `${phone} belongs to ${who}${epoch === null ? '' : `, in its binding number ${epoch}`}`;
  return await answered(title, async () => {
    const home = account === null ? null : participantOf(account);
    const found = await askAny(engine, home, (bank) => bank.alias(engine.aliasKey(phone)));
    const holder = found?.account ?? null;
    if (holder === account && (epoch === null || found?.epoch === epoch)) return null;
    if (found === null) return `Expected ${who}; the number has never been bound.`;
    const holderName = holder === null ? 'nobody: it was released' : titles.name(holder);
    return `Expected ${who}, found ${holderName}. It has been bound ${times(found.epoch)}.`;
  });
}

function judgeEndings({ of, ending, is, count: wanted }: Of<'endings'>, { outputs, submissions }: Stage): Verdict {
  const handed = submissions.updated(outputs.of(of).handed);
  const name = ending.replace('/', ' ');
  const title = `of the payments «${of}», ${wanted === 'all' ? 'all' : `${WORDS[is]} ${grouped(outputs.number(wanted))}`} ended ${name}`;
  const isMeant = (text: string) => text === name || text.startsWith(`${name} `);
  const others = handed.filter((each) => !isMeant(nameOf(each.ending)));
  const found = handed.length - others.length;
  const number = wanted === 'all' ? handed.length : outputs.number(wanted);
  // All of nothing is nothing: a story that means it writes 0.
  const isEmpty = wanted === 'all' && handed.length === 0;
  if (!isEmpty && compares(found, wanted === 'all' ? 'exactly' : is, number)) return { title, finding: null };
  const counts = `${grouped(found)} of ${count(handed.length, 'payment')} ended ${name}; expected ${wanted === 'all' ? 'all' : `${WORDS[is]} ${grouped(number)}`}.`;
  return { title, finding: [counts, ...otherEndings(others)].join('\n') };
}

function judgeFinality({ of, quantile: q, belowMs }: Of<'finality'>, { outputs, submissions }: Stage): Verdict {
  const handed = of === null ? submissions.all.filter(({ kind }) => kind === 'payment') : outputs.of(of).handed;
  const what = of === null ? 'payments' : `payments «${of}»`;
  const slowest = q === 1 ? 'all' : `${Math.round(q * 100)} of 100`;
  const title = `${slowest} ${what} are final in less than ${duration(belowMs)}`;
  const found = finalities(handed);
  if (found.length === 0) return { title, finding: `None of the ${what} is final.` };
  const reached = quantile(found, q);
  if (reached < belowMs) return { title, finding: null };
  const late = found.filter((ms) => ms >= belowMs).length;
  const slow = handed.filter(({ finalityMs }) => finalityMs === found.at(-1)).map((each) => each.title);
  return {
    title,
    finding: `It took ${duration(reached)}. ${grouped(late)} of ${grouped(found.length)} took ${duration(belowMs)} or longer; the slowest: ${slow[0]}, ${duration(found.at(-1) ?? 0)}.`,
  };
}

function judgeEvidence({ against }: Of<'evidence'>, { recorder }: Stage): Verdict {
  const title =
    against === null ? 'nobody is proved to have voted twice' : `${against} alone is proved to have voted twice`;
  const blocks = [...recorder.blocks].filter(({ evidenceAgainst }) => evidenceAgainst.length > 0);
  const found = new Set(blocks.flatMap(({ evidenceAgainst }) => evidenceAgainst));
  if (against === null ? found.size === 0 : found.size === 1 && found.has(against)) return { title, finding: null };
  if (found.size === 0) return { title, finding: 'There is no proof against anybody in the blocks so far.' };
  const lines = blocks.map(({ height, evidenceAgainst }) => `  block ${height}: ${evidenceAgainst.join(', ')}`);
  return { title, finding: ['Proofs stand in the chain against:', ...lines].join('\n') };
}

function judgeRunning({ bank, is }: Of<'running'>, { engine }: Stage): Verdict {
  const runs = engine.faults.isRunning(bank);
  const title = `${bank} ${is ? 'runs' : 'is down'}`;
  return { title, finding: runs === is ? null : `${bank} ${runs ? 'runs' : 'is down'}.` };
}

function judgeBlocks({ since, is, count: wanted }: Of<'blocks'>, { outputs, recorder }: Stage): Verdict {
  const before = outputs.of(since).height;
  const found = recorder.height - before;
  const title = `since «${since}», ${WORDS[is]} ${count(wanted, 'new block')}`;
  if (compares(found, is, wanted)) return { title, finding: null };
  return {
    title,
    finding: `There are ${grouped(found)}: the chain was at block ${before}, and is at block ${recorder.height}.`,
  };
}

function judgeValue({ value, is, to }: Of<'value'>, { outputs }: Stage): Verdict {
  const title = `${value.output}.${value.field} is ${WORDS[is]} ${to}`;
  const found = outputs.field(value);
  const holds =
    typeof found === 'number' && typeof to === 'number' ? compares(found, is, to) : String(found) === String(to);
  return { title, finding: holds ? null : `It is ${found}.` };
}

const WORDS: Readonly<Record<Comparison, string>> = { exactly: 'exactly', atLeast: 'at least', atMost: 'at most' };

function compares<T extends bigint | number>(found: T, is: Comparison, wanted: T): boolean {
  if (is === 'exactly') return found === wanted;
  return is === 'atLeast' ? found >= wanted : found <= wanted;
}

/** A question that no bank answers does not hold, and says so. */
async function answered(title: string, finding: () => Promise<string | null>): Promise<Verdict> {
  try {
    return { title, finding: await finding() };
  } catch (error) {
    if (isUnreachable(error)) return { title, finding: `Nobody could tell: ${error.message}.` };
    throw error;
  }
}

/** `Expected exactly 5,000 KHR, found 4,999 KHR: 1 KHR too little.` */
function difference({ titles }: Stage, { currency, minor }: Amount, found: bigint, is: Comparison): string {
  const money = (value: bigint) => titles.money({ currency, minor: value });
  const direction = found < minor ? 'too little' : 'too much';
  return `Expected ${WORDS[is]} ${money(minor)}, found ${money(found)}: ${money(magnitude(found - minor))} ${direction}.`;
}

/** `5,000 KHR more`, `as much KHR as before`. */
function signed(
  { titles }: Stage,
  { currency, minor }: { readonly currency: CurrencyCode; readonly minor: bigint },
): string {
  if (minor === 0n) return `as much ${currency} as before`;
  return `${titles.money({ currency, minor: magnitude(minor) })} ${minor > 0n ? 'more' : 'less'}`;
}

function magnitude(minor: bigint): bigint {
  return minor < 0n ? -minor : minor;
}

function times(n: number): string {
  return n === 1 ? 'once' : `${n} times`;
}
