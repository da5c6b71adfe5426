/** What each kind of step does: orders are made, handed in and waited for, faults happen, and each says what came of it. */
import { participantOf, settlementAccount } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import { statusNamed } from '../../ledger/status.ts';
import { Chance } from '../../simulator/world/random.ts';
import type { AccountId, Amount, ParticipantId, TierName } from '../../types/index.ts';
import type { Ending } from '../engine.ts';
import type { PaymentRecord } from '../run.ts';
import type { Action, PayAction, PaymentsAction } from '../story.ts';
import { count } from '../words.ts';
import { planPayments } from './crowds.ts';
import { chunks } from './opening.ts';
import type { Balances } from './outputs.ts';
import type { Stage } from './stage.ts';
import type { Handed, Move } from './submissions.ts';
import type { Order, Payee } from './teller.ts';

/** What a step leaves, beside its name and times. */
export interface Deed {
  readonly handed: readonly Handed[];
  readonly balances?: Balances;
}

type Of<Type extends Action['type']> = Extract<Action, { type: Type }>;

/** What is one transaction. */
export type Ordered = Of<'open' | 'issue' | 'redeem' | 'deposit' | 'withdraw' | 'settle' | 'alias' | 'tier'>;

interface Ordering {
  readonly order: Order;
  readonly kind: PaymentRecord['kind'];
  readonly moves: readonly Move[];
  readonly via: ParticipantId;
  readonly signedBy: readonly string[];
}

/** How long a bank may take to say «final» where the story does not say. */
const PATIENCE_MS = 60_000;
/** Who goes from bank to bank does not wait long at one. */
const RETRY_PATIENCE_MS = 3_000;
/** How often a long step tells how far it is. */
const PROGRESS_EVERY = 50;

export class Deeds {
  readonly #stage: Stage;
  readonly #onProgress: (done: number, of: number, what: string) => void;
  readonly #chance: (label: string) => Chance;
  readonly #phones: ReadonlyMap<AccountId, string>;
  readonly #tiers: ReadonlyMap<AccountId, TierName | null>;
  /** What payers of crowds looked up: a phone keeps the contacts it has paid. */
  readonly #contacts = new Map<string, Payee>();

  /** @param onProgress hears how far a long step is. */
  constructor(stage: Stage, onProgress: (done: number, of: number, what: string) => void) {
    this.#stage = stage;
    this.#onProgress = onProgress;
    this.#chance = (label) => new Chance(stage.story.network.seed, label);
    const { people } = stage.story;
    this.#phones = new Map(people.flatMap(({ account, phone }) => (phone === null ? [] : [[account, phone]])));
    this.#tiers = new Map(people.map(({ account, tier }) => [account, tier]));
  }

  /** Orders that are one transaction. */
  async order(step: string, action: Ordered): Promise<Deed> {
    const { titles, teller, submissions } = this.#stage;
    const { order, kind, moves, via, signedBy } = this.#order(action);
    const purpose = { step, kind, title: titles.step(action), moves, memo: '' };
    return { handed: [await submissions.handIn(purpose, teller.sign(order, signedBy), via, PATIENCE_MS)] };
  }

  async pay(step: string, action: PayAction): Promise<Deed> {
    const { outputs, teller, submissions, titles } = this.#stage;
    const via = action.via ?? participantOf(action.from);
    const amount = outputs.amount(action.amount);
    const memo = outputs.text(action.memo);
    const title = titles.step(action);
    const found = await this.#payee(action.to, via, amount);
    if ('kind' in found)
      return { handed: [submissions.failed({ step, kind: 'payment', title, moves: [], memo }, via, found)] };
    const purpose = { step, kind: 'payment', title, moves: [{ from: action.from, ...found }], memo } as const;
    const transaction = teller.sign(teller.transfer(action.from, [found], memo), action.signedBy, action.validForMs);
    return { handed: [await submissions.handIn(purpose, transaction, via, action.patienceMs)] };
  }

  async bulk(step: string, { from, each, perTransaction, memo: text }: Of<'bulk'>): Promise<Deed> {
    const { outputs, teller, submissions, titles } = this.#stage;
    const memo = outputs.text(text);
    const payees = each.map(({ to, amount }) => ({ to, amount: outputs.amount(amount) }));
    const handed = chunks(payees, perTransaction).map((some) => {
      const title = `${titles.name(from)} pays ${count(some.length, 'account')} at once`;
      const purpose = { step, kind: 'payment', title, moves: some.map((payee) => ({ from, ...payee })), memo } as const;
      const transaction = teller.sign(teller.transfer(from, some, memo));
      return submissions.handIn(purpose, transaction, participantOf(from), PATIENCE_MS);
    });
    return { handed: await Promise.all(handed) };
  }

  async replay(step: string, { output, via, patienceMs }: Of<'replay'>): Promise<Deed> {
    const { outputs, submissions } = this.#stage;
    const [earlier] = outputs.of(output).handed;
    if (earlier === undefined || earlier.transaction === null) {
      throw new CodedError('SCENARIO_NOTHING_TO_REPLAY', `the step called ${output} handed nothing in`);
    }
    const purpose = { ...earlier, step, title: `${earlier.title}, handed in again` };
    return { handed: [await submissions.handIn(purpose, earlier.transaction, via ?? earlier.via, patienceMs)] };
  }

  /** Each payment begins at its planned time, whatever became of those before it. */
  async payments(step: string, action: PaymentsAction): Promise<Deed> {
    const { engine } = this.#stage;
    const plan = planPayments(action, this.#chance(`payments ${step}`));
    const startMs = engine.now();
    const handed: Promise<Handed>[] = [];
    let done = 0;
    const ended = () => {
      done += 1;
      if (done % PROGRESS_EVERY === 0 || done === plan.length) this.#onProgress(done, plan.length, 'payment');
    };
    for (const { atMs, from, to, minor } of plan) {
      const aheadMs = startMs + atMs - engine.now();
      if (aheadMs > 0) await engine.sleep(aheadMs);
      const one = this.#crowdPayment(step, action, { from, to, amount: { currency: action.currency, minor } });
      handed.push(one.finally(ended));
    }
    return { handed: await Promise.all(handed) };
  }

  async #crowdPayment(step: string, action: PaymentsAction, move: Move): Promise<Handed> {
    const { teller, submissions, outputs, titles, story } = this.#stage;
    const { from, to, amount } = move;
    const via = participantOf(from);
    const memo = outputs.text(action.memo);
    const title = `${titles.name(from)} pays ${titles.name(to)} ${titles.money(amount)}`;
    const others = action.retry ? story.network.members.map(({ id }) => id).filter((id) => id !== via) : [];
    const found = action.byPhone ? await this.#contact(this.#phoneOf(to), [via, ...others], amount) : { to, amount };
    if ('kind' in found) return submissions.failed({ step, kind: 'payment', title, moves: [], memo }, via, found);
    const purpose = { step, kind: 'payment', title, moves: [{ from, ...found }], memo } as const;
    const transaction = teller.sign(teller.transfer(from, [found], memo));
    if (!action.retry) return await submissions.handIn(purpose, transaction, via, PATIENCE_MS);
    return await submissions.insist(purpose, transaction, [via, ...others], RETRY_PATIENCE_MS);
  }

  /** Whom a payment goes to, or why it cannot be made. */
  async #payee(to: PayAction['to'], via: ParticipantId, amount: Amount): Promise<Payee | Ending> {
    if ('account' in to) return { to: to.account, amount };
    if (to.seenBy === null) return await this.#lookUp(to.phone, [via], amount);
    const [seen] = this.#stage.outputs.of(to.seenBy).handed[0]?.transaction?.body.commands ?? [];
    if (seen?.type === 'transfer' && seen.alias !== null) return { to: seen.to, amount, alias: seen.alias };
    throw new CodedError('SCENARIO_NOTHING_SEEN', `the step called ${to.seenBy} looked no phone number up`);
  }

  /** As a phone does it: who was paid before is not looked up again. */
  async #contact(phone: string, banks: readonly ParticipantId[], amount: Amount): Promise<Payee | Ending> {
    const known = this.#contacts.get(phone);
    if (known !== undefined) return { ...known, amount };
    const found = await this.#lookUp(phone, banks, amount);
    if (!('kind' in found)) this.#contacts.set(phone, found);
    return found;
  }

  /** The first bank that answers tells. */
  async #lookUp(phone: string, banks: readonly ParticipantId[], amount: Amount): Promise<Payee | Ending> {
    const { engine } = this.#stage;
    const aliasKey = engine.aliasKey(phone);
    for (const bank of banks) {
      try {
        const found = await engine.bank(bank).alias(aliasKey);
        if (found === null || found.account === null) return refused('ALIAS_NOT_FOUND');
        return { to: found.account, amount, alias: { aliasKey, epoch: found.epoch } };
      } catch (error) {
        if (!(error instanceof CodedError) || error.code !== 'UNREACHABLE') throw error;
      }
    }
    return { kind: 'unreachable' };
  }

  #phoneOf(account: AccountId): string {
    const phone = this.#phones.get(account);
    if (phone !== undefined) return phone;
    throw new CodedError('SCENARIO_NO_PHONE', `${this.#stage.titles.name(account)} has no phone number to be paid by`);
  }

  #order(action: Ordered): Ordering {
    const { teller, outputs } = this.#stage;
    const signedBy = 'signedBy' in action ? action.signedBy : [];
    const own = (order: Order, kind: PaymentRecord['kind'], via: ParticipantId, moves: readonly Move[] = []) => {
      return { order, kind, via, moves, signedBy };
    };
    const transfer = (from: AccountId, to: AccountId, amount: Amount) => {
      return own(teller.transfer(from, [{ to, amount }]), 'payment', participantOf(from), [{ from, to, amount }]);
    };
    switch (action.type) {
      case 'open':
        return own(teller.open(action.account, this.#tierOf(action.account)), 'opening', participantOf(action.account));
      case 'issue':
        return own(teller.issue(action.bank, [outputs.amount(action.amount)]), 'issue', action.bank);
      case 'redeem':
        return own(teller.redeem(action.bank, outputs.amount(action.amount)), 'redeem', action.bank);
      case 'deposit':
        return transfer(settlementOf(action.to), action.to, outputs.amount(action.amount));
      case 'withdraw':
        return transfer(action.from, settlementOf(action.from), outputs.amount(action.amount));
      case 'settle': {
        const [from, to] = [settlementAccount(action.from), settlementAccount(action.to)];
        return transfer(from, to, outputs.amount(action.amount));
      }
      case 'alias':
        return own(teller.alias(action.deed, action.account, action.phone), 'alias', participantOf(action.account));
      default:
        return own(teller.tier(action.account, action.tier), 'tier', participantOf(action.account));
    }
  }

  #tierOf(account: AccountId) {
    return this.#tiers.get(account) ?? null;
  }
}

function settlementOf(account: AccountId): AccountId {
  return settlementAccount(participantOf(account));
}

function refused(code: 'ALIAS_NOT_FOUND'): Ending {
  return { kind: 'refused', code, message: statusNamed(code).sentence, receipt: null };
}
