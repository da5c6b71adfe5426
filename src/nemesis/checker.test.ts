/** The checker is fed chains that are made up, each with one thing wrong, and has to say which; and one that is right. */
import { test } from 'tap';
import type { BlockJson, BlockTransactionJson, ReceiptJson } from '../api/types.ts';
import type { CommandJson } from '../codec/json.ts';
import { Checker } from './checker.ts';

const OFFICER = 'ab'.repeat(32);
const STRANGER = 'cd'.repeat(32);

interface Made {
  readonly checker: Checker;
  readonly blocks: readonly BlockJson[];
}

const khr = (value: string) => ({ currency: 'KHR', value });
const usd = (value: string) => ({ currency: 'USD', value });
const transfer = (from: string, to: string, amount: { currency: string; value: string }): CommandJson => {
  return { type: 'transfer', from, to, amount, alias: null, memo: '' };
};

/** Two accounts with money, and a payment that is refused. */
const HISTORY: readonly (readonly [id: string, status: number, commands: readonly CommandJson[]])[][] = [
  [
    ['issue', 0, [{ type: 'issue', to: 'settlement@aclb', amount: khr('1000') }]],
    ['dollars', 0, [{ type: 'issue', to: 'settlement@aclb', amount: usd('10.50') }]],
    ['open', 0, [{ type: 'openAccount', account: 'dara@aclb', publicKey: STRANGER, tier: null }]],
  ],
  [
    [
      'fund',
      0,
      [transfer('settlement@aclb', 'dara@aclb', khr('600')), transfer('settlement@aclb', 'dara@aclb', usd('2'))],
    ],
  ],
  [
    ['too much', 40, [transfer('dara@aclb', 'settlement@aclb', khr('601'))]],
    ['back', 0, [transfer('dara@aclb', 'settlement@aclb', khr('100'))]],
  ],
  [['redeem', 0, [{ type: 'redeem', from: 'settlement@aclb', amount: khr('500') }]]],
];

function receiptOf(id: string, height: number, index: number, code: number): ReceiptJson {
  const status = { code, name: code === 0 ? 'OK' : 'INSUFFICIENT_FUNDS' };
  return { transactionId: id, height, index, status, failedCommand: code === 0 ? null : 0, message: '' };
}

function blockOf(height: number, entries: (typeof HISTORY)[number], hash = `hash ${height}`): BlockJson {
  const transactions = entries.map(([id, code, commands], index): BlockTransactionJson => {
    const signatures = [{ publicKey: OFFICER, signature: '' }];
    const transaction = { version: 1, chainId: 'c', validUntilMs: 1, nonce: id, commands, signatures } as const;
    return { id, receipt: receiptOf(id, height, index, code), transaction };
  });
  const signatures = [0, 1, 3].map((validator) => ({ validator, signature: '' }));
  return {
    height,
    hash,
    header: {
      version: 1,
      chainId: 'c',
      height,
      timeMs: 1_000 * height,
      proposer: 'aclb',
      parentHash: `hash ${height - 1}`,
      validatorSetHash: '',
      batchesRoot: '',
      evidenceRoot: '',
      transactionsRoot: '',
      receiptsRoot: '',
      writesRoot: '',
      checkpointRoot: null,
    },
    certificate: { height, round: 0, blockHash: hash, signatures },
    batches: [],
    evidence: [],
    transactionCount: transactions.length,
    transactions,
  };
}

function make(): Made {
  const checker = new Checker({
    validators: 4,
    exponents: new Map([
      ['KHR', 0],
      ['USD', 2],
    ]),
    officers: { keys: [OFFICER], quorum: 1 },
    accounts: ['settlement@aclb'],
  });
  return { checker, blocks: HISTORY.map((entries, i) => blockOf(i + 1, entries)) };
}

/** Another last block for the third height. */
function withThird(entries: (typeof HISTORY)[number], hash?: string): readonly BlockJson[] {
  return make().blocks.map((block) => (block.height === 3 ? blockOf(3, entries, hash) : block));
}

function money(currency: string, issued: number, redeemed: number, balances: number) {
  const of = (minor: number) => ({ value: '', minor: String(minor) });
  return {
    currency,
    issued: of(issued),
    redeemed: of(redeemed),
    circulating: of(issued - redeemed),
    balances: of(balances),
  };
}

function feed(checker: Checker, chain: readonly BlockJson[], nodes = ['nbc', 'aclb']): void {
  for (const node of nodes) for (const block of chain) checker.block(node, block);
}

test('a chain that is right: nothing is found, and the books are what a person would count', async (t) => {
  const { checker, blocks } = make();
  checker.acknowledged(receiptOf('fund', 2, 0, 0), 'aclb');
  feed(checker, blocks);
  checker.acknowledged(receiptOf('too much', 3, 0, 40), 'nbc');
  checker.acknowledged(receiptOf('fund', 2, 0, 0), 'nbc');
  checker.nothingIsLost(checker.missing());
  checker.supply('nbc', 4, { supply: [money('KHR', 1_000, 500, 500), money('USD', 1_050, 0, 1_050)] });
  checker.supply('nbc', 2, { supply: [money('KHR', 1_000, 0, 1_000)] });
  checker.supply('nbc', 0, { supply: [money('KHR', 0, 0, 0)] });
  const balances = [
    { currency: 'KHR', value: '500', minor: '500' },
    { currency: 'USD', value: '2.00', minor: '200' },
  ];
  const dara = {
    account: 'dara@aclb',
    participant: 'aclb',
    publicKey: '',
    openedAtHeight: 1,
    tier: null,
    daily: [],
    balances,
  };
  checker.account('nbc', { ...dara, history: { entries: [], next: null } });
  t.strictSame(checker.violations, []);
  t.match(checker, { height: 4, transactions: 7, highestAcknowledged: 3 });
  checker.again('aclb');
  feed(checker, blocks, ['aclb']);
  t.strictSame(checker.violations, [], 'and again from the first block on');
});

const WRONG: readonly (readonly [name: string, violation: string, what: RegExp, wrong: (made: Made) => void])[] = [
  [
    'a fork',
    'fork',
    /height 3: aclb has other, others hash 3/,
    ({ checker, blocks }) => {
      feed(checker, blocks, ['nbc']);
      feed(checker, withThird(HISTORY[2]!, 'other').slice(0, 3), ['aclb']);
    },
  ],
  [
    'the same hash over another header',
    'fork',
    /other content under the same hash/,
    ({ checker, blocks }) => {
      feed(checker, blocks, ['nbc']);
      const [one] = blocks;
      checker.block('aclb', { ...one!, header: { ...one!.header, writesRoot: 'other' } });
    },
  ],
  [
    'a block on another parent',
    'brokenChain',
    /height 2/,
    ({ checker, blocks }) => {
      const [one, two] = blocks;
      checker.block('nbc', one!);
      checker.block('nbc', { ...two!, header: { ...two!.header, parentHash: 'other' } });
    },
  ],
  [
    'a block that is not the one of its height',
    'brokenChain',
    /at height 1 a block of height 2/,
    ({ checker, blocks }) => {
      checker.block('nbc', { ...blocks[1]!, certificate: blocks[0]!.certificate, hash: 'hash 1' });
    },
  ],
  [
    'a certificate of two of four, one of them twice',
    'weakCertificate',
    /2 of 4/,
    ({ checker, blocks }) => {
      const signatures = [0, 1, 1].map((validator) => ({ validator, signature: '' }));
      checker.block('nbc', { ...blocks[0]!, certificate: { ...blocks[0]!.certificate, signatures } });
    },
  ],
  [
    'a certificate of another block',
    'weakCertificate',
    /height 1/,
    ({ checker, blocks }) => {
      checker.block('nbc', { ...blocks[0]!, certificate: { ...blocks[0]!.certificate, blockHash: 'other' } });
    },
  ],
  [
    'evidence',
    'evidence',
    /names validator 2 at 1\/0 prevote/,
    ({ checker, blocks }) => {
      const first = {
        step: 'prevote',
        height: 1,
        round: 0,
        blockHash: 'x',
        validRound: null,
        validator: 2,
        signature: '',
      };
      const evidence = [{ first, second: { ...first, blockHash: 'y' } }] as BlockJson['evidence'];
      checker.block('nbc', { ...blocks[0]!, evidence });
    },
  ],
  [
    'a lost payment',
    'lostPayment',
    /gone, final by aclb/,
    ({ checker, blocks }) => {
      feed(checker, blocks);
      checker.acknowledged(receiptOf('gone', 4, 1, 0), 'aclb');
      checker.nothingIsLost(checker.missing());
    },
  ],
  [
    'another receipt than was given',
    'changedReceipt',
    /fund: aclb answered .*"index":1/,
    ({ checker, blocks }) => {
      checker.acknowledged(receiptOf('fund', 2, 1, 0), 'aclb');
      feed(checker, blocks);
    },
  ],
  [
    'two receipts of two banks',
    'changedReceipt',
    /back: aclb answered .*, nbc/,
    ({ checker }) => {
      checker.acknowledged(receiptOf('back', 3, 1, 0), 'aclb');
      checker.acknowledged(receiptOf('back', 4, 1, 0), 'nbc');
    },
  ],
  [
    'one node shows another receipt',
    'changedReceipt',
    /aclb shows for too much/,
    ({ checker, blocks }) => {
      feed(checker, blocks, ['nbc']);
      feed(checker, withThird([['too much', 0, HISTORY[2]![0]![2]], HISTORY[2]![1]!]), ['aclb']);
    },
  ],
  [
    'a payment that took effect twice',
    'paidTwice',
    /back again at height 4/,
    ({ checker, blocks }) => {
      feed(checker, [...blocks.slice(0, 3), blockOf(4, [['back', 0, HISTORY[2]![1]![2]]])]);
    },
  ],
  [
    'an expired payment that took effect',
    'lateEffect',
    /back was called expired/,
    ({ checker, blocks }) => {
      checker.expired('back', 'nbc');
      feed(checker, blocks);
    },
  ],
  [
    'money issued without an officer',
    'unauthorised',
    /issue changes the supply/,
    ({ checker, blocks }) => {
      const [one] = blocks;
      const transactions = one!.transactions.map((entry) => ({
        ...entry,
        transaction: { ...entry.transaction, signatures: [{ publicKey: STRANGER, signature: '' }] },
      }));
      checker.block('nbc', { ...one!, transactions });
    },
  ],
  [
    'money created by a command that nobody knows',
    'moneyCreated',
    /nobody knows/,
    ({ checker, blocks }) => {
      const mint = { type: 'mint', to: 'dara@aclb', amount: khr('1') } as unknown as CommandJson;
      feed(checker, [...blocks, blockOf(5, [['mint', 0, [mint]]])]);
    },
  ],
  [
    'money paid to nobody',
    'moneyCreated',
    /nobody@aclb was never opened/,
    ({ checker, blocks }) => {
      feed(checker, [...blocks, blockOf(5, [['away', 0, [transfer('dara@aclb', 'nobody@aclb', khr('1'))]]])]);
    },
  ],
  [
    'an amount below nothing',
    'moneyCreated',
    /an amount of "-5" KHR/,
    ({ checker, blocks }) => {
      feed(checker, [...blocks, blockOf(5, [['minus', 0, [transfer('dara@aclb', 'settlement@aclb', khr('-5'))]]])]);
    },
  ],
  [
    'balances that a node counts to more than was issued',
    'moneyCreated',
    /nbc counts balances of 501 KHR, 500 issued less redeemed/,
    ({ checker, blocks }) => {
      feed(checker, blocks);
      checker.supply('nbc', 4, { supply: [money('KHR', 1_000, 500, 501)] });
    },
  ],
  [
    'a supply that the blocks never gave',
    'otherBooks',
    /1001 issued and 500 redeemed/,
    ({ checker, blocks }) => {
      feed(checker, blocks);
      checker.supply('nbc', 4, { supply: [money('KHR', 1_001, 500, 501)] });
    },
  ],
  [
    'the supply of another block than the one it names',
    'otherBooks',
    /1000 issued and 500 redeemed of KHR after block 2,/,
    ({ checker, blocks }) => {
      feed(checker, blocks);
      checker.supply('nbc', 2, { supply: [money('KHR', 1_000, 500, 500)] });
    },
  ],
  [
    'a balance that the blocks do not give',
    'otherBooks',
    /501 KHR for dara@aclb, the blocks give 500/,
    ({ checker, blocks }) => {
      feed(checker, blocks);
      const balances = [{ currency: 'KHR', value: '501', minor: '501' }];
      const history = { entries: [], next: null };
      checker.account('nbc', {
        account: 'dara@aclb',
        participant: '',
        publicKey: '',
        openedAtHeight: 1,
        tier: null,
        daily: [],
        balances,
        history,
      });
    },
  ],
  [
    'a negative balance',
    'negativeBalance',
    /dara@aclb is left with -1 KHR/,
    ({ checker }) => {
      feed(checker, withThird([['too much', 0, HISTORY[2]![0]![2]]]).slice(0, 3));
    },
  ],
];

test('each thing that is wrong is named', async (t) => {
  for (const [name, violation, what, wrong] of WRONG) {
    const made = make();
    wrong(made);
    const [first] = made.checker.violations;
    t.match(first, { name: violation, what }, name);
  }
});
