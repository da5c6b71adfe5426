/** What each word of a step does, as the player does it. The shape of the value has been judged; here its names get meaning. */
import { MAX_MEMO_BYTES } from '../../../codec/limits.ts';
import { ACTORS } from '../../../simulator/byzantine/index.ts';
import type { Action, PayAction, Play, Step } from '../../story.ts';
import { MAX_BULK } from '../limits.ts';
import { at, itemsOf, type Node, textOf } from '../node.ts';
import { refuse, shown, suggestion } from '../problem.ts';
import type { Word } from '../schema/steps.ts';
import { compilePayments } from './payments.ts';
import { need, type Reader } from './reader.ts';

/** How long a payer waits, and how long a payment can take effect, where the story does not say. */
const PATIENCE_MS = 30_000;
const VALIDITY_MS = 60_000;
const PER_TRANSACTION = 100;

type Compile = (value: Node, reader: Reader) => Action;

/** All but those whose meaning takes more than their value: `together`, `expect` and `run`. */
export const ACTIONS: Readonly<Record<Exclude<Word, 'together' | 'expect' | 'run'>, Compile>> = {
  say: (value, reader) => ({ type: 'say', text: reader.text(value) }),
  pay,
  bulk,
  open: (value, reader) => ({ type: 'open', account: reader.person(value) }),
  issue: (value, reader) => ({ type: 'issue', bank: reader.bank(need(value, 'to')), ...signed(value, reader) }),
  redeem: (value, reader) => ({ type: 'redeem', bank: reader.bank(need(value, 'from')), ...signed(value, reader) }),
  deposit: (value, reader) => ({
    type: 'deposit',
    to: reader.person(need(value, 'to')),
    amount: reader.amount(need(value, 'amount')),
  }),
  withdraw: (value, reader) => ({
    type: 'withdraw',
    from: reader.person(need(value, 'from')),
    amount: reader.amount(need(value, 'amount')),
  }),
  settle: (value, reader) => ({
    type: 'settle',
    from: reader.bank(need(value, 'from')),
    to: reader.bank(need(value, 'to')),
    amount: reader.amount(need(value, 'amount')),
  }),
  bind: phoneDeed('bind'),
  release: phoneDeed('release'),
  claim: phoneDeed('claim'),
  reject: phoneDeed('reject'),
  tier: (value, reader) => ({
    type: 'tier',
    account: reader.person(need(value, 'of')),
    tier: reader.tier(need(value, 'is')),
    signedBy: reader.signers(at(value, 'signedBy')),
  }),
  replay: (value, reader) => {
    const of = at(value, 'of') ?? value;
    const via = at(value, 'via');
    return {
      type: 'replay',
      output: reader.outputs.named(textOf(of), of.place, 'transaction'),
      via: via === null ? null : reader.bank(via),
      patienceMs: reader.duration(at(value, 'within'), PATIENCE_MS),
    };
  },
  payments: compilePayments,
  wait: (value, reader) => {
    const ms = reader.duration(value, 0);
    reader.timeline.pass(ms);
    return { type: 'wait', ms };
  },
  remember: () => ({ type: 'remember' }),
  crash: fault('crash'),
  restart: fault('restart'),
  pause: fault('pause'),
  resume: fault('resume'),
  wipe: fault('wipe'),
  partition: (value, reader) => {
    const groups = itemsOf(value).map((group) => reader.banks(group));
    const twice = groups.flat().find((bank, i, all) => all.indexOf(bank) !== i);
    if (twice !== undefined)
      refuse('SCENARIO_NAME_TAKEN', value.place, `${shown(twice)} is in two groups; expected each bank in one`);
    return { type: 'partition', groups };
  },
  slow: (value, reader) => ({
    type: 'slow',
    banks: reader.banks(at(value, 'banks')),
    byMs: reader.duration(need(value, 'by'), 0),
  }),
  heal: () => ({ type: 'heal' }),
  byzantine: (value, reader) => {
    const actor = need(value, 'as');
    if (!Object.hasOwn(ACTORS, textOf(actor)))
      refuse(
        'SCENARIO_NAME_UNKNOWN',
        actor.place,
        `${shown(textOf(actor))} is no kind of liar${suggestion(textOf(actor), Object.keys(ACTORS))}`,
      );
    return { type: 'byzantine', bank: reader.bank(need(value, 'bank')), actor: textOf(actor) };
  },
};

/** Of a TypeScript story. */
export function runAction(title: Node, body: Node, stepOf: (part: unknown) => Step): Action {
  if (body.kind !== 'code')
    return refuse('SCENARIO_SHAPE', body.place, '`run` is for stories in TypeScript; expected a function');
  return { type: 'run', title: textOf(title), body: body.body as (play: Play) => Promise<void>, stepOf };
}

function pay(value: Node, reader: Reader): PayAction {
  const [via, from] = [at(value, 'via'), need(value, 'from')];
  return {
    type: 'pay',
    from: reader.holder(from),
    to: payee(value, reader),
    amount: reader.amount(need(value, 'amount')),
    memo: reader.memo(at(value, 'memo'), MAX_MEMO_BYTES),
    via: via === null ? null : reader.bank(via),
    signedBy: reader.signers(at(value, 'signedBy')),
    patienceMs: reader.duration(at(value, 'within'), PATIENCE_MS),
    validForMs: reader.duration(at(value, 'validFor'), VALIDITY_MS),
  };
}

/** A phone number where one is written or asked for, else an account. */
function payee(value: Node, reader: Reader): PayAction['to'] {
  const [to, by, seenBy] = [need(value, 'to'), at(value, 'by'), at(value, 'seenBy')];
  const isPhone = reader.isPhone(to);
  if (seenBy !== null && !isPhone && by === null)
    refuse(
      'SCENARIO_SHAPE',
      seenBy.place,
      '`seenBy` is for payments to a phone number; expected one under `to`, or `by: phone`',
    );
  if (!isPhone && by === null) return { account: reader.account(to) };
  const phone = isPhone ? reader.phone(to) : reader.phoneOf(reader.person(to), to.place);
  return { phone, seenBy: seenBy === null ? null : reader.outputs.named(textOf(seenBy), seenBy.place, 'transaction') };
}

function bulk(value: Node, reader: Reader): Action {
  const [to, amount, each] = [at(value, 'to'), at(value, 'amount'), at(value, 'each')];
  const perTransaction = at(value, 'perTransaction');
  const isCommon = to !== null && amount !== null && each === null;
  const isEach = to === null && amount === null && each !== null;
  if (!isCommon && !isEach)
    refuse('SCENARIO_SHAPE', value.place, '`bulk` takes either `to` with `amount`, or `each`; expected one of the two');
  const payees = isCommon
    ? reader.group(to).map((account) => ({ to: account, amount: reader.amount(amount) }))
    : itemsOf(each).map((item) => ({
        to: reader.account(need(item, 'to')),
        amount: reader.amount(need(item, 'amount')),
      }));
  for (const _ of payees) reader.world.measure.take(value.place, 0);
  if (payees.length > MAX_BULK)
    refuse('SCENARIO_LIMIT', value.place, `${payees.length} payees; at most ${MAX_BULK} are expected`);
  return {
    type: 'bulk',
    from: reader.holder(need(value, 'from')),
    each: payees,
    perTransaction: perTransaction === null ? PER_TRANSACTION : Number(textOf(perTransaction)),
    memo: reader.memo(at(value, 'memo'), MAX_MEMO_BYTES),
  };
}

function signed(value: Node, reader: Reader) {
  return { amount: reader.amount(need(value, 'amount')), signedBy: reader.signers(at(value, 'signedBy')) };
}

function phoneDeed(deed: 'bind' | 'release' | 'claim' | 'reject'): Compile {
  return (value, reader) => ({
    type: 'alias',
    deed,
    account: reader.person(need(value, 'person')),
    phone: reader.phone(need(value, 'phone')),
    signedBy: reader.signers(at(value, 'signedBy')),
  });
}

function fault(type: 'crash' | 'restart' | 'pause' | 'resume' | 'wipe'): Compile {
  return (value, reader) => ({ type, banks: reader.banks(value) });
}
