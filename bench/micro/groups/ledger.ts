/** What a payment costs when it is admitted, and in its block, roots included. */
import { assert } from '../../../src/errors.ts';
import { applyBlock, check, touchedKeys } from '../../../src/ledger/ledger.ts';
import { pure } from '../group.ts';
import { Town } from '../town.ts';

export const ledgerGroup = pure('ledger', () => {
  const town = new Town();
  const payments = town.payments(1_000);
  const [first] = payments;
  assert(first !== undefined, 'there are payments');
  const { rules } = town;
  const { height, timeMs } = town.blockInput([]);
  const view = town.view([first]);
  return [
    {
      name: 'check one transfer',
      run: () => assert(check(rules, view, first, timeMs, height).status === 'OK', 'the payer can pay'),
    },
    { name: 'keys that 1,000 transfers touch', run: () => touchedKeys(payments) },
    ...[1, 100, 1_000].map((count) => {
      const input = town.blockInput(payments.slice(0, count));
      const needed = town.view(input.transactions);
      const run = () => assert(applyBlock(rules, needed, input).receipts.length === count, 'each gets a receipt');
      return { name: `apply a block of ${count === 1 ? 'one transfer' : `${count} transfers`}`, run };
    }),
  ];
});
