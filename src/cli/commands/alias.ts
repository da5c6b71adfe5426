/** `tonle alias`: the phone numbers that payments to an account go to. */
import type { Client } from '../../api/client.ts';
import { parsePhone } from '../../api/phone.ts';
import { participantOf } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import type { Random } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { CliContext } from '../context.ts';
import { type BankDesk, type BankOptions, Nodes } from '../nodes.ts';
import { passwordSource } from '../password.ts';
import { type Binding, bindAlias, type Final, readTerms, releaseAlias, type Terms } from '../wallet.ts';
import { findWallet, unlockWallet, type Wallet } from '../wallet-files.ts';

export interface AliasOptions {
  readonly wallet?: string;
}

/** What a change of an alias takes. */
export interface Aliasing {
  readonly client: Client;
  readonly terms: Terms;
  readonly wallet: Wallet;
  readonly random: Random;
}

export async function registerCommand(
  cli: CliContext,
  text: string,
  options: AliasOptions & BankOptions,
): Promise<void> {
  const phone = parsePhone(text);
  const file = await findWallet(cli.data, options.wallet);
  const bank = participantOf(file.account);
  const nodes = await Nodes.of(cli);
  const desk = await nodes.desk(bank, options, cli.io.env);
  const aliasSecret = bindingSecret(desk, bank);
  const wallet = await unlockWallet(file, passwordSource(cli.io));
  const { client } = desk;
  const terms = await readTerms(client, cli.clock);
  const { id, receipt } = await bind({ client, terms, wallet, random: cli.random }, { phone, aliasSecret });
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

/** Binds a number to a wallet. */
export function bind({ client, terms, wallet, random }: Aliasing, binding: Binding): Promise<Final> {
  return bindAlias(client, terms, wallet, binding, random);
}

/** @throws CodedError `ALIAS_SECRET_NEEDED` where the desk does not have it. */
export function bindingSecret({ aliasSecret }: BankDesk, bank: ParticipantId): Uint8Array {
  if (aliasSecret !== null) return aliasSecret;
  throw new CodedError(
    'ALIAS_SECRET_NEEDED',
    `binding a number takes the secret that the members share: name the home folder of ${bank} with --home`,
  );
}
