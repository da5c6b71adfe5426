/**
 * The genesis as people write, read and exchange it: JSON, with amounts as decimal strings of minor units, because JSON's
 * numbers are not exact beyond 2^53. Reading is strict: what is misspelt, missing, repeated or too much is refused with
 * its place, since a genesis that two members read differently makes two networks.
 */
import { CodedError } from '../errors.ts';
import type { Currency, Genesis, Participant, Tier } from '../types/index.ts';
import { genesis as genesisSchema } from './genesis.ts';
import { isHex } from './hex.ts';
import { MAX_GENESIS_BYTES } from './limits.ts';
import { decode, encode } from './schema.ts';

/** JSON takes some three times the canonical bytes; bounds what is parsed. */
const MAX_TEXT_CHARS = 4 * MAX_GENESIS_BYTES;
const KINDS: readonly string[] = ['centralBank', 'bank'] satisfies Participant['kind'][];

/** @throws CodedError `GENESIS_INVALID`, naming the field that is wrong: `genesis.participants.2.id: …`. */
export function parseGenesis(text: string): Genesis {
  const root = rootOf(text);
  const genesis = {
    version: root.number('version'),
    network: root.text('network'),
    timeMs: root.number('timeMs'),
    currencies: root.list('currencies', currencyOf),
    participants: root.list('participants', participantOf),
    officers: root.record('officers', (officers) => ({
      keys: officers.keys('keys'),
      quorum: officers.number('quorum'),
    })),
    tiers: root.list('tiers', tierOf),
    rules: root.record('rules', rulesOf),
  };
  root.end();
  return checked(genesis as unknown as Genesis);
}

/** The one text of a genesis: fields in the order of the type, two spaces deep, a line break at the end. */
export function genesisToJson(genesis: Genesis): string {
  const { version, network, timeMs, currencies, participants, officers, tiers, rules } = genesis;
  const document = {
    version,
    network,
    timeMs,
    currencies: currencies.map(({ code, exponent, maxAmountMinor, maxSupplyMinor }) => ({
      code,
      exponent,
      maxAmountMinor: String(maxAmountMinor),
      maxSupplyMinor: String(maxSupplyMinor),
    })),
    participants: participants.map(({ id, name, kind, operatorKey, validatorKey, networkKey }) => ({
      id,
      name,
      kind,
      operatorKey,
      validatorKey,
      networkKey,
    })),
    officers: { keys: officers.keys, quorum: officers.quorum },
    tiers: tiers.map(({ name, limits }) => ({
      name,
      limits: limits.map(({ currency, maxDailyMinor }) => ({ currency, maxDailyMinor: String(maxDailyMinor) })),
    })),
    rules: {
      maxValidityMs: rules.maxValidityMs,
      maxClockSkewMs: rules.maxClockSkewMs,
      checkpointInterval: rules.checkpointInterval,
      aliasClaimDelayMs: rules.aliasClaimDelayMs,
      aliasClaimWindowMs: rules.aliasClaimWindowMs,
      dayStartOffsetMinutes: rules.dayStartOffsetMinutes,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function currencyOf(fields: Fields): object {
  const value: Record<keyof Currency, unknown> = {
    code: fields.text('code'),
    exponent: fields.number('exponent'),
    maxAmountMinor: fields.minor('maxAmountMinor'),
    maxSupplyMinor: fields.minor('maxSupplyMinor'),
  };
  return value;
}

function participantOf(fields: Fields): object {
  const value: Record<keyof Participant, unknown> = {
    id: fields.text('id'),
    name: fields.text('name'),
    kind: fields.oneOf('kind', KINDS),
    operatorKey: fields.key('operatorKey'),
    validatorKey: fields.key('validatorKey'),
    networkKey: fields.key('networkKey'),
  };
  return value;
}

function tierOf(fields: Fields): object {
  const limitOf = (limit: Fields): Record<keyof Tier['limits'][number], unknown> => ({
    currency: limit.text('currency'),
    maxDailyMinor: limit.minor('maxDailyMinor'),
  });
  const value: Record<keyof Tier, unknown> = { name: fields.text('name'), limits: fields.list('limits', limitOf) };
  return value;
}

function rulesOf(rules: Fields): object {
  const value: Record<keyof Genesis['rules'], unknown> = {
    maxValidityMs: rules.number('maxValidityMs'),
    maxClockSkewMs: rules.number('maxClockSkewMs'),
    checkpointInterval: rules.number('checkpointInterval'),
    aliasClaimDelayMs: rules.number('aliasClaimDelayMs'),
    aliasClaimWindowMs: rules.number('aliasClaimWindowMs'),
    dayStartOffsetMinutes: rules.number('dayStartOffsetMinutes'),
  };
  return value;
}

/** Bounds and fit are the codec's business: what it would not decode is refused here with its words. */
function checked(genesis: Genesis): Genesis {
  try {
    return decode(genesisSchema, encode(genesisSchema, genesis), MAX_GENESIS_BYTES);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw invalid(error.message.replace(/^Genesis/, 'genesis'), error);
  }
}

/** The fields of one object, each asked for once; what nobody asked for is refused at the end. */
class Fields {
  readonly #path: string;
  readonly #left: Map<string, unknown>;

  constructor(path: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(`${path}: expected an object`);
    this.#path = path;
    this.#left = new Map(Object.entries(value));
  }

  number(name: string): number {
    const value = this.#take(name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    return this.#fail(name, 'expected a whole number from 0 on');
  }

  text(name: string): string {
    const value = this.#take(name);
    return typeof value === 'string' ? value : this.#fail(name, 'expected text');
  }

  minor(name: string): bigint {
    const value = this.#take(name);
    // Nineteen digits fit the 64 bits that the writer has; whether they are too much is the codec's to say.
    const isDecimal = typeof value === 'string' && /^(?:0|[1-9]\d{0,18})$/.test(value);
    return isDecimal
      ? BigInt(value)
      : this.#fail(name, 'expected minor units as a string of up to 19 digits, like "500000"');
  }

  key(name: string): string {
    return this.#keyOf(name, this.#take(name));
  }

  keys(name: string): string[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) return this.#fail(name, 'expected a list');
    return value.map((entry: unknown, i) => this.#keyOf(`${name}.${i}`, entry));
  }

  oneOf(name: string, words: readonly string[]): string {
    const value = this.#take(name);
    return typeof value === 'string' && words.includes(value)
      ? value
      : this.#fail(name, `expected ${words.join(' or ')}`);
  }

  record<T>(name: string, read: (fields: Fields) => T): T {
    return this.#whole(new Fields(`${this.#path}.${name}`, this.#take(name)), read);
  }

  list<T>(name: string, read: (fields: Fields) => T): T[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) return this.#fail(name, 'expected a list');
    return value.map((entry: unknown, i) => this.#whole(new Fields(`${this.#path}.${name}.${i}`, entry), read));
  }

  /** @throws CodedError where a field was not asked for. */
  end(): void {
    for (const name of this.#left.keys()) this.#fail(name.slice(0, 40), 'unknown field');
  }

  #whole<T>(fields: Fields, read: (fields: Fields) => T): T {
    const value = read(fields);
    fields.end();
    return value;
  }

  #keyOf(name: string, value: unknown): string {
    const fits = typeof value === 'string' && isHex(value, 32);
    return fits ? value : this.#fail(name, 'expected 64 lowercase hexadecimal digits');
  }

  #take(name: string): unknown {
    if (!this.#left.has(name)) this.#fail(name, 'missing');
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  #fail(name: string, problem: string): never {
    throw invalid(`${this.#path}.${name}: ${problem}`);
  }
}

function rootOf(text: string): Fields {
  if (text.length > MAX_TEXT_CHARS) throw invalid(`genesis: over ${MAX_TEXT_CHARS} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`genesis: not JSON (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
  if (membersIn(text) !== membersOf(value)) throw invalid('genesis: a field appears twice in one object');
  return new Fields('genesis', value);
}

/** Members of all objects as they are written; `JSON.parse` keeps the last of those that have one name. */
function membersIn(json: string): number {
  const strings = json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g);
  return [...strings].filter((found) => found[1] !== undefined).length;
}

/** Without recursion: a hostile text is deeper than the stack. */
function membersOf(root: unknown): number {
  let count = 0;
  for (let level: unknown[] = [root]; level.length > 0; ) {
    const inside = level.filter((value) => typeof value === 'object' && value !== null);
    for (const value of inside) if (!Array.isArray(value)) count += Object.keys(value as object).length;
    level = inside.flatMap((value) => Object.values(value as object) as unknown[]);
  }
  return count;
}

function invalid(message: string, cause?: unknown): CodedError {
  return new CodedError('GENESIS_INVALID', message, cause === undefined ? {} : { cause });
}
