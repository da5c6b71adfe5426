/** The shape of a whole document, but for its steps, which are judged one by one. */
import { MAX_NAME_BYTES, MAX_VALIDATORS } from '../../../codec/limits.ts';
import { MAX_PEOPLE } from '../limits.ts';
import {
  either,
  FORMS,
  key,
  listOf,
  mapping,
  named,
  oneOf,
  oneOrMore,
  type Shape,
  wholeNumber,
  YES_NO,
} from './shapes.ts';
import { STEPS } from './steps.ts';

const { name, amount, words, duration, date, file } = FORMS;
const has = key(oneOrMore(amount), 'Paid in before the first step.');
const tier = key(name, 'How much they may send a day. Default full.');

const person = mapping(
  'a person',
  {
    bank: key(name, 'Where the account is.'),
    phone: key(
      { ...name, title: 'a phone number', examples: ['012 345 678'] },
      'Bound to the account before the first step, unless a step opens the account.',
    ),
    tier,
    has,
    opens: key(oneOf('later'), 'A step opens the account.'),
  },
  ['bank'],
);

const crowd = mapping(
  'a crowd',
  {
    count: key(wholeNumber(1, MAX_PEOPLE), 'How many.'),
    banks: key(listOf(name, 'a list of banks'), 'Where the accounts are, in turn. Default: all but the central bank.'),
    has: key(has, 'What each of them has before the first step.'),
    tier,
    phones: key(YES_NO, 'Whether each has an invented Cambodian number. Default no.'),
  },
  ['count'],
);

const bankName = { ...words, maxLength: MAX_NAME_BYTES };
const network = mapping('a network', {
  banks: {
    ...either(
      wholeNumber(1, MAX_VALIDATORS),
      listOf(name, 'a list of ids'),
      named('ids and names', bankName, 'Ids and names.'),
    ),
    description: 'How many, their ids, or ids with names. Default 4: nbc, aclb, cnb, wing.',
  },
  centralBank: key(name, 'Id of the bank that issues. Default nbc, or the first.'),
  currencies: named(
    'currencies',
    mapping('a currency', { places: key(wholeNumber(0, 4), 'Decimal places.') }, ['places']),
    'By ISO 4217 code. Default KHR and USD.',
    { KHR: { places: 0 } },
  ),
  tiers: named(
    'tiers',
    {
      title: 'limits by currency',
      type: 'object',
      additionalProperties: { title: 'an amount without its currency', type: ['number', 'string'] } as unknown as Shape,
    },
    'How much of each currency a customer may send a day. Default basic, partial and full.',
    { basic: { KHR: 2000000 }, full: {} },
  ),
  claimDelay: key(duration, 'How long a claimed phone number stays with its holder. Default 2 days.'),
  blockEvery: key(duration, 'Shortest time between blocks. Default: one whenever there is something to put in it.'),
  signatures: key(oneOf('real', 'stub'), 'Stub saves the time of cryptography, on the simulated engine only.'),
  seed: key(wholeNumber(0, 0xffff_ffff), 'All chance comes from it. Default 1.'),
  begins: key(date, 'Date and time in Phnom Penh at which the steps begin. Default `2026-01-05 06:00`.'),
});

/** What stands above the steps. */
export const DOCUMENT: Shape = mapping('a story', {
  story: key(words, 'Its title.'),
  about: key(words, 'One or two sentences: what it shows, and why.'),
  include: key(oneOrMore(file), 'Files of the same shape: what they define is added, and their steps come first.'),
  variables: named(
    'variables',
    { title: 'a text, a number or a truth value', type: ['string', 'number', 'boolean'] } as unknown as Shape,
    `What \`\${name}\` stands for; \`--set name=value\` overrides.`,
    { guests: 40 },
  ),
  network: key(network, 'The banks, their money and their rules.'),
  people: named('people', person, 'Wallets, by name.', { dara: { bank: 'aclb', has: '5000 KHR' } }),
  crowds: named('crowds', crowd, 'Many people alike: `shoppers` are `shoppers-001`, `shoppers-002`…', {
    shoppers: { count: 40 },
  }),
  steps: key(STEPS, 'What happens, in order.'),
});
