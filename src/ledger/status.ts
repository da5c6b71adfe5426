/**
 * Every answer the ledger gives, in strict order of precedence: where several checks fail, the lowest code is the answer,
 * on every node alike. Numbers stand in receipts for ever: none is ever given to another meaning.
 */

export interface Status {
  readonly code: number;
  readonly name: StatusName;
  /** What it means and what to do next, for a person. */
  readonly sentence: string;
}

const TABLE = {
  OK: [0, 'Done.'],

  // Whole transactions. On the chain none of these makes a receipt: such a transaction is refused at the door or left out.
  CHAIN_MISMATCH: [
    1,
    'The transaction was signed for another network; sign it with the chain id that this one shows under status.',
  ],
  SIGNATURE_INVALID: [
    2,
    'A signature does not verify; sign the transaction id again with the key that the signature names.',
  ],
  EXPIRED: [3, 'Its validity has ended without it taking effect, and now it never will; sign a new transaction.'],
  VALIDITY_TOO_LONG: [4, 'It would stay valid for longer than this network allows; choose an earlier end.'],
  DUPLICATE: [5, 'This very transaction is on the chain already; look up its receipt.'],

  // What the command says.
  PARTICIPANT_UNKNOWN: [10, 'No institution of this network has that name; see the list of participants.'],
  CURRENCY_UNKNOWN: [11, 'This network has no such currency.'],
  AMOUNT_ZERO: [12, 'The amount is zero; it must be at least one minor unit.'],
  AMOUNT_TOO_LARGE: [13, 'The amount is over the limit of one command in this currency.'],
  SAME_ACCOUNT: [14, 'Payer and payee are the same account.'],
  ACCOUNT_RESERVED: [15, 'That account name is reserved for the institution itself.'],
  SETTLEMENT_ONLY: [16, 'Money is issued to and redeemed from settlement accounts only.'],
  KEY_WEAK: [17, 'The public key is not a point of prime order in canonical form; make a new key.'],

  TIER_UNKNOWN: [
    18,
    'An account has one of the tiers of this network, which are shown under status, or none where it has none.',
  ],

  // What the state says.
  ACCOUNT_EXISTS: [20, 'The account is open already; choose another name.'],
  ACCOUNT_NOT_FOUND: [21, 'There is no such account.'],
  PAYEE_NOT_FOUND: [22, "The payee's account does not exist."],
  ALIAS_TAKEN: [23, 'The phone number is bound already; its holder must release it, or it must be claimed first.'],
  ALIAS_NOT_FOUND: [24, 'The phone number is not bound to any account.'],
  ALIAS_NOT_YOURS: [25, 'The phone number is bound to another account.'],
  ALIAS_STALE: [26, 'The phone number was bound anew since the payer looked it up; resolve it again, and sign again.'],
  ALIAS_YOURS: [27, 'The phone number is bound to this very account already; there is nothing to claim.'],
  CLAIM_OPEN: [28, 'The phone number is claimed already; another claim can follow when that one has ended.'],
  CLAIM_NOT_FOUND: [29, 'Nobody claims the phone number: no claim was made, or it has ended.'],

  // Who signed.
  ACCOUNT_SIGNATURE_MISSING: [30, 'The key of the account has not signed.'],
  BANK_SIGNATURE_MISSING: [31, "The account's bank has not signed."],
  OFFICER_QUORUM_MISSING: [32, 'Fewer officers of the central bank have signed than it takes.'],
  HOLDER_SIGNATURE_MISSING: [33, 'Neither the key of the account nor its bank has signed.'],

  // What the clock says.
  CLAIM_NOT_DUE: [35, 'The claim of the phone number is not due yet; the holder may still object until then.'],

  // What the money says.
  INSUFFICIENT_FUNDS: [40, 'The balance is lower than the amount.'],
  SUPPLY_CAP: [41, 'More of this currency would be in circulation than the network allows.'],
  // After the balance: who has no money hears that first, because raising the limit would not help.
  DAILY_LIMIT: [42, 'More would go out today than the tier of the account allows; pay less, or tomorrow.'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type StatusName = keyof typeof TABLE;

/** All statuses, in ascending order of the code. */
export const STATUSES: readonly Status[] = Object.entries(TABLE).map(([name, [code, sentence]]) => ({
  code,
  name: name as StatusName,
  sentence,
}));

const BY_CODE = new Map(STATUSES.map((status) => [status.code, status]));

export function statusCode(name: StatusName): number {
  return TABLE[name][0];
}

/** @returns the status of a receipt's code, or undefined for a code of a later version. */
export function statusOf(code: number): Status | undefined {
  return BY_CODE.get(code);
}

export function statusNamed(name: StatusName): Status {
  return { code: TABLE[name][0], name, sentence: TABLE[name][1] };
}
