import t from 'tap';
import type { NodeEvent } from '../node/events.ts';
import type { Facts, Logger } from '../ports.ts';
import { Cluster } from '../testing/cluster.ts';
import { issue, settlement, transactionOf } from '../testing/transactions.ts';
import { createDiary, logEvent } from './log.ts';

t.test('at debug level the diary has all that it takes to follow a payment', async (t) => {
  const cluster = new Cluster();
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  const { node, events } = cluster.get('nbc');
  const transaction = transactionOf(cluster.network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1n)]);
  const { id } = await cluster.during(node.submit(transaction));
  await cluster.allAt(1);
  const lines = written(events);
  const [[, { digest }]] = lines.filter(([name]) => name === 'node.batched') as [[string, Facts]];
  t.match(lines, [
    ['node.batched', { digest: /^[0-9a-f]{64}$/, transactions: [id] }],
    ['node.proposal', { height: 1, round: 0, blockHash: /^[0-9a-f]{64}$/, proposer: 'aclb', batches: [digest] }],
    ['node.voted', { step: 'prevote', height: 1, round: 0, blockHash: /^[0-9a-f]{64}$/ }],
    ['node.voted', { step: 'precommit', height: 1, round: 0, blockHash: /^[0-9a-f]{64}$/ }],
    [
      'node.committed',
      {
        height: 1,
        blockHash: /^[0-9a-f]{64}$/,
        timeMs: Number,
        round: 0,
        proposer: 'aclb',
        via: 'consensus',
        transactions: [{ id, status: 0 }],
        accused: [],
      },
    ],
  ]);
  const [[, { signers }]] = lines.filter(([name]) => name === 'node.committed') as [[string, Facts]];
  t.ok((signers as readonly string[]).length >= 3);
  t.match(written(cluster.get('wing').events), [['node.batchHeld', { digest, author: 'nbc' }]]);
});

t.test('facts of debug lines that nobody reads are not put together', async (t) => {
  let asked = 0;
  createDiary('info', 'nbc').log.debug('node.batched', () => {
    asked += 1;
    return {};
  });
  t.equal(asked, 0);
});

/** The lines that these events make, but for those of rounds and peers. */
function written(events: readonly NodeEvent[]): [string, Facts][] {
  const lines: [string, Facts][] = [];
  const log: Logger = {
    debug: (name, facts = {}) => lines.push([name, typeof facts === 'function' ? facts() : facts]),
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  for (const event of events) logEvent(log, event);
  return lines.filter(([name]) => !['node.round', 'node.peer'].includes(name));
}
