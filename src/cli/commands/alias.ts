/** `tonle alias`: the phone numbers that payments to an account go to. */
import { parsePhone } from '../../api/phone.ts';
import { participantOf } from '../../codec/text.ts';
import type { CliContext } from '../context.ts';
import { type BankOptions, Nodes } from '../nodes.ts';
import { passwordSource } from '../password.ts';
import { bindAlias, readTerms, releaseAlias } from '../wallet.ts';
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

export async function resolveCommand(cli: CliContext, text: string): Promise<void> {
  const phone = parsePhone(text);
  const nodes = await Nodes.of(cli);
  const found = await nodes.ask((client) => client.alias(phone));
  cli.out.print(`${phone} is ${found.account}`, { phone, ...found });
}
