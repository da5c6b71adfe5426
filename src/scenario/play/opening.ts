/**
 * What is there when the curtain rises: accounts, money and phone numbers of everybody whom no step opens. The central bank
 * issues to each bank what its customers are to have; many commands share a transaction.
 */
import { MAX_SIGNATURES } from '../../codec/limits.ts';
import { participantOf, settlementAccount } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import type { AccountId, Amount, ParticipantId } from '../../types/index.ts';
import type { Engine } from '../engine.ts';
import type { Person } from '../story.ts';
import { count } from '../words.ts';
import type { Stage } from './stage.ts';
import type { Handed, Move } from './submissions.ts';
import type { Order } from './teller.ts';

/** Fewer than a transaction may hold: the bytes have a limit too. */
const COMMANDS = 100;
/** Each binding has a signature of its own, and the bank one for all. */
const BINDINGS = MAX_SIGNATURES - 1;
const PATIENCE_MS = 60_000;

/** @throws CodedError `SCENARIO_OPENING` where a transaction of it does not become final. */
export async function openAll(stage: Stage): Promise<void> {
  const byBank = new Map<ParticipantId, Person[]>();
  for (const person of stage.story.people) {
    if (!person.isOpen) continue;
    const bank = participantOf(person.account);
    const customers = byBank.get(bank);
    if (customers === undefined) byBank.set(bank, [person]);
    else customers.push(person);
  }
  await Promise.all([...byBank].map(([bank, people]) => openBank(bank, people, stage)));
}

async function openBank(bank: ParticipantId, people: readonly Person[], stage: Stage): Promise<void> {
  const { teller, engine } = stage;
  const settlement = settlementAccount(bank);
  const submit = (title: string, order: Order, moves: readonly Move[] = []) => handIn(stage, bank, title, order, moves);

  await Promise.all(
    chunks(people, COMMANDS).map((some) =>
      submit(
        `${bank} opens ${count(some.length, 'account')}`,
        merged(some.map(({ account, tier }) => teller.open(account, tier))),
      ),
    ),
  );
  const gifts = people.flatMap(({ account, has }) => has.map((amount) => ({ to: account, amount })));
  const issues = needed(gifts, engine).map((amount) => ({ to: settlement, amount }));
  for (const some of chunks(issues, COMMANDS)) {
    const amounts = some.map(({ amount }) => amount);
    await submit(`the central bank issues money for the customers of ${bank}`, teller.issue(bank, amounts));
  }
  await Promise.all(
    chunks(gifts, COMMANDS).map((some) =>
      submit(
        `${bank} pays in for ${count(some.length, 'customer')}`,
        teller.transfer(settlement, some),
        some.map(({ to, amount }) => ({ from: settlement, to, amount })),
      ),
    ),
  );
  const numbered = people.flatMap(({ account, phone }) => (phone === null ? [] : [{ account, phone }]));
  await Promise.all(
    chunks(numbered, BINDINGS).map((some) =>
      submit(
        `${bank} binds ${count(some.length, 'phone number')}`,
        merged(some.map(({ account, phone }) => teller.alias('bind', account, phone))),
      ),
    ),
  );
}

async function handIn(
  { teller, submissions }: Stage,
  bank: ParticipantId,
  title: string,
  order: Order,
  moves: readonly Move[],
): Promise<Handed> {
  const purpose = { step: '0', kind: 'opening', title, moves, memo: '' } as const;
  const handed = await submissions.handIn(purpose, teller.sign(order), bank, PATIENCE_MS);
  if (handed.ending.kind === 'final') return handed;
  const why = handed.ending.kind === 'refused' ? `${handed.ending.code}: ${handed.ending.message}` : handed.ending.kind;
  throw new CodedError('SCENARIO_OPENING', `before the first step, ${title}: ${why}`);
}

/** What has to be issued, in commands that the currency allows. */
function needed(gifts: readonly { readonly to: AccountId; readonly amount: Amount }[], { genesis }: Engine): Amount[] {
  return genesis.currencies.flatMap(({ code, maxAmountMinor }) => {
    let left = gifts.reduce((sum, { amount }) => (amount.currency === code ? sum + amount.minor : sum), 0n);
    const amounts: Amount[] = [];
    while (left > 0n) {
      const minor = left < maxAmountMinor ? left : maxAmountMinor;
      amounts.push({ currency: code, minor });
      left -= minor;
    }
    return amounts;
  });
}

function merged(orders: readonly Order[]): Order {
  return { commands: orders.flatMap(({ commands }) => commands), keys: orders.flatMap(({ keys }) => keys) };
}

export function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
