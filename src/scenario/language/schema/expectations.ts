/** What an `expect` step can ask for. */
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

const { name, comparedAmount, signedAmount, below, tally } = FORMS;

const count = either(wholeNumber(0, Number.MAX_SAFE_INTEGER), tally);
const below2 = (what: string) => key(below, what);

export const EXPECTATION: Shape = mapping('a mapping of expectations', {
  balance: named(
    'accounts and amounts',
    oneOrMore(comparedAmount),
    'What accounts have, exactly, at least or at most.',
    {
      dara: '5000 KHR',
    },
  ),
  change: {
    ...named(
      'accounts and changes',
      oneOrMore(signedAmount),
      'How much more or less accounts have since a `remember` step.',
    ),
    properties: { since: key(name, 'Name of a `remember` step.') },
    required: ['since'],
    minProperties: 2,
  },
  supply: key(oneOrMore(FORMS.amount), 'Money in circulation.'),
  roots: key(
    either(oneOf('equal'), listOf(name, 'a list of banks')),
    'All running banks, or these, have the same state.',
  ),
  money: key(oneOf('conserved'), 'What is there is what was issued less what was redeemed.'),
  alias: named(
    'phone numbers and accounts',
    either(
      key(name, 'A person, or `nobody`.'),
      mapping(
        'an account and an epoch',
        { account: key(name, 'A person.'), epoch: key(wholeNumber(1, 1_000_000), 'How often it was bound.') },
        ['account', 'epoch'],
      ),
    ),
    'Whose phone numbers are.',
  ),
  payments: {
    ...mapping('a step and counts', {
      of: key(name, 'Name of a step.'),
      final: key(count, 'How many became final.'),
      refused: key(count, 'How many were refused; `refused CODE` for one code.'),
      expired: key(count, 'How many expired.'),
      pending: key(count, 'How many are not final yet.'),
      unreachable: key(count, 'How many no bank answered for.'),
    }),
    patternProperties: { '^refused [A-Z_]+$': count },
    required: ['of'],
    minProperties: 2,
    description: "How many of a step's payments ended how.",
  },
  finality: {
    ...mapping('bounds of finality', {
      of: key(name, 'Name of a step. Default: all payments.'),
      p50: below2('Of half of them.'),
      p95: below2('Of 95 in a hundred.'),
      p99: below2('Of 99 in a hundred.'),
      max: below2('Of all of them.'),
    }),
    description: 'How long payments took, from handing in to «final».',
  },
  evidence: key(name, 'The bank that is proved to have voted twice, and no other; or `none`.'),
  running: named('banks, yes or no', YES_NO, 'Whether banks run.'),
  blocks: key(
    mapping('a step and a count', { since: key(name, 'Name of a step.'), is: key(count, 'How many.') }, [
      'since',
      'is',
    ]),
    'New blocks since a step; 0 says that nothing became final.',
  ),
  value: named('outputs and values', either({ title: 'a number', type: 'number' }, FORMS.words), 'Outputs of steps.', {
    '${lunch.status}': 'OK',
  }),
});

export const EXPECTATIONS: Shape = oneOrMore({ ...EXPECTATION, minProperties: 1 });
