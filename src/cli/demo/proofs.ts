/** The last chapters: what the network refuses, what the books say, and a receipt that convinces when all nodes are gone. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CurrencySupplyJson } from '../../api/types.ts';
import { parseGenesis } from '../../codec/genesis-json.ts';
import { assert, CodedError } from '../../errors.ts';
import type { Transaction } from '../../types/index.ts';
import { describeAmount, shortHash } from '../describe.ts';
import { homePaths } from '../home.ts';
import { withThousands } from '../output.ts';
import { describeReceipt, saveReceipt, verifyReceipt } from '../receipts.ts';
import { type Final, issue, newNonce, readAmount, redeem, resolvePayee, signPayment, submit } from '../wallet.ts';
import { banksOf, clientOf, payByPhone, promised, type Stage, type Sum, signFor, untilLevel } from './stage.ts';

export interface Refusal {
  readonly what: string;
  readonly code: string;
}

export interface Audit {
  readonly height: number;
  readonly blockHash: string;
  readonly writesRoot: string;
  readonly supply: readonly CurrencySupplyJson[];
}

export interface KeptReceipt {
  readonly id: string;
  readonly signers: readonly string[];
  /** Copies with one byte changed: all were refused. */
  readonly forgeries: number;
}

const REDEEMED: Sum = ['5000.00', 'USD'];
const FORGERIES = 100;

/** Bad requests, each with the code it is refused by; and one that is good, twice. */
export async function refuse(stage: Stage): Promise<readonly Refusal[]> {
  const { tell } = stage;
  tell.chapter('What the network refuses');
  const refusals: Refusal[] = [];
  for (const { what, code, attempt } of attempts(stage)) {
    const said = await codeOf(attempt);
    promised(said === code, `${what}: answered ${said}, not ${code}`);
    refusals.push({ what, code });
  }
  tell.table(refusals, [
    { title: 'Attempt', value: (row) => row.what },
    { title: 'Answer', value: (row) => row.code },
  ]);
  await payTwice(stage);
  return refusals;
}

interface Attempt {
  readonly what: string;
  readonly code: string;
  readonly attempt: () => Promise<unknown>;
}

function attempts(stage: Stage): readonly Attempt[] {
  const { people, terms, random, network, desks } = stage;
  const [dara, , sophea] = people;
  const [bank] = banksOf(network.nodes());
  assert(dara !== undefined && sophea !== undefined && bank !== undefined, 'the cast is on stage');
  const client = clientOf(stage, dara.bank);
  const payFrom = async (phone: string, sum: Sum): Promise<Final> =>
    submit(client, await signFor(stage, client, dara, phone, sum));
  const stolen = async (): Promise<Final> => {
    const wallet = { account: dara.wallet.account, signer: sophea.wallet.signer };
    const payee = await resolvePayee(client, sophea.phone);
    const amount = readAmount(terms, '1', 'KHR');
    return submit(client, signPayment(terms, wallet, { payee, amount, memo: '' }, newNonce(random)));
  };
  const to = bank.participant;
  const mint = () => issue(client, terms, [dara.wallet.signer], { to, amount: readAmount(terms, '1', 'KHR') }, random);
  return [
    { what: 'Dara pays more than she has', code: 'INSUFFICIENT_FUNDS', attempt: () => payFrom(sophea.phone, ['9999.00', 'USD']) },
    { what: 'to a number that nobody has bound', code: 'ALIAS_NOT_FOUND', attempt: () => payFrom('012 999 999', ['1', 'KHR']) },
    { what: 'to a number that cannot exist', code: 'PHONE_MALFORMED', attempt: () => payFrom('012 34', ['1', 'KHR']) },
    { what: 'half a riel', code: 'AMOUNT_TOO_PRECISE', attempt: () => payFrom(sophea.phone, ['0.5', 'KHR']) },
    { what: "Sophea signs for Dara's account", code: 'ACCOUNT_SIGNATURE_MISSING', attempt: stolen },
    { what: 'Dara issues money', code: 'OFFICER_QUORUM_MISSING', attempt: mint },
    { what: "a stranger asks the bank's own desk", code: 'TOKEN_WRONG', attempt: () => stranger(stage, desks) },
  ];
}
