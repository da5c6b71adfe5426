/** `tonle issue`, `redeem` and `fund`: how money comes into the world, leaves it, and gets from a bank to its customers. */
import { parseParticipantId, participantOf } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { CliContext } from '../context.ts';
import { describeAmount } from '../describe.ts';
import { accountNamed } from '../holdings.ts';
import { type BankOptions, Nodes } from '../nodes.ts';
import { amountJson, type Final, fund, issue, readAmount, readTerms, redeem } from '../wallet.ts';

export interface OfficerOptions {
  readonly officerKey?: readonly string[];
}

export interface MoneyArguments {
  readonly amount: string;
  readonly currency: string;
}

export async function issueCommand(
  cli: CliContext,
  { participant, ...wanted }: MoneyArguments & { readonly participant: string },
  { officerKey = [] }: OfficerOptions,
): Promise<void> {
  const to = parseParticipantId(participant);
  const nodes = await Nodes.of(cli);
  const client = nodes.of(nodes.centralBank ?? to);
  const terms = await readTerms(client, cli.clock);
  const amount = readAmount(terms, wanted.amount, wanted.currency);
  const officers = await nodes.officers(officerKey, cli.io);
  const done = await issue(client, terms, officers, { to, amount }, cli.random);
  print(cli, `issued ${describeAmount(amountJson(terms, amount))} to ${to}`, done, { participant: to });
}

export async function redeemCommand(
  cli: CliContext,
  { participant, ...wanted }: MoneyArguments & { readonly participant: string },
  { officerKey = [], ...bankOptions }: OfficerOptions & BankOptions,
): Promise<void> {
  const from = parseParticipantId(participant);
  const nodes = await Nodes.of(cli);
  const client = await nodes.desk(from, bankOptions, cli.io.env);
  const terms = await readTerms(client, cli.clock);
  const amount = readAmount(terms, wanted.amount, wanted.currency);
  const officers = await nodes.officers(officerKey, cli.io);
  const done = await redeem(client, terms, officers, { from, amount });
  print(cli, `redeemed ${describeAmount(amountJson(terms, amount))} of ${from}`, done, { participant: from });
}

export async function fundCommand(
  cli: CliContext,
  { account: wantedAccount, ...wanted }: MoneyArguments & { readonly account: string },
  options: BankOptions,
): Promise<void> {
  const account = await accountNamed(cli.data, wantedAccount);
  const bank: ParticipantId = participantOf(account);
  const client = await (await Nodes.of(cli)).desk(bank, options, cli.io.env);
  const { participant } = await client.status();
  if (participant !== bank) {
    throw new CodedError('USAGE', `${account} is a customer of ${bank}, and the node asked is of ${participant}`);
  }
  const terms = await readTerms(client, cli.clock);
  const amount = readAmount(terms, wanted.amount, wanted.currency);
  const done = await fund(client, terms, account, amount);
  print(cli, `paid ${describeAmount(amountJson(terms, amount))} from ${bank} to ${account}`, done, { account });
}

function print({ out }: CliContext, what: string, { id, receipt }: Final, document: object): void {
  out.print(`${what}: final in block ${receipt.height}, id ${id}`, { ...document, id, receipt });
}
