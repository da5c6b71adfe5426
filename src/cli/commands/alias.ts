/** `tonle alias`: the phone numbers that payments to an account go to. */
import { parsePhone } from '../../api/phone.ts';
import type { ClaimJson } from '../../api/types.ts';
import { parseAccountId, participantOf } from '../../codec/text.ts';
import type { AccountId } from '../../types/index.ts';
import type { CliContext } from '../context.ts';
import { describeTime } from '../describe.ts';
import { type BankOptions, Nodes } from '../nodes.ts';
import { passwordSource } from '../password.ts';
import { bindAlias, claimAlias, type Final, finalOf, readTerms, rejectClaim, releaseAlias } from '../wallet.ts';
import { findWallet, unlockWallet } from '../wallet-files.ts';

export interface AliasOptions {
  readonly wallet?: string;
}

export async function registerCommand(
  cli: CliContext,
  text: string,
  options: AliasOptions & BankOptions,
): Promise<void> {
  const phone = parsePhone(text);
  const file = await findWallet(cli.data, options.wallet);
  const bank = participantOf(file.account);
  const desk = await (await Nodes.of(cli)).desk(bank, options, cli.io.env);
  const wallet = await unlockWallet(file, passwordSource(cli.io));
  const terms = await readTerms(desk, cli.clock);
  const { id, receipt } = await bindAlias(desk, terms, wallet, phone, cli.random);
  const { account } = file;
  cli.out.print(`payments to ${phone} now go to ${account}: final in block ${receipt.height}, id ${id}`, {
    phone,
    account,
    id,
    receipt,
  });
}

export async function releaseCommand(cli: CliContext, text: string, options: AliasOptions): Promise<void> {
  const phone = parsePhone(text);
  const file = await findWallet(cli.data, options.wallet);
  const client = (await Nodes.of(cli)).of(participantOf(file.account));
  const wallet = await unlockWallet(file, passwordSource(cli.io));
  const terms = await readTerms(client, cli.clock);
  const { id, receipt } = await releaseAlias(client, terms, wallet, phone, cli.random);
  const { account } = file;
  cli.out.print(`${phone} is released from ${account}: final in block ${receipt.height}, id ${id}`, {
    phone,
    account,
    id,
    receipt,
  });
}

export async function claimCommand(cli: CliContext, text: string, options: AliasOptions & BankOptions): Promise<void> {
  const phone = parsePhone(text);
  const file = await findWallet(cli.data, options.wallet);
  const desk = await (await Nodes.of(cli)).desk(participantOf(file.account), options, cli.io.env);
  const wallet = await unlockWallet(file, passwordSource(cli.io));
  const terms = await readTerms(desk, cli.clock);
  const { id, receipt } = await claimAlias(desk, terms, wallet, phone, cli.random);
  const { account } = file;
  const { claim } = await desk.alias(phone);
  const due = claim === null ? [] : [describeClaim(claim)];
  const done = `${phone} is claimed for ${account}: final in block ${receipt.height}, id ${id}`;
  cli.out.print([done, ...due].join('\n'), { phone, account, id, receipt, claim });
}

export interface RejectOptions extends AliasOptions, BankOptions {
  /** The account whose number it is, where its bank objects and not its key. */
  readonly account?: string;
}

/** By the holder's key; with `--account` by the holder's bank. */
export async function rejectCommand(cli: CliContext, text: string, options: RejectOptions): Promise<void> {
  const phone = parsePhone(text);
  const { account, done } =
    options.account === undefined
      ? await rejectByKey(cli, phone, options)
      : await rejectByBank(cli, phone, parseAccountId(options.account), options);
  const { id, receipt } = done;
  cli.out.print(`${phone} stays with ${account}: final in block ${receipt.height}, id ${id}`, {
    phone,
    account,
    id,
    receipt,
  });
}

interface Rejection {
  readonly account: AccountId;
  readonly done: Final;
}

async function rejectByKey(cli: CliContext, phone: string, options: AliasOptions): Promise<Rejection> {
  const file = await findWallet(cli.data, options.wallet);
  const client = (await Nodes.of(cli)).of(participantOf(file.account));
  const wallet = await unlockWallet(file, passwordSource(cli.io));
  const terms = await readTerms(client, cli.clock);
  return { account: file.account, done: await rejectClaim(client, terms, wallet, phone, cli.random) };
}

async function rejectByBank(
  cli: CliContext,
  phone: string,
  account: AccountId,
  options: BankOptions,
): Promise<Rejection> {
  const desk = await (await Nodes.of(cli)).desk(participantOf(account), options, cli.io.env);
  return { account, done: finalOf(await desk.operator.rejectClaim({ account, phone })) };
}

export async function resolveCommand(cli: CliContext, text: string): Promise<void> {
  const phone = parsePhone(text);
  const nodes = await Nodes.of(cli);
  const found = await nodes.ask((client) => client.alias(phone));
  const claimed = found.claim === null ? [] : [describeClaim(found.claim)];
  cli.out.print([`${phone} is ${found.account}`, ...claimed].join('\n'), { phone, ...found });
}

function describeClaim({ account, dueMs, lapsesMs }: ClaimJson): string {
  const window = `from ${describeTime(dueMs)} until ${describeTime(lapsesMs)}`;
  return `${account} claims it: it may be registered ${window}, unless the holder or its bank rejects the claim`;
}
