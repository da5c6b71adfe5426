/** The words that a step can say, each with the shape of what follows it. */
import { MAX_BULK, MAX_PAYMENTS, MAX_STEPS } from '../limits.ts';
import { EXPECTATIONS } from './expectations.ts';
import { either, FORMS, key, listOf, mapping, oneOf, oneOrMore, type Shape, wholeNumber, YES_NO } from './shapes.ts';

const { name, amount, words, duration, clock, ending, file } = FORMS;

/** Steps within a step are judged one by one, so their own shape is left open here; the published schema closes it. */
export const STEPS: Shape = { title: 'a list of steps', type: 'array', minItems: 1 };

const names = listOf(name, 'a list of names');
const nameOrNames = either(name, names);
const signedBy = key(names, 'Who signs, if not who should: people, banks, `officer 1`.');
const memo = key(words, 'Travels with the money; at most 64 bytes.');
const bank = key(name, 'A bank.');
const phone = key(
  { ...name, title: 'a phone number', examples: ['012 345 678'] },
  'Of Cambodia, or with a country code.',
);
const byPhone = key(oneOf('phone'), 'Payees are found by their phone numbers.');
const paid = key(amount, 'What is paid.');
const roundTo = {
  title: 'a number',
  type: 'number',
  exclusiveMinimum: 0,
  description: 'Amounts are multiples of it, and at least it.',
};

const phoneDeed = (description: string) =>
  key(
    mapping('a person and a phone number', { person: key(name, 'Whose account.'), phone, signedBy }, [
      'person',
      'phone',
    ]),
    description,
  );
const faultOf = (description: string) => key(oneOrMore(key(name, 'A bank.')), description);

const amounts = either(
  amount,
  mapping('two amounts', { from: key(amount, 'The least.'), to: key(amount, 'The most.'), roundTo }, ['from', 'to']),
  mapping(
    'a median and a spread',
    {
      about: key(amount, 'The median.'),
      spread: {
        title: 'a number',
        type: 'number',
        minimum: 0,
        maximum: 5,
        description: 'Sigma of the lognormal: 0 is none, 1 is wide.',
      },
      roundTo,
    },
    ['about', 'spread'],
  ),
);

/** Steps that hand in transactions: they may say how these are to end. */
const TRANSACTIONS = {
  pay: key(
    mapping(
      'a payment',
      {
        from: key(name, 'Who pays: a person, or a bank (`bank aclb`).'),
        to: key(name, 'Who is paid: a person, an account, a bank (`bank cnb`), or a phone number.'),
        amount: paid,
        memo,
        by: byPhone,
        seenBy: key(name, 'The phone number as an earlier payment, of this name, looked it up.'),
        via: key(name, "The bank it is handed to. Default: the payer's."),
        within: key(duration, 'How long the payer waits for «final». Default 30 s.'),
        validFor: key(duration, 'How long the payment can take effect. Default 60 s.'),
        signedBy,
      },
      ['from', 'to', 'amount'],
    ),
    'One payment.',
  ),
  bulk: key(
    mapping(
      'a bulk payment',
      {
        from: key(name, 'Who pays.'),
        to: key(nameOrNames, 'The same `amount` to each of a crowd, or of these people.'),
        amount: key(amount, 'What each of `to` gets.'),
        each: {
          ...listOf(
            mapping('a payee and an amount', { to: key(name, 'Who is paid.'), amount: paid }, ['to', 'amount']),
          ),
          maxItems: MAX_BULK,
          description: 'Payees with amounts of their own; in the place of `to` and `amount`.',
        },
        perTransaction: key(wholeNumber(1, 128), 'Payees of one transaction. Default 100.'),
        memo,
      },
      ['from'],
    ),
    'One payer, many payees; each transaction pays all of its payees or none.',
  ),
  open: key(name, 'Opens the account of a person (`opens: later`).'),
  issue: key(
    mapping('a bank and an amount', { to: bank, amount: paid, signedBy }, ['to', 'amount']),
    "The central bank's officers make money and give it to a bank.",
  ),
  redeem: key(
    mapping('a bank and an amount', { from: bank, amount: paid, signedBy }, ['from', 'amount']),
    'A bank gives money back to the central bank.',
  ),
  deposit: key(
    mapping('a person and an amount', { to: key(name, 'A customer.'), amount: paid }, ['to', 'amount']),
    "From a bank's own account to its customer's.",
  ),
  withdraw: key(
    mapping('a person and an amount', { from: key(name, 'A customer.'), amount: paid }, ['from', 'amount']),
    "From a customer's account to the bank's own.",
  ),
  settle: key(
    mapping('two banks and an amount', { from: bank, to: bank, amount: paid }, ['from', 'to', 'amount']),
    "Between two banks' own accounts.",
  ),
  bind: phoneDeed("Binds a phone number to a person's account; carries out a claim that is due."),
  release: phoneDeed('Gives a phone number up.'),
  claim: phoneDeed('Asks for a number that another account has; due after the `claimDelay`.'),
  reject: phoneDeed('Objects to a claim.'),
  tier: key(
    mapping('a person and a tier', { of: key(name, 'A person.'), is: key(name, 'A tier.'), signedBy }, ['of', 'is']),
    'Gives a customer another tier.',
  ),
  replay: key(
    either(
      name,
      mapping(
        'a step',
        {
          of: key(name, 'Name of an earlier step.'),
          via: bank,
          within: key(duration, 'How long to wait. Default 30 s.'),
        },
        ['of'],
      ),
    ),
    'Hands in the very transaction of an earlier step once more.',
  ),
} as const satisfies Record<string, Shape>;

/** Steps that hand in none, or whose transactions end as they may. */
const OTHERS = {
  say: key(words, 'Tells the reader something.'),
  payments: key(
    mapping(
      'payments of a crowd',
      {
        from: key(nameOrNames, 'Who pays: a crowd, or people.'),
        to: key(
          either(
            name,
            names,
            mapping(
              'a choice',
              {
                among: key(nameOrNames, 'Who is paid: a crowd, or people.'),
                zipf: {
                  title: 'a number',
                  type: 'number',
                  exclusiveMinimum: 0,
                  maximum: 10,
                  description: 'How much the first ones are preferred.',
                },
              },
              ['among'],
            ),
          ),
          'Who is paid; all alike, or with `zipf` the first ones more often.',
        ),
        count: key(wholeNumber(1, MAX_PAYMENTS), 'How many payments.'),
        over: key(duration, 'They are spread over this time.'),
        arrivals: key(oneOf('constant', 'poisson'), 'Evenly, or as customers come. Default poisson.'),
        amount: key(amounts, 'One amount; evenly between two; or about a median.'),
        each: key(oneOf('once'), 'Every payer pays once. Default: whoever chance picks.'),
        by: byPhone,
        memo,
        mayRefuse: key(names, 'Codes of refusals that are no failure of the step; also expired, pending, unreachable.'),
        retry: key(YES_NO, 'Whether a payment that its bank does not answer for is handed to others. Default no.'),
      },
      ['from', 'to', 'count', 'over', 'amount'],
    ),
    'Payments of a crowd: who pays whom how much and when comes from the seed.',
  ),
  wait: key(duration, 'Lets time pass.'),
  remember: key(oneOf('all'), 'What everybody has now, for `change` to compare with; name it with `as`.'),
  together: key(STEPS, 'Steps side by side. A loop among them is one branch.'),
  crash: faultOf("Ends a bank's node without a warning."),
  restart: faultOf('Starts it again, from its disk.'),
  pause: faultOf('Freezes it.'),
  resume: faultOf('Lets it go on.'),
  wipe: faultOf('Ends it and takes its disk away.'),
  partition: key(listOf(names, 'a list of groups of banks'), 'Only banks of one group hear each other.'),
  slow: key(
    mapping('banks and a duration', { banks: nameOrNames, by: key(duration, 'Added to every message.') }, [
      'banks',
      'by',
    ]),
    'Slows the lines of these banks.',
  ),
  heal: key(oneOf('all'), 'Ends partition and slowness.'),
  byzantine: key(
    mapping('a bank and a role', { bank, as: key(name, 'What kind of liar: `equivocator`.') }, ['bank', 'as']),
    'From now on its node lies; on the simulated engine only.',
  ),
  expect: key(EXPECTATIONS, 'What must hold now, or within a time.'),
  run: { title: 'a function', description: 'TypeScript only: code that plays.' },
} as const satisfies Record<string, Shape>;

/** Written out before the story is judged. */
const LOOPS = {
  repeat: key(
    mapping(
      'a loop',
      {
        times: key(wholeNumber(1, MAX_STEPS), 'How often.'),
        as: key(name, 'A variable that counts from 1.'),
        steps: key(STEPS, 'What is repeated.'),
      },
      ['times', 'steps'],
    ),
    'Steps, so many times.',
  ),
  for: key(
    mapping(
      'a loop',
      {
        each: key(
          either(name, {
            title: 'a list of texts or numbers',
            type: 'array',
            minItems: 1,
            items: { title: 'a text or a number', type: ['string', 'number'] } as unknown as Shape,
          }),
          "A list, a crowd's name, or `banks`.",
        ),
        from: key(wholeNumber(1, 1_000_000), 'Which of them is the first, from 1 on.'),
        first: key(wholeNumber(1, 1_000_000), 'How many of them.'),
        as: key(name, 'The variable.'),
        steps: key(STEPS, 'What is done for each.'),
      },
      ['each', 'as', 'steps'],
    ),
    'Steps for each of a list.',
  ),
  include: key(file, 'Steps of another file.'),
} as const satisfies Record<string, Shape>;

/** What stands beside the word of a step. */
export const SETTINGS = {
  at: key(clock, 'Not before this time; the day is that of the step before.'),
  as: key(name, 'Name under which later steps know its outputs.'),
  note: key(words, 'Why this step is here.'),
  expect: key(ending, 'How its transaction ends. Default final.'),
  within: key(duration, 'Of `expect`: how long it may take until all of it holds. Default 10 s.'),
  title: key(words, 'Of `run`: what it does.'),
} as const satisfies Record<string, Shape>;

export type TransactionWord = keyof typeof TRANSACTIONS;
export type Word = TransactionWord | keyof typeof OTHERS;
export type LoopWord = keyof typeof LOOPS;

export const WORDS: Readonly<Record<Word | LoopWord, Shape>> = { ...TRANSACTIONS, ...OTHERS, ...LOOPS };

export function isLoop(word: string): word is LoopWord {
  return Object.hasOwn(LOOPS, word);
}

export function isTransaction(word: string): word is TransactionWord {
  return Object.hasOwn(TRANSACTIONS, word);
}

/** The shape of a whole step, by its word. */
export const STEP_SHAPES: ReadonlyMap<string, Shape> = new Map(
  Object.entries(WORDS).map(([word, shape]) => {
    const { at, as, note, expect, within, title } = SETTINGS;
    const beside = {
      at,
      note,
      ...(isLoop(word) ? {} : { as }),
      ...(isTransaction(word) ? { expect } : {}),
      ...(word === 'expect' ? { within } : {}),
      ...(word === 'run' ? { title } : {}),
    };
    return [word, mapping('a step', { ...beside, [word]: shape }, word === 'run' ? ['title', 'run'] : [word])];
  }),
);
