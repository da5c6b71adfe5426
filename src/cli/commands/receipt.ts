/** `tonle receipt verify`: convinces with a file and the genesis, when every node is down. */
import { parseGenesis } from '../../codec/genesis-json.ts';
import { CodedError } from '../../errors.ts';
import type { Genesis } from '../../types/index.ts';
import type { CliContext } from '../context.ts';
import { homePaths } from '../home.ts';
import { readLocalNetwork } from '../local-network.ts';
import { describeReceipt, readText, verifyReceipt } from '../receipts.ts';

export interface VerifyOptions {
  readonly genesis?: string;
}

export async function verifyCommand(cli: CliContext, file: string, options: VerifyOptions): Promise<void> {
  const text = await readText(file);
  const genesis = await readTrustedGenesis(cli, options);
  const receipt = verifyReceipt(genesis, text);
  cli.out.print(describeReceipt(receipt), { valid: true, ...receipt });
}

async function readTrustedGenesis({ data }: CliContext, { genesis }: VerifyOptions): Promise<Genesis> {
  const file = genesis ?? (await localGenesis(data));
  try {
    return parseGenesis(await readText(file));
  } catch (cause) {
    if (!(cause instanceof CodedError) || cause.code === 'FILE_UNUSABLE') throw cause;
    throw new CodedError('GENESIS_INVALID', `${file}: ${cause.message}`, { cause });
  }
}

async function localGenesis(data: string): Promise<string> {
  const [node] = (await readLocalNetwork(data)).nodes;
  if (node === undefined) throw new CodedError('USAGE', 'name the genesis that you trust with --genesis');
  return homePaths(node.home).genesis;
}
