import t from 'tap';
import { createInlineVerifier } from '../crypto/verifier.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { issue, settlement, transactionOf } from '../testing/transactions.ts';
import { parseProofText, proofProblem, proofText } from './proof.ts';

const verifier = createInlineVerifier();

/** The receipt of one of several transactions in a block, and the genesis it stands under. */
async function provedReceipt() {
  const cluster = new Cluster();
  await cluster.startAll();
  const { node } = cluster.get('nbc');
  const all = [1n, 2n, 3n].map((minor) =>
    transactionOf(cluster.network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), minor)]),
  );
  const [, second] = await cluster.during(Promise.all(all.map((tx) => node.submit(tx))));
  if (second === undefined) throw new Error('nothing was submitted');
  await cluster.until(async () => (await node.standing(second.id)).state === 'final');
  const proof = await node.queries.proof(second.id);
  if (proof === null) throw new Error('no proof');
  await cluster.stop();
  return { proof, genesis: cluster.network.genesis };
}

t.test('a receipt convinces whoever has the genesis, and nobody else', async (t) => {
  const { proof, genesis } = await provedReceipt();
  t.equal(proofProblem(genesis, proof, verifier), null);
  t.strictSame(parseProofText(proofText(proof)), proof);
  const other = testNetwork(4, { checkpointInterval: 77 }).genesis;
  t.match(proofProblem(other, proof, verifier), /another network/);
});

t.test('each part that is exchanged is missed', async (t) => {
  const { proof, genesis } = await provedReceipt();
  const { receipt, certificate, header, transaction } = proof;
  const fewer = certificate.signatures.slice(0, 2);
  const [first, ...rest] = certificate.signatures;
  const cases: [Partial<typeof proof>, RegExp][] = [
    [{ receipt: { ...receipt, status: 40 } }, /not in that block/],
    [{ receipt: { ...receipt, index: receipt.index === 0 ? 1 : 0 } }, /not in that block/],
    [{ receipts: proof.receipts + 1 }, /not in that block/],
    [{ path: [] }, /not in that block/],
    [{ header: { ...header, timeMs: header.timeMs + 1 } }, /another block/],
    [{ certificate: { ...certificate, signatures: fewer } }, /too few/],
    [{ certificate: { ...certificate, signatures: [...rest, ...rest] } }, /too few|twice/],
    [{ certificate: { ...certificate, round: certificate.round + 1 } }, /does not verify/],
    [
      {
        certificate: {
          ...certificate,
          signatures: [...rest, { validator: 30, signature: first?.signature ?? new Uint8Array(64) }],
        },
      },
      /too few/,
    ],
    [{ transaction: { ...transaction, body: { ...transaction.body, validUntilMs: 1 } } }, /another transaction/],
    [
      {
        transaction: {
          ...transaction,
          signatures: transaction.signatures.map((s) => ({ ...s, signature: new Uint8Array(64) })),
        },
      },
      /transaction does not verify/,
    ],
  ];
  for (const [change, problem] of cases) t.match(proofProblem(genesis, { ...proof, ...change }, verifier), problem);
});

t.test('a receipt file with any one byte changed is refused', async (t) => {
  const { proof, genesis } = await provedReceipt();
  const bytes = Buffer.from(proofText(proof));
  const accepted: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 4, 32]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      if (convinces(changed.toString('utf8'), genesis)) accepted.push(at);
    }
  }
  t.strictSame(accepted, [], `${bytes.length} bytes, three changes each`);
  for (const text of [
    '',
    '{}',
    proofText(proof).trim(),
    `${proofText(proof)} `,
    '"proof":"00"',
    'x'.repeat(1_000_000),
  ]) {
    t.throws(() => parseProofText(text), { code: 'RECEIPT_MALFORMED' });
  }
});

function convinces(text: string, genesis: Parameters<typeof proofProblem>[0]): boolean {
  try {
    return proofProblem(genesis, parseProofText(text), verifier) === null;
  } catch {
    return false;
  }
}
