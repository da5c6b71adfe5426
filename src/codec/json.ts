/**
 * The JSON form of transactions: what people read and simple clients send. It says the same as the canonical bytes, field
 * by field, and nothing signs or hashes it. One table serves both ways, and strictly: an unknown field, a number where a
 * text belongs or an amount that would have to be rounded is refused with a code and the field's place.
 */
import { CodedError } from '../errors.ts';
import type {
  AccountId,
  AliasKey,
  AliasReference,
  Amount,
  ChainId,
  Command,
  Currency,
  CurrencyCode,
  Nonce,
  PublicKey,
  TierName,
  Transaction,
  TransactionBody,
  TransactionSignature,
} from '../types/index.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { fromHex, isHex, toHex } from './hex.ts';
import { MAX_COMMANDS, MAX_SIGNATURES, MAX_TRANSACTION_BYTES } from './limits.ts';
import { decode, encode } from './schema.ts';
import { parseAccountId, parseCurrency, parseHash, parseNonce, parsePublicKey, parseTier } from './text.ts';
import { transaction as transactionSchema } from './transaction.ts';

export interface AmountJson {
  readonly currency: string;
  /** Canonical decimal: `5000`, `1.50`. */
  readonly value: string;
}

interface AliasReferenceJson {
  readonly aliasKey: string;
  readonly epoch: number;
}

export type CommandJson =
  | {
      readonly type: 'openAccount';
      readonly account: string;
      readonly publicKey: string;
      readonly tier: string | null;
    }
  | { readonly type: 'registerAlias'; readonly aliasKey: string; readonly account: string }
  | { readonly type: 'releaseAlias'; readonly aliasKey: string; readonly account: string }
  | { readonly type: 'issue'; readonly to: string; readonly amount: AmountJson }
  | { readonly type: 'redeem'; readonly from: string; readonly amount: AmountJson }
  | {
      readonly type: 'transfer';
      readonly from: string;
      readonly to: string;
      readonly amount: AmountJson;
      readonly alias: AliasReferenceJson | null;
      readonly memo: string;
    }
  | { readonly type: 'claimAlias'; readonly aliasKey: string; readonly account: string }
  | { readonly type: 'rejectClaim'; readonly aliasKey: string; readonly account: string }
  | { readonly type: 'setTier'; readonly account: string; readonly tier: string };

export interface TransactionJson {
  readonly version: 1;
  readonly chainId: string;
  readonly validUntilMs: number;
  readonly nonce: string;
  readonly commands: readonly CommandJson[];
  /** One a key, in ascending order of the key. */
  readonly signatures: readonly { readonly publicKey: string; readonly signature: string }[];
}

/** A value that is not what the form asks for, and where: `commands[0].amount.value`. */
export class FormError extends CodedError {
  override readonly name = 'FormError';
  readonly field: string;

  constructor(code: string, field: string, problem: string) {
    super(code, field === '' ? problem : `${field}: ${problem}`);
    this.field = field;
  }
}

/** @param currencies those of the genesis. Amounts in another one, which the ledger has refused, show minor units. */
export function transactionToJson({ body, signatures }: Transaction, currencies: Currencies): TransactionJson {
  return TRANSACTION.write({ ...body, signatures }, currencies) as TransactionJson;
}

export function commandToJson(command: Command, currencies: Currencies): CommandJson {
  return COMMAND.write(command, currencies) as CommandJson;
}

/**
 * @param json what a JSON parser made of the text.
 * @returns a transaction that has canonical bytes; a zero amount is for the ledger to refuse.
 * @throws FormError `FIELD_INVALID`, `FIELD_MISSING`, `FIELD_UNKNOWN`, `VERSION_UNKNOWN`, `AMOUNT_NOT_TEXT`, `AMOUNT_*`,
 *   `CURRENCY_MALFORMED`, `CURRENCY_UNKNOWN`, `ACCOUNT_MALFORMED`, `HASH_MALFORMED`, `KEY_MALFORMED`, `NONCE_MALFORMED`,
 *   `SIGNATURE_MALFORMED`, `SIGNATURE_MISSING`, `TIER_MALFORMED`; CodecError where a limit of the canonical form is exceeded.
 */
export function transactionFromJson(json: unknown, currencies: Currencies): Transaction {
  const { signatures, ...body } = TRANSACTION.read(json, '', currencies);
  // Through the bytes and back: both forms then have the very same limits, in one place.
  const bytes = encode(transactionSchema, { body, signatures });
  return decode(transactionSchema, bytes, MAX_TRANSACTION_BYTES);
}

/** @param field where it stands, for the error. @throws FormError as `transactionFromJson`. */
export function amountFromJson(json: unknown, field: string, currencies: Currencies): Amount {
  return amount.read(json, field, currencies);
}

/**
 * The fields of an object that has these and no others; those of `optional` may be absent, and are then undefined.
 *
 * @throws FormError `FIELD_INVALID`, `FIELD_MISSING`, `FIELD_UNKNOWN`.
 */
export function fieldsOf<const Name extends string, const Optional extends string = never>(
  json: unknown,
  field: string,
  names: readonly Name[],
  optional: readonly Optional[] = [],
): Record<Name | Optional, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new FormError('FIELD_INVALID', field, 'expected an object');
  }
  const missing = names.find((name) => !Object.hasOwn(json, name));
  if (missing !== undefined) throw new FormError('FIELD_MISSING', under(field, missing), 'is missing');
  const known: readonly string[] = [...names, ...optional];
  const unknown = Object.keys(json).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const place = under(field, unknown.slice(0, MAX_SHOWN));
    throw new FormError('FIELD_UNKNOWN', place, `is not a field here; expected ${known.join(', ')}`);
  }
  return json as Record<Name | Optional, unknown>;
}

/** A text that `parse` reads. @throws FormError with the code of `parse` and the field's place, or `FIELD_INVALID`. */
export function textField<T>(json: unknown, field: string, parse: (text: string) => T): T {
  if (typeof json !== 'string') throw new FormError('FIELD_INVALID', field, 'expected a text');
  try {
    return parse(json);
  } catch (error) {
    if (error instanceof CodedError) throw new FormError(error.code, field, error.message);
    throw error;
  }
}

type Currencies = readonly Currency[];

/** One kind of value, both ways. */
interface Form<T> {
  write(value: T, currencies: Currencies): unknown;
  read(json: unknown, field: string, currencies: Currencies): T;
}

type Fields<T> = { readonly [K in keyof T]-?: Form<T[K]> };

const MAX_SHOWN = 40;

/** A text that a parser of `text.ts` judges. */
function parsed<T extends string>(parse: (text: string) => T): Form<T> {
  return {
    write: (value) => value,
    read: (json, field) => textField(json, field, parse),
  };
}

const memo: Form<string> = {
  write: (value) => value,
  read(json, field) {
    const value = textField(json, field, (text) => text);
    // Half of a surrogate pair has no UTF-8: its bytes would say something else than was written.
    if (!value.isWellFormed()) throw new FormError('FIELD_INVALID', field, 'expected well-formed Unicode');
    return value;
  },
};

const wholeNumber: Form<number> = {
  write: (value) => value,
  read(json, field) {
    if (Number.isSafeInteger(json) && (json as number) >= 0) return json as number;
    throw new FormError('FIELD_INVALID', field, 'expected a whole number, 0 or more');
  },
};

const versionOne: Form<1> = {
  write: (value) => value,
  read(json, field) {
    if (json === 1) return 1;
    throw new FormError('VERSION_UNKNOWN', field, 'expected 1');
  },
};

const signatureBytes: Form<Uint8Array> = {
  write: (value) => toHex(value),
  read(json, field) {
    if (typeof json === 'string' && isHex(json, 64)) return fromHex(json, 64);
    throw new FormError('SIGNATURE_MALFORMED', field, 'expected 128 lowercase hexadecimal digits');
  },
};

const amount: Form<Amount> = {
  write({ currency, minor }, currencies) {
    const exponent = currencies.find(({ code }) => code === currency)?.exponent ?? 0;
    return { currency, value: formatAmount(minor, exponent) };
  },
  read(json, field, currencies) {
    const { currency, value } = fieldsOf(json, field, ['currency', 'value']);
    const place = under(field, 'currency');
    const code: CurrencyCode = textField(currency, place, parseCurrency);
    const known = currencies.find((entry) => entry.code === code);
    if (known === undefined) throw new FormError('CURRENCY_UNKNOWN', place, `this network has no ${code}`);
    if (typeof value !== 'string') {
      throw new FormError('AMOUNT_NOT_TEXT', under(field, 'value'), 'expected a text like "5000", not a number');
    }
    return textField(value, under(field, 'value'), (text) => parseAmount(text, known));
  },
};

const account = parsed<AccountId>(parseAccountId);
const publicKey = parsed<PublicKey>(parsePublicKey);
const tier = parsed<TierName>(parseTier);
const aliasKey = parsed<AliasKey>((text) => parseHash(text) as AliasKey);
const aliasReference = object<AliasReference>({ aliasKey, epoch: wholeNumber });

type CommandOf<Type extends Command['type']> = Omit<Extract<Command, { type: Type }>, 'type'>;

const COMMANDS: { readonly [Type in Command['type']]: Fields<CommandOf<Type>> } = {
  openAccount: { account, publicKey, tier: orNull(tier) },
  registerAlias: { aliasKey, account },
  releaseAlias: { aliasKey, account },
  issue: { to: account, amount },
  redeem: { from: account, amount },
  transfer: { from: account, to: account, amount, alias: orNull(aliasReference), memo },
  claimAlias: { aliasKey, account },
  rejectClaim: { aliasKey, account },
  setTier: { account, tier },
};

const COMMAND: Form<Command> = {
  write({ type, ...fields }, currencies) {
    return { type, ...(commandForm(type).write(fields, currencies) as object) };
  },
  read(json, field, currencies) {
    const type = typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined;
    if (!isCommandType(type)) {
      const expected = Object.keys(COMMANDS).join(', ');
      throw new FormError('FIELD_INVALID', under(field, 'type'), `expected one of ${expected}`);
    }
    const { type: _, ...fields } = json as Record<string, unknown>;
    return { type, ...commandForm(type).read(fields, field, currencies) } as Command;
  },
};

const TRANSACTION = object<TransactionBody & { readonly signatures: readonly TransactionSignature[] }>({
  version: versionOne,
  chainId: parsed<ChainId>((text) => parseHash(text) as ChainId),
  validUntilMs: wholeNumber,
  nonce: parsed<Nonce>(parseNonce),
  commands: list(COMMAND, MAX_COMMANDS),
  signatures: atLeastOneSignature(
    list(object<TransactionSignature>({ publicKey, signature: signatureBytes }), MAX_SIGNATURES),
  ),
});

function commandForm(type: Command['type']): Form<object> {
  return object(COMMANDS[type] as Fields<object>);
}

function isCommandType(value: unknown): value is Command['type'] {
  return typeof value === 'string' && Object.hasOwn(COMMANDS, value);
}

function object<T extends object>(fields: Fields<T>): Form<T> {
  const entries = Object.entries(fields) as [keyof T & string, Form<T[keyof T & string]>][];
  return {
    write: (value, currencies) =>
      Object.fromEntries(entries.map(([name, form]) => [name, form.write(value[name], currencies)])),
    read(json, field, currencies) {
      const found = fieldsOf(
        json,
        field,
        entries.map(([name]) => name),
      );
      const read = entries.map(([name, form]) => [name, form.read(found[name], under(field, name), currencies)]);
      return Object.fromEntries(read) as T;
    },
  };
}

function list<T>(item: Form<T>, max: number): Form<readonly T[]> {
  return {
    write: (values, currencies) => values.map((value) => item.write(value, currencies)),
    read(json, field, currencies) {
      if (!Array.isArray(json)) throw new FormError('FIELD_INVALID', field, 'expected a list');
      if (json.length > max) throw new FormError('FIELD_INVALID', field, `expected at most ${max} items`);
      return json.map((entry, i) => item.read(entry, `${field}[${i}]`, currencies));
    },
  };
}

function atLeastOneSignature(form: Form<readonly TransactionSignature[]>): Form<readonly TransactionSignature[]> {
  return {
    write: form.write,
    read(json, field, currencies) {
      const signatures = form.read(json, field, currencies);
      if (signatures.length > 0) return signatures;
      throw new FormError('SIGNATURE_MISSING', field, 'nobody has signed; sign the transaction id');
    },
  };
}

function orNull<T>(form: Form<T>): Form<T | null> {
  return {
    write: (value, currencies) => (value === null ? null : form.write(value, currencies)),
    read: (json, field, currencies) => (json === null ? null : form.read(json, field, currencies)),
  };
}

function under(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}
