/** Phone numbers as people write them, brought to the one form an alias is derived from. Never logged, never on the ledger. */
import { createRequire } from 'node:module';
import type * as PhoneNumbers from 'libphonenumber-js/max';
import { isE164 } from '../crypto/alias.ts';
import { CodedError } from '../errors.ts';

const require = createRequire(import.meta.url);

/** Whose numbers may be written without a country code. */
const HOME_REGION = 'KH';
/** `+`, 15 digits and a separator after each. */
const MAX_CHARS = 32;

/**
 * @param text a number, and nothing beside it: `+85512345678`, or in the form of Cambodia, `012 345 678`.
 * @returns its canonical E.164 form.
 * @throws CodedError `PHONE_MALFORMED`, without the number: it is personal.
 */
export function parsePhone(text: string): string {
  // All countries' numbering plans, half a megabyte: they come with the first number, so that no start waits for them.
  const { parsePhoneNumberFromString } = require('libphonenumber-js/max') as typeof PhoneNumbers;
  const found =
    text.length > MAX_CHARS
      ? undefined
      : parsePhoneNumberFromString(text, { defaultCountry: HOME_REGION, extract: false });
  if (found?.isValid() && found.ext === undefined && isE164(found.number)) return found.number;
  throw new CodedError(
    'PHONE_MALFORMED',
    'That is no phone number that can be called; write it like +85512345678, or like 012 345 678 within Cambodia.',
  );
}
