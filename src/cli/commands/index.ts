/**
 * The commands on the wallets' side of the network: what each takes. What it does is in a file of its own, loaded when it
 * runs, so that none of them slows down the start of a node.
 */
import { type Command, Option } from 'commander';
import type { CliContext, Register } from '../context.ts';
import type { BankOptions } from '../nodes.ts';
import type { AliasOptions, RejectOptions } from './alias.ts';
import type { OfficerOptions } from './money.ts';
import type { PayOptions } from './pay.ts';
import type { TransactionOptions } from './query.ts';
import type { VerifyOptions } from './receipt.ts';
import type { CreateOptions } from './wallet.ts';

export const registerWalletCommands: Register = (program, cli) => {
  registerWallet(program, cli);
  registerAlias(program, cli);
  registerPay(program, cli);
  registerMoney(program, cli);
  registerQueries(program, cli);
  registerReceipt(program, cli);
  program
    .command('demo')
    .description('watch a network of four banks at work: payments, a dead bank, an audit; in a temporary folder')
    .action(async () => (await import('../demo/demo.ts')).demo(cli));
};

function registerWallet(program: Command, cli: CliContext): void {
  const wallet = program.command('wallet').description('wallets on this machine: keys that sign payments');
  const create = wallet
    .command('create')
    .description('make a key and open its account <name>@<participant>')
    .argument('<name>', 'of the wallet and of its account')
    .requiredOption('--bank <participant>', 'where the account is')
    .option('--phone <number>', 'bind this phone number to it')
    .option('--display-name <name>', 'kept by the bank only')
    .option(
      '--tier <name>',
      'what the bank knows of the customer: basic, partial, full (the default in a local network)',
    )
    .option('--encrypt', 'encrypt the key with a password (the default, except in a local network)')
    .option('--no-encrypt', 'leave the key unencrypted: for development only');
  withBank(create).action(async (name: string, options: CreateOptions) => {
    await (await import('./wallet.ts')).createCommand(cli, name, options);
  });
  const tier = wallet
    .command('tier')
    .description('give an account another tier, which bounds what goes out in a day; its bank signs')
    .argument('<account>', 'an account or a wallet')
    .argument('<tier>', 'basic, partial, full');
  withBank(tier).action(async (account: string, name: string, options: BankOptions) => {
    await (await import('./wallet.ts')).tierCommand(cli, account, name, options);
  });
  wallet
    .command('list')
    .description('all wallets with their balances')
    .action(async () => (await import('./wallet.ts')).listCommand(cli));
  wallet
    .command('show')
    .description('one wallet: account, key, balances, what happened last')
    .argument('[name]', 'of the wallet; may be left out where there is one only')
    .action(async (name?: string) => (await import('./wallet.ts')).showCommand(cli, name));
}

function registerAlias(program: Command, cli: CliContext): void {
  const alias = program.command('alias').description('phone numbers that payments go to');
  const register = alias
    .command('register')
    .description('bind a phone number to a wallet; its bank attests it')
    .argument('<phone>', '+85512345678, or 012 345 678')
    .option('--wallet <name>', 'may be left out where there is one only');
  withBank(register).action(async (phone: string, options: AliasOptions & BankOptions) => {
    await (await import('./alias.ts')).registerCommand(cli, phone, options);
  });
  const claim = alias
    .command('claim')
    .description("claim a phone number that is bound to another account, such as a lost phone's; its bank attests it")
    .argument('<phone>', '+85512345678, or 012 345 678')
    .option('--wallet <name>', 'where it is to go; may be left out where there is one only');
  withBank(claim).action(async (phone: string, options: AliasOptions & BankOptions) => {
    await (await import('./alias.ts')).claimCommand(cli, phone, options);
  });
  const reject = alias
    .command('reject')
    .description('object to a claim of a phone number: by its wallet, or by the bank of its account')
    .argument('<phone>', '+85512345678, or 012 345 678')
    .option('--wallet <name>', 'whose number it is; may be left out where there is one only')
    .option('--account <account>', 'whose number it is, where the bank objects');
  withBank(reject).action(async (phone: string, options: RejectOptions) => {
    await (await import('./alias.ts')).rejectCommand(cli, phone, options);
  });
  alias
    .command('release')
    .description('free a phone number of a wallet')
    .argument('<phone>', '+85512345678, or 012 345 678')
    .option('--wallet <name>', 'may be left out where there is one only')
    .action(async (phone: string, options: AliasOptions) => {
      await (await import('./alias.ts')).releaseCommand(cli, phone, options);
    });
  alias
    .command('resolve')
    .description('the account behind a phone number')
    .argument('<phone>', '+85512345678, or 012 345 678')
    .action(async (phone: string) => (await import('./alias.ts')).resolveCommand(cli, phone));
}

function registerPay(program: Command, cli: CliContext): void {
  program
    .command('pay')
    .description('pay an account or a phone number, and wait until it is final')
    .argument('<payee>', 'an account like sophea@cnb, or a phone number')
    .argument('<amount>', 'a plain decimal number')
    .argument('<currency>', 'KHR, USD')
    .option('--from <wallet>', 'may be left out where there is one only')
    .option('--memo <text>', 'a few words to the payee, public to every participant', '')
    .option('--reference <text>', 'your own reference: the payment happens once, however often this is run')
    .option('--via <participant>', "submit through this bank instead of the payer's own")
    .option('--no-wait', 'do not wait until it is final')
    .option('--receipt <file>', 'keep the receipt in a new file')
    .action(async (payee: string, amount: string, currency: string, options: PayOptions) => {
      await (await import('./pay.ts')).payCommand(cli, { payee, amount, currency }, options);
    });
}

function registerMoney(program: Command, cli: CliContext): void {
  const money = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .argument('<participant>', 'whose settlement account')
      .argument('<amount>', 'a plain decimal number')
      .argument('<currency>', 'KHR, USD')
      .option('--officer-key <files...>', "key files of the officers; those in the central bank's home where absent");
  money('issue', 'create money in the settlement account of a participant; officers sign').action(
    async (participant: string, amount: string, currency: string, options: OfficerOptions) => {
      await (await import('./money.ts')).issueCommand(cli, { participant, amount, currency }, options);
    },
  );
  const redeem = money('redeem', 'destroy money of a settlement account; its participant and the officers sign');
  withBank(redeem).action(
    async (participant: string, amount: string, currency: string, options: OfficerOptions & BankOptions) => {
      await (await import('./money.ts')).redeemCommand(cli, { participant, amount, currency }, options);
    },
  );
  const fund = program
    .command('fund')
    .description("pay from a bank's settlement account to one of its customers")
    .argument('<account>', 'an account or a wallet')
    .argument('<amount>', 'a plain decimal number')
    .argument('<currency>', 'KHR, USD');
  withBank(fund).action(async (account: string, amount: string, currency: string, options: BankOptions) => {
    await (await import('./money.ts')).fundCommand(cli, { account, amount, currency }, options);
  });
}

function registerQueries(program: Command, cli: CliContext): void {
  program
    .command('balance')
    .description('what an account holds; all wallets where none is named')
    .argument('[account]', 'an account or a wallet')
    .action(async (account?: string) => (await import('./query.ts')).balanceCommand(cli, account));
  program
    .command('tx')
    .description('where a transaction stands, and who signed that')
    .argument('<id>', '64 hexadecimal digits')
    .option('--receipt <file>', 'keep the receipt in a new file')
    .action(async (id: string, options: TransactionOptions) => {
      await (await import('./query.ts')).transactionCommand(cli, id, options);
    });
  program
    .command('supply')
    .description('money issued, redeemed and circulating')
    .option('--audit', 'count all balances too', false)
    .action(async (options: { audit: boolean }) => (await import('./query.ts')).supplyCommand(cli, options.audit));
  program
    .command('status')
    .description('where each node stands')
    .action(async () => (await import('./query.ts')).statusCommand(cli));
}

function registerReceipt(program: Command, cli: CliContext): void {
  program
    .command('receipt')
    .description('receipts that convince without a network')
    .command('verify')
    .description('check a receipt offline, with the genesis and nothing else')
    .argument('<file>', 'a receipt that `pay` or `tx` kept')
    .option('--genesis <file>', 'that you trust; the one of the local network where absent')
    .action(async (file: string, options: VerifyOptions) => {
      await (await import('./receipt.ts')).verifyCommand(cli, file, options);
    });
}

/** What lets a bank's staff act, where no local network has it. */
function withBank(command: Command): Command {
  return command
    .addOption(new Option('--token <token>', "the bank's operator token (TONLE_TOKEN)"))
    .addOption(new Option('--home <folder>', "the bank's home folder: it has the token"));
}
