/** The last question to each honest bank: does it still know what any bank called final? */
import type { TransactionId } from '../../types/index.ts';
import type { Machine } from '../world/machine.ts';

/** @param acknowledged `height/index/status` by transaction. @returns what the bank does not know, or knows otherwise. */
export async function findForgotten(
  { id, node, chain }: Machine,
  acknowledged: ReadonlyMap<TransactionId, string>,
): Promise<string | null> {
  const from = chain?.knownFrom ?? 1;
  for (const [transaction, receipt] of acknowledged) {
    // What lies before the snapshot that a bank came back with, it does not tell.
    if (Number(receipt.split('/', 1)[0]) < from) continue;
    const standing = await node?.standing(transaction);
    if (standing?.state !== 'final') return `${id} does not know ${transaction}`;
    const { height, index, status } = standing.receipt;
    const text = `${height}/${index}/${status}`;
    if (text !== receipt) return `${id} has ${text} for ${transaction}`;
  }
  return null;
}
