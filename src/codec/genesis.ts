/** The genesis: JSON for people, canonical bytes for the digest that names the chain. */
import type { Currency, Genesis, Participant, Tier } from '../types/index.ts';
import * as f from './fields.ts';
import { MAX_CURRENCIES, MAX_MINOR, MAX_OFFICERS, MAX_TIERS, MAX_VALIDATORS } from './limits.ts';
import { bigUint, choice, exactly, field, integer, list, record, refine } from './schema.ts';
import { strictlyAscending } from './transaction.ts';

/** ISO 4217 currencies have 0 to 4 decimal places. */
const MAX_EXPONENT = 4;
const DAY_MS = 86_400_000;
/** A holder who does not look for a month has no phone; and nobody is to wait for his number longer. */
const MAX_CLAIM_MS = 30 * DAY_MS;
const MINUTES_A_DAY = 1_440;

export const currency = record<Currency>('Currency', {
  code: field(f.currencyCode, 'ISO 4217 code'),
  exponent: field(integer(0, MAX_EXPONENT), 'decimal places of the text form'),
  maxAmountMinor: field(bigUint(MAX_MINOR), 'largest amount of one command'),
  maxSupplyMinor: field(bigUint(MAX_MINOR), 'most that may be in circulation'),
});

export const participant = record<Participant>('Participant', {
  id: field(f.participantId, 'as in account ids'),
  name: field(f.displayName, 'for people'),
  kind: field(choice<Participant['kind']>('Kind', { centralBank: 1, bank: 2 }), 'exactly one central bank'),
  operatorKey: field(f.publicKey, 'settlement account, wallets, attestations'),
  validatorKey: field(f.publicKey, 'consensus'),
  networkKey: field(f.publicKey, 'peer identity'),
});

export const tierLimit = record<Tier['limits'][number]>('TierLimit', {
  currency: field(f.currencyCode, 'one of the network'),
  maxDailyMinor: field(bigUint(MAX_MINOR), 'most that goes out in a day; 0 lets nothing out'),
});

export const tier = record<Tier>('Tier', {
  name: field(f.tierName, 'as accounts have it'),
  limits: field(list(tierLimit, 0, MAX_CURRENCIES), 'ascending by currency; one that is missing has no limit'),
});

export const rules = record<Genesis['rules']>('Rules', {
  maxValidityMs: field(integer(1_000, DAY_MS), 'how far ahead a validity may end'),
  maxClockSkewMs: field(integer(1, DAY_MS), "how far a block may be ahead of a validator's clock"),
  checkpointInterval: field(integer(1, 1_000_000), 'heights between checkpoint roots'),
  aliasClaimDelayMs: field(integer(0, MAX_CLAIM_MS), 'from the claim of a phone number until it is due'),
  aliasClaimWindowMs: field(integer(1_000, MAX_CLAIM_MS), 'from then until it lapses'),
  dayStartOffsetMinutes: field(integer(0, MINUTES_A_DAY - 1), 'how long before midnight UTC a day begins'),
});

export const genesis = refine(
  record<Genesis>('Genesis', {
    version: field(exactly(1), 'format'),
    network: field(f.displayName, 'for people'),
    timeMs: field(f.timeMs, 'when the network was made'),
    currencies: field(list(currency, 1, MAX_CURRENCIES), 'ascending by code'),
    participants: field(list(participant, 1, MAX_VALIDATORS), 'in the order that gives validator indexes'),
    officers: field(
      record<Genesis['officers']>('Officers', {
        keys: field(list(f.publicKey, 1, MAX_OFFICERS), 'ascending'),
        quorum: field(integer(1, MAX_OFFICERS), 'signatures that issue or redeem'),
      }),
      'who may issue and redeem',
    ),
    tiers: field(list(tier, 0, MAX_TIERS), 'ascending by name'),
    rules: field(rules, 'parameters of the rule set'),
  }),
  genesisProblem,
);

/** @returns what makes the parts of a genesis not fit together, or null. */
export function genesisProblem(value: Genesis): string | null {
  const { currencies, participants, officers } = value;
  if (!strictlyAscending(currencies, (entry) => entry.code)) return 'currencies: expected each once, ascending by code';
  if (currencies.some((entry) => entry.maxAmountMinor === 0n)) return 'currencies: maxAmountMinor is 0';
  if (new Set(participants.map((entry) => entry.id)).size < participants.length)
    return 'participants: an id appears twice';
  if (participants.filter((entry) => entry.kind === 'centralBank').length !== 1)
    return 'participants: expected one central bank';
  const keys = participants.flatMap((entry) => [entry.operatorKey, entry.validatorKey, entry.networkKey]);
  if (new Set([...keys, ...officers.keys]).size < keys.length + officers.keys.length)
    return 'a key is used for two purposes';
  if (!strictlyAscending(officers.keys, (key) => key)) return 'officers: expected each key once, ascending';
  if (officers.quorum > officers.keys.length) return 'officers: the quorum is larger than the number of keys';
  return tiersProblem(value);
}

function tiersProblem({ tiers, currencies }: Genesis): string | null {
  if (!strictlyAscending(tiers, ({ name }) => name)) return 'tiers: expected each once, ascending by name';
  if (!tiers.every(({ limits }) => strictlyAscending(limits, ({ currency: code }) => code)))
    return 'tiers: expected each currency of a tier once, ascending by code';
  const codes = new Set(currencies.map(({ code }) => code));
  const isKnown = tiers.every(({ limits }) => limits.every(({ currency: code }) => codes.has(code)));
  return isKnown ? null : 'tiers: a limit in a currency that the network does not have';
}
