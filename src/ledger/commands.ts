/**
 * What each command touches, when it is refused, and what it does. The checks of a command run in ascending order of
 * their status; the first that fires is the answer.
 */

import { fromHex } from '../codec/hex.ts';
import { MAX_MINOR } from '../codec/limits.ts';
import type { AliasClaim, AliasRecord, SpentRecord } from '../codec/state.ts';
import { isSettlement, participantOf } from '../codec/text.ts';
import { isValidPublicKey } from '../crypto/ed25519.ts';
import { assert } from '../errors.ts';
import type {
  AccountId,
  AliasKey,
  Amount,
  Command,
  Currency,
  CurrencyCode,
  Genesis,
  Participant,
  ParticipantId,
  PublicKey,
  StateKey,
  TierName,
} from '../types/index.ts';
import { openClaim } from './claims.ts';
import { accountKey, aliasStateKey, supplyKey } from './keys.ts';
import type { LedgerState } from './state.ts';
import { type StatusName, statusCode } from './status.ts';
import { dailyLimit, dayOf, spentOn } from './tiers.ts';

/** The genesis, indexed for look-ups. */
export interface Rules {
  readonly genesis: Genesis;
  readonly participants: ReadonlyMap<ParticipantId, Participant>;
  readonly currencies: ReadonlyMap<CurrencyCode, Currency>;
}

/** What a command is checked against. */
export interface Context {
  readonly rules: Rules;
  readonly state: LedgerState;
  /** Keys with a valid signature on the transaction. */
  readonly signers: readonly PublicKey[];
  /** Of the block. */
  readonly height: number;
  readonly timeMs: number;
}

/** One reason to refuse a command: fires where `when` holds. */
interface Check<C> {
  readonly status: StatusName;
  readonly when: (command: C, context: Context) => boolean;
}

interface CommandRule<C> {
  readonly touches: (command: C) => StateKey[];
  readonly checks: readonly Check<C>[];
  readonly run: (command: C, context: Context) => void;
}

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>;

/** Keys that a command reads or writes: load them, and the ledger can run it. */
export function touches(command: Command): StateKey[] {
  return ruleOf(command).touches(command);
}

/** Runs one command. @returns why it is refused, having changed nothing, or null where it took effect. */
export function runCommand(command: Command, context: Context): StatusName | null {
  const rule = ruleOf(command);
  const refusal = rule.checks.find(({ when }) => when(command, context));
  if (refusal !== undefined) return refusal.status;
  rule.run(command, context);
  return null;
}

/** @returns a genesis with what the checks look up. */
export function rulesOf(genesis: Genesis): Rules {
  return {
    genesis,
    participants: new Map(genesis.participants.map((participant) => [participant.id, participant])),
    currencies: new Map(genesis.currencies.map((currency) => [currency.code, currency])),
  };
}

const RULES: { readonly [Type in Command['type']]: CommandRule<CommandOf<Type>> } = {
  openAccount: {
    touches: ({ account }) => [accountKey(account)],
    checks: ascending([
      check('PARTICIPANT_UNKNOWN', ({ account }, { rules }) => !rules.participants.has(participantOf(account))),
      check('ACCOUNT_RESERVED', ({ account }) => isSettlement(account)),
      check('KEY_WEAK', ({ publicKey }) => !isValidPublicKey(fromHex(publicKey, 32))),
      check('TIER_UNKNOWN', ({ tier }, { rules }) => !isTier(tier, rules)),
      check('ACCOUNT_EXISTS', ({ account }, { state }) => state.account(account) !== null),
      check('BANK_SIGNATURE_MISSING', ({ account }, context) => !bankSigned(account, context)),
    ]),
    run: ({ account, publicKey, tier }, { state, height }) =>
      state.setAccount(account, { publicKey, openedAtHeight: height, tier, holdings: [] }),
  },

  setTier: {
    touches: ({ account }) => [accountKey(account)],
    checks: ascending([
      check('ACCOUNT_RESERVED', ({ account }) => isSettlement(account)),
      check('TIER_UNKNOWN', ({ tier }, { rules }) => !isTier(tier, rules)),
      check('ACCOUNT_NOT_FOUND', ({ account }, { state }) => state.account(account) === null),
      check('BANK_SIGNATURE_MISSING', ({ account }, context) => !bankSigned(account, context)),
    ]),
    run({ account, tier }, { state }) {
      const record = state.account(account);
      assert(record !== null, 'the account was checked before');
      state.setAccount(account, { ...record, tier });
    },
  },

  registerAlias: {
    touches: ({ account, aliasKey }) => [accountKey(account), aliasStateKey(aliasKey)],
    checks: ascending([
      check('ACCOUNT_NOT_FOUND', ({ account }, { state }) => state.account(account) === null),
      check(
        'ALIAS_TAKEN',
        ({ account, aliasKey }, context) =>
          isBound(aliasKey, context) && claimOf(aliasKey, context)?.account !== account,
      ),
      check('ACCOUNT_SIGNATURE_MISSING', ({ account }, context) => !accountSigned(account, context)),
      check('BANK_SIGNATURE_MISSING', ({ account }, context) => !bankSigned(account, context)),
      check('CLAIM_NOT_DUE', ({ aliasKey }, context) => context.timeMs < (claimOf(aliasKey, context)?.dueMs ?? 0)),
    ]),
    run({ account, aliasKey }, { state }) {
      state.setAlias(aliasKey, { account, epoch: (state.alias(aliasKey)?.epoch ?? 0) + 1, claim: null });
    },
  },

  releaseAlias: {
    touches: ({ account, aliasKey }) => [accountKey(account), aliasStateKey(aliasKey)],
    checks: ascending([
      check('ACCOUNT_NOT_FOUND', ({ account }, { state }) => state.account(account) === null),
      check('ALIAS_NOT_FOUND', ({ aliasKey }, context) => !isBound(aliasKey, context)),
      check('ALIAS_NOT_YOURS', ({ account, aliasKey }, { state }) => state.alias(aliasKey)?.account !== account),
      check('ACCOUNT_SIGNATURE_MISSING', ({ account }, context) => !accountSigned(account, context)),
    ]),
    run({ aliasKey }, { state }) {
      state.setAlias(aliasKey, { ...boundAlias(aliasKey, state), account: null, claim: null });
    },
  },

  claimAlias: {
    touches: ({ account, aliasKey }) => [accountKey(account), aliasStateKey(aliasKey)],
    checks: ascending([
      check('ACCOUNT_NOT_FOUND', ({ account }, { state }) => state.account(account) === null),
      check('ALIAS_NOT_FOUND', ({ aliasKey }, context) => !isBound(aliasKey, context)),
      check('ALIAS_YOURS', ({ account, aliasKey }, { state }) => state.alias(aliasKey)?.account === account),
      check('CLAIM_OPEN', ({ aliasKey }, context) => claimOf(aliasKey, context) !== null),
      check('ACCOUNT_SIGNATURE_MISSING', ({ account }, context) => !accountSigned(account, context)),
      check('BANK_SIGNATURE_MISSING', ({ account }, context) => !bankSigned(account, context)),
    ]),
    run({ account, aliasKey }, { state, rules, timeMs }) {
      const dueMs = timeMs + rules.genesis.rules.aliasClaimDelayMs;
      state.setAlias(aliasKey, { ...boundAlias(aliasKey, state), claim: { account, dueMs } });
    },
  },

  rejectClaim: {
    touches: ({ account, aliasKey }) => [accountKey(account), aliasStateKey(aliasKey)],
    checks: ascending([
      check('ACCOUNT_NOT_FOUND', ({ account }, { state }) => state.account(account) === null),
      check('ALIAS_NOT_FOUND', ({ aliasKey }, context) => !isBound(aliasKey, context)),
      check('ALIAS_NOT_YOURS', ({ account, aliasKey }, { state }) => state.alias(aliasKey)?.account !== account),
      check('CLAIM_NOT_FOUND', ({ aliasKey }, context) => claimOf(aliasKey, context) === null),
      check(
        'HOLDER_SIGNATURE_MISSING',
        ({ account }, context) => !accountSigned(account, context) && !bankSigned(account, context),
      ),
    ]),
    run({ aliasKey }, { state }) {
      state.setAlias(aliasKey, { ...boundAlias(aliasKey, state), claim: null });
    },
  },

  issue: {
    touches: ({ to, amount: { currency } }) => [accountKey(to), supplyKey(currency)],
    checks: ascending([
      ...amountChecks<CommandOf<'issue'>>(),
      check('SETTLEMENT_ONLY', ({ to }) => !isSettlement(to)),
      check('ACCOUNT_NOT_FOUND', ({ to }, { state }) => state.account(to) === null),
      check('OFFICER_QUORUM_MISSING', (_, context) => !officersSigned(context)),
      check('SUPPLY_CAP', ({ amount }, context) => exceedsSupply(amount, context)),
    ]),
    run({ to, amount }, { state }) {
      const { issuedMinor, redeemedMinor } = state.supply(amount.currency);
      state.setSupply(amount.currency, { issuedMinor: issuedMinor + amount.minor, redeemedMinor });
      state.addBalance(to, amount.currency, amount.minor);
    },
  },

  redeem: {
    touches: ({ from, amount: { currency } }) => [accountKey(from), supplyKey(currency)],
    checks: ascending([
      ...amountChecks<CommandOf<'redeem'>>(),
      check('SETTLEMENT_ONLY', ({ from }) => !isSettlement(from)),
      check('ACCOUNT_NOT_FOUND', ({ from }, { state }) => state.account(from) === null),
      check('ACCOUNT_SIGNATURE_MISSING', ({ from }, context) => !accountSigned(from, context)),
      check('OFFICER_QUORUM_MISSING', (_, context) => !officersSigned(context)),
      check('INSUFFICIENT_FUNDS', ({ from, amount }, { state }) => state.balance(from, amount.currency) < amount.minor),
    ]),
    run({ from, amount }, { state }) {
      const { issuedMinor, redeemedMinor } = state.supply(amount.currency);
      state.setSupply(amount.currency, { issuedMinor, redeemedMinor: redeemedMinor + amount.minor });
      state.addBalance(from, amount.currency, -amount.minor);
    },
  },

  transfer: {
    touches({ from, to, alias }) {
      const accounts = [accountKey(from), accountKey(to)];
      return alias === null ? accounts : [...accounts, aliasStateKey(alias.aliasKey)];
    },
    checks: ascending([
      ...amountChecks<CommandOf<'transfer'>>(),
      check('SAME_ACCOUNT', ({ from, to }) => from === to),
      check('ACCOUNT_NOT_FOUND', ({ from }, { state }) => state.account(from) === null),
      check('PAYEE_NOT_FOUND', ({ to }, { state }) => state.account(to) === null),
      check('ALIAS_STALE', ({ to, alias }, { state }) => {
        if (alias === null) return false;
        const record = state.alias(alias.aliasKey);
        return record?.account !== to || record.epoch !== alias.epoch;
      }),
      check('ACCOUNT_SIGNATURE_MISSING', ({ from }, context) => !accountSigned(from, context)),
      check('INSUFFICIENT_FUNDS', ({ from, amount }, { state }) => state.balance(from, amount.currency) < amount.minor),
      check('DAILY_LIMIT', ({ from, amount }, context) => exceedsDay(from, amount, context)),
    ]),
    run({ from, to, amount }, context) {
      const { state } = context;
      state.addBalance(from, amount.currency, -amount.minor, spentWith(from, amount, context));
      state.addBalance(to, amount.currency, amount.minor);
    },
  },
};

function ruleOf(command: Command): CommandRule<Command> {
  return RULES[command.type] as CommandRule<Command>;
}

function check<C>(status: StatusName, when: Check<C>['when']): Check<C> {
  return { status, when };
}

/** The documented order of refusals is the order of the checks, or the program does not start. */
function ascending<C>(checks: readonly Check<C>[]): readonly Check<C>[] {
  const codes = checks.map(({ status }) => statusCode(status));
  assert(
    codes.every((code, i) => i === 0 || (codes[i - 1] ?? 0) < code),
    `checks out of order: ${codes.join(', ')}`,
  );
  return checks;
}

function amountChecks<C extends { readonly amount: Amount }>(): Check<C>[] {
  return [
    check('CURRENCY_UNKNOWN', ({ amount }, { rules }) => !rules.currencies.has(amount.currency)),
    check('AMOUNT_ZERO', ({ amount }) => amount.minor <= 0n),
    check('AMOUNT_TOO_LARGE', ({ amount }, { rules }) => amount.minor > currencyOf(amount, rules).maxAmountMinor),
  ];
}

function exceedsSupply(amount: Amount, { rules, state }: Context): boolean {
  const { issuedMinor, redeemedMinor } = state.supply(amount.currency);
  const issued = issuedMinor + amount.minor;
  return issued > MAX_MINOR || issued - redeemedMinor > currencyOf(amount, rules).maxSupplyMinor;
}

/** Whether an account may have this tier: one of the network's, or none where that has none. */
function isTier(tier: TierName | null, { genesis: { tiers } }: Rules): boolean {
  return tier === null ? tiers.length === 0 : tiers.some(({ name }) => name === tier);
}

function tierOf(account: AccountId, state: LedgerState): TierName | null {
  return state.account(account)?.tier ?? null;
}

function exceedsDay(from: AccountId, amount: Amount, context: Context): boolean {
  const { rules, state } = context;
  const limit = dailyLimit(rules.genesis, tierOf(from, state), amount.currency);
  return limit !== null && spentToday(from, amount, context) + amount.minor > limit;
}

/**
 * What the payer has paid out today, with this amount; null where nobody counts it. What has no limit is counted too: a tier that is
 * given later today bounds what is left of the day.
 */
function spentWith(from: AccountId, amount: Amount, context: Context): SpentRecord | null {
  if (tierOf(from, context.state) === null) return null;
  const minor = spentToday(from, amount, context) + amount.minor;
  // Money that goes round can be paid out more often than there is of it: more than any limit is enough to know.
  return { day: today(context), minor: minor > MAX_MINOR ? MAX_MINOR : minor };
}

function spentToday(from: AccountId, { currency }: Amount, context: Context): bigint {
  return spentOn(today(context), context.state.spent(from, currency));
}

function today({ timeMs, rules }: Context): number {
  return dayOf(timeMs, rules.genesis.rules);
}

function isBound(aliasKey: AliasKey, { state }: Context): boolean {
  return (state.alias(aliasKey)?.account ?? null) !== null;
}

function boundAlias(aliasKey: AliasKey, state: LedgerState): AliasRecord {
  const record = state.alias(aliasKey);
  assert(record !== null, 'the alias was checked before');
  return record;
}

function claimOf(aliasKey: AliasKey, { state, rules, timeMs }: Context): AliasClaim | null {
  return openClaim(state.alias(aliasKey), timeMs, rules.genesis.rules);
}

function currencyOf(amount: Amount, rules: Rules): Currency {
  const currency = rules.currencies.get(amount.currency);
  assert(currency !== undefined, 'the currency was checked before');
  return currency;
}

function accountSigned(id: AccountId, { state, signers }: Context): boolean {
  const account = state.account(id);
  return account !== null && signers.includes(account.publicKey);
}

function bankSigned(id: AccountId, { rules, signers }: Context): boolean {
  const bank = rules.participants.get(participantOf(id));
  return bank !== undefined && signers.includes(bank.operatorKey);
}

function officersSigned({ rules, signers }: Context): boolean {
  const { keys, quorum } = rules.genesis.officers;
  return keys.filter((key) => signers.includes(key)).length >= quorum;
}
