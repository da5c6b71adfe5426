import fc from 'fast-check';
import t from 'tap';
import { isE164 } from '../crypto/alias.ts';
import { CodedError } from '../errors.ts';
import { parsePhone } from './phone.ts';

t.test('one number, however it is written', async (t) => {
  for (const text of ['012 345 678', '012345678', '012-345-678', '+855 12 345 678', '+85512345678', '85512345678']) {
    t.equal(parsePhone(text), '+85512345678', text);
  }
  t.equal(parsePhone('096 123 4567'), '+855961234567');
  t.equal(parsePhone('+33 6 12 34 56 78'), '+33612345678');
});

t.test('what is no number that can be called is refused, and not repeated', async (t) => {
  const refused = [
    '',
    ' ',
    'dara',
    '117',
    '012 345 6789012',
    '+855',
    '+85512345678 ext. 3',
    '+85512345678;ext=1',
    'call 012345678',
    'tel:+85512345678',
    '012345678012345678012345678012345678',
    '+999123456789',
    '٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥',
    'dara@aclb',
    '\u0000',
  ];
  for (const text of refused) {
    const error = thrownBy(() => parsePhone(text));
    t.match(error, { code: 'PHONE_MALFORMED' }, text);
    if (text.length > 4) t.notOk(error.message.includes(text));
  }
});

t.test('any text gives a canonical number or a coded error', async (t) => {
  const digits = fc.stringMatching(/^[+0-9 ().-]{0,24}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), digits), (text) => {
      try {
        const phone = parsePhone(text);
        return isE164(phone) && parsePhone(phone) === phone;
      } catch (error) {
        return error instanceof CodedError && error.code === 'PHONE_MALFORMED';
      }
    }),
    { numRuns: 500 },
  );
  t.pass('500 texts');
});

function thrownBy(act: () => unknown): CodedError {
  try {
    act();
  } catch (error) {
    if (error instanceof CodedError) return error;
  }
  throw new Error('nothing was refused');
}
