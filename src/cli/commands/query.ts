/** `tonle balance`, `tx`, `supply` and `status`: looking, without changing anything. */

import type { Client } from '../../api/client.ts';
import { createClient } from '../../api/client.ts';
import { ApiError } from '../../api/client-errors.ts';
import type { CurrencySupplyJson, StatusJson, TransactionDetailsJson } from '../../api/types.ts';
import { withThousands } from '../../codec/amount.ts';
import { parseHash } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { describeCommand, describeSigners, describeTier, shortHash } from '../describe.ts';
import { accountNamed, holdingsTable, readAccount, readHoldings } from '../holdings.ts';
import { isSilence, Nodes } from '../nodes.ts';
import { assertNewFile, type Finality, readFinality, saveReceipt } from '../receipts.ts';
import { listWallets } from '../wallet-files.ts';

export interface TransactionOptions {
  readonly receipt?: string;
}

export async function balanceCommand(cli: CliContext, wanted: string | undefined): Promise<void> {
  const nodes = await Nodes.of(cli);
  const wallets = await listWallets(cli.data);
  if (wanted !== undefined) {
    const account = await accountNamed(cli.data, wanted);
    const { balances, tier, daily } = await readAccount(nodes, account, 1);
    const wallet = wallets.find((entry) => entry.account === account)?.name ?? null;
    const row = { wallet, account, phones: [], balances };
    const limits = tier === null ? [] : ['', `tier ${describeTier({ tier, daily })}`];
    cli.out.print([holdingsTable(cli.out, [row]), ...limits].join('\n'), { account, balances, tier, daily });
    return;
  }
  if (wallets.length === 0) throw new CodedError('USAGE', 'there is no wallet here; name an account, like dara@aclb');
  const holdings = await Promise.all(
    wallets.map(({ name, account }) => readHoldings(nodes, { account, wallet: name }, cli.io.env)),
  );
  cli.out.print(holdingsTable(cli.out, holdings), { accounts: holdings });
}

/** Asks every node that answers: one that is behind may not know yet what another one knows is final. */
export async function transactionCommand(
  cli: CliContext,
  text: string,
  { receipt: file }: TransactionOptions,
): Promise<void> {
  const id = parseHash(text);
  if (file !== undefined) await assertNewFile(file);
  const nodes = await Nodes.of(cli);
  const { client, details } = await findTransaction(nodes.all(), id);
  const finality = details.proof === null ? null : await readFinality(client, details.proof);
  if (file !== undefined) {
    if (details.proof === null) throw new CodedError('NOT_FINAL', `there is no receipt yet: ${details.message}`);
    await saveReceipt(file, details.proof);
  }
  cli.out.print(describeTransaction(details, finality, file), {
    ...details,
    signers: finality?.signers ?? null,
    validators: finality?.validators ?? null,
    receiptFile: file ?? null,
  });
}

export async function supplyCommand(cli: CliContext, audit: boolean): Promise<void> {
  const nodes = await Nodes.of(cli);
  const answer = await nodes.ask((client) => client.supply({ audit }), nodes.centralBank);
  const table = cli.out.table(answer.supply, [
    { title: 'Currency', value: (row) => row.currency },
    { title: 'Issued', align: 'right', value: (row) => withThousands(row.issued.value) },
    { title: 'Redeemed', align: 'right', value: (row) => withThousands(row.redeemed.value) },
    { title: 'Circulating', align: 'right', value: (row) => withThousands(row.circulating.value) },
    ...(audit ? [{ title: 'Sum of balances', align: 'right' as const, value: sumOfBalances }] : []),
  ]);
  cli.out.print(table, answer);
}

/** A node and what it says of itself; null where it does not answer. */
interface NodeRow {
  readonly participant: string;
  readonly url: string;
  readonly pid: number | null;
  readonly status: StatusJson | null;
}

export async function statusCommand(cli: CliContext): Promise<void> {
  const nodes = await Nodes.of(cli);
  const rows =
    cli.url === null
      ? await Promise.all(nodes.local.map((node) => localRow(node)))
      : [await onlyRow(createClient(cli.url))];
  const table = cli.out.table(rows, [
    { title: 'Node', value: (row) => row.participant },
    { title: 'Height', align: 'right', value: ({ status }) => (status === null ? '-' : String(status.height)) },
    { title: 'Block', value: ({ status }) => shortHash(status?.blockHash ?? '-') },
    { title: 'State', value: stateOf },
    { title: 'Peers', align: 'right', value: ({ status }) => (status === null ? '-' : String(status.peers.length)) },
    {
      title: 'Waiting',
      align: 'right',
      value: ({ status }) => (status === null ? '-' : String(status.pool.transactions)),
    },
    { title: 'API', value: (row) => row.url },
    ...(cli.url === null
      ? [{ title: 'Process', align: 'right' as const, value: (row: NodeRow) => String(row.pid ?? '-') }]
      : []),
  ]);
  const [first] = rows.flatMap(({ status }) => status ?? []);
  const head = first === undefined ? [] : [`network ${first.network}, chain ${first.chainId}`, ''];
  cli.out.print([...head, table].join('\n'), { nodes: rows });
}

interface Found {
  readonly client: Client;
  readonly details: TransactionDetailsJson;
}

async function findTransaction(clients: readonly Client[], id: string): Promise<Found> {
  const answers = await Promise.allSettled(
    clients.map(async (client): Promise<Found> => ({ client, details: await client.transaction(id) })),
  );
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const best = found.find(({ details }) => details.state === 'final') ?? found[0];
  if (best !== undefined) return best;
  const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  throw errors.find((error) => error instanceof ApiError && error.code === 'TRANSACTION_NOT_FOUND') ?? errors[0];
}

function describeTransaction(
  { id, state, receipt, transaction, message }: TransactionDetailsJson,
  finality: Finality | null,
  file: string | undefined,
): string {
  const commands = (transaction?.commands ?? []).map((command) => `  ${describeCommand(command)}`);
  if (receipt === null) return [`${state}: ${message}`, ...commands, `  id ${id}`].join('\n');
  const verdict = receipt.status.code === 0 ? 'final' : `refused, and nothing was done (${receipt.status.name})`;
  const signed = finality === null ? [] : [`  signed by ${describeSigners(finality.signers, finality.validators)}`];
  const kept = file === undefined ? [] : [`  receipt in ${file}`];
  return [
    `${verdict}: ${receipt.message}`,
    ...commands,
    `  block ${receipt.height}`,
    ...signed,
    `  id ${id}`,
    ...kept,
  ].join('\n');
}

function sumOfBalances({ balances }: CurrencySupplyJson): string {
  return balances === undefined ? '' : withThousands(balances.value);
}

async function localRow({ participant, apiUrl, pid }: Nodes['local'][number]): Promise<NodeRow> {
  try {
    return { participant, url: apiUrl, pid, status: await createClient(apiUrl).status() };
  } catch (error) {
    if (!isSilence(error)) throw error;
    return { participant, url: apiUrl, pid, status: null };
  }
}

async function onlyRow(client: Client): Promise<NodeRow> {
  const status = await client.status();
  return { participant: status.participant, url: client.baseUrl, pid: null, status };
}

function stateOf({ status }: NodeRow): string {
  if (status === null) return 'does not answer';
  const behind = status.highestKnownHeight - status.height;
  // One block is always under way.
  return behind > 1 ? `catching up, ${behind} blocks behind` : 'up';
}
