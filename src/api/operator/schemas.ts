/** What each route of the operator API takes and answers, for /openapi.json. */
import {
  ACCOUNT,
  AMOUNT_CODES,
  answer,
  BODY_CODES,
  type Failure,
  failures,
  failuresAs,
  HASH,
  type JsonSchema,
  KEY,
  list,
  object,
  orNull,
  PARAMETER_CODES,
  REFUSALS,
  ref,
  responses,
  SUBMIT_CODES,
  TEXT,
  TIER,
  TIME_MS,
  TRANSACTION_CODES,
} from '../schemas.ts';

const common = { tags: ['operator'], security: [{ operatorToken: [] }] };
const taking = (body: JsonSchema) => ({ documentedBody: { content: { 'application/json': { schema: body } } } });
const TOKEN = failures('TOKEN_MISSING', 'TOKEN_WRONG');
/** What any action that submits a transaction can end with. */
const SUBMITTED: readonly Failure[] = [
  ...TOKEN,
  ...failures(...BODY_CODES, ...SUBMIT_CODES),
  // On the chain and refused there: the receipt stands in the details.
  ...failuresAs(409, ...REFUSALS),
];

const action = object({
  id: HASH,
  state: { enum: ['final', 'pending', 'expired'] },
  receipt: orNull(ref('Receipt')),
  message: TEXT,
  customer: orNull(ref('Customer')),
});
const NONCE =
  'A reference of your own, 32 hexadecimal digits: used twice, the second request is refused, so a retry pays nothing twice';
const PHONE = {
  ...TEXT,
  description: 'E.164, or as written within Cambodia',
  examples: ['+85512345678', '012 345 678'],
};
const UNKNOWN = 'Submitted; how it ends is not known yet, and nothing has failed: ask again';

export const customers = {
  schema: {
    ...common,
    summary: "The bank's customers: names and numbers that are nowhere else",
    response: responses({ 200: answer('By account', object({ customers: list(ref('Customer')) })) }, TOKEN),
  },
};

export const openAccount = {
  config: taking(
    object(
      {
        name: { ...TEXT, description: 'What stands before the @', examples: ['dara'] },
        publicKey: KEY,
        displayName: { ...TEXT, description: 'Kept by the bank only', examples: ['Sok Dara'] },
        tier: { ...TIER, description: 'What the bank knows of the customer; left out where the network has no tiers' },
      },
      ['tier'],
    ),
  ),
  schema: {
    ...common,
    summary: 'Open an account at this bank; asked again with the same key and name, the first receipt is the answer',
    response: responses({ 200: answer('Open', action), 202: answer(UNKNOWN, action) }, [
      ...SUBMITTED,
      ...failures('ACCOUNT_MALFORMED', 'KEY_MALFORMED', 'TIER_MALFORMED'),
    ]),
  },
};

export const setTier = {
  config: taking(object({ account: ACCOUNT, tier: TIER })),
  schema: {
    ...common,
    summary: 'Give an account of this bank another tier',
    response: responses(
      { 200: answer('Given', ref('TransactionState')), 202: answer(UNKNOWN, ref('TransactionState')) },
      [...SUBMITTED, ...failures('ACCOUNT_MALFORMED', 'TIER_MALFORMED', 'ACCOUNT_NOT_OURS')],
    ),
  },
};

export const aliasKeyOf = {
  config: taking(object({ phone: PHONE })),
  schema: {
    ...common,
    summary: 'The alias of a phone number, for a wallet to sign its registration; whether it is bound does not matter',
    response: responses(
      {
        200: answer('The same for every member', object({ phone: { ...TEXT, description: 'E.164' }, aliasKey: HASH })),
      },
      [...TOKEN, ...failures(...BODY_CODES, 'PHONE_MALFORMED')],
    ),
  },
};

export const bindingOf = {
  schema: {
    ...common,
    summary: 'What stands under an alias key, as often as the bank likes: who has the key knows the number already',
    params: object({ aliasKey: { ...TEXT, description: '64 hexadecimal digits' } }),
    response: responses(
      {
        200: answer(
          'As payments have to name it; no account where the number was released',
          object({ aliasKey: HASH, account: orNull(ACCOUNT), epoch: { type: 'integer', minimum: 1 } }),
        ),
      },
      [...TOKEN, ...failures(...PARAMETER_CODES, 'HASH_MALFORMED', 'ALIAS_NOT_FOUND')],
    ),
  },
};

export const attest = {
  config: taking(
    object({
      transaction: {
        description:
          'One registerAlias or claimAlias, signed by the wallet: in JSON form, or its canonical bytes in hex',
        anyOf: [ref('Transaction'), { type: 'string', pattern: '^(?:[0-9a-f]{2})+$' }],
      },
      phone: PHONE,
    }),
  ),
  schema: {
    ...common,
    summary: "Attest that a phone number is a customer's, and submit the wallet's registration or claim of it",
    response: responses({ 200: answer('Bound, or claimed', action), 202: answer(UNKNOWN, action) }, [
      ...SUBMITTED,
      ...failures(...TRANSACTION_CODES, 'HEX_MALFORMED', 'PHONE_MALFORMED', 'PHONE_MISMATCH'),
      ...failures('ACCOUNT_NOT_OURS', 'ATTEST_UNEXPECTED', 'CUSTOMER_NOT_FOUND'),
    ]),
  },
};

export const rejectClaim = {
  config: taking(object({ account: ACCOUNT, phone: PHONE })),
  schema: {
    ...common,
    summary: "Object to a claim of a customer's phone number: for whoever lost the key that could",
    response: responses(
      { 200: answer('The number stays', ref('TransactionState')), 202: answer(UNKNOWN, ref('TransactionState')) },
      [...SUBMITTED, ...failures('ACCOUNT_MALFORMED', 'PHONE_MALFORMED', 'ACCOUNT_NOT_OURS')],
    ),
  },
};

export const fund = {
  config: taking(
    object({ account: ACCOUNT, amount: ref('Amount'), nonce: { ...TEXT, description: NONCE } }, ['nonce']),
  ),
  schema: {
    ...common,
    summary: "Pay from the bank's settlement account",
    response: responses(
      { 200: answer('Paid', ref('TransactionState')), 202: answer(UNKNOWN, ref('TransactionState')) },
      [...SUBMITTED, ...failures(...AMOUNT_CODES, 'ACCOUNT_MALFORMED', 'NONCE_MALFORMED')],
    ),
  },
};

export const redeem = {
  config: taking(object({ amount: ref('Amount') })),
  schema: {
    ...common,
    summary: 'Sign a redemption for the officers of the central bank to sign; it is not submitted',
    response: responses(
      {
        200: answer(
          'Signed by the bank',
          object({ id: HASH, transaction: { ...TEXT, description: 'Canonical bytes in hex' }, validUntilMs: TIME_MS }),
        ),
      },
      [...TOKEN, ...failures(...BODY_CODES, ...AMOUNT_CODES)],
    ),
  },
};
