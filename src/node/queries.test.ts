/** Audits: each is of one block, which it names, whatever happens to the chain while it is read. */
import t from 'tap';
import type { HeldState, StateStore } from '../ports.ts';
import type { Alter } from '../simulator/world/machine.ts';
import { Cluster } from '../testing/cluster.ts';
import { KHR, testNetwork } from '../testing/genesis.ts';
import { BLOCKS, grown, INTERVAL, level, OFFICERS } from '../testing/joining.ts';
import { issue, open, redeem, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { BlockHash, Command } from '../types/index.ts';
import { chunksOf } from './snapshot.ts';

const NBC = ['operator/nbc'];
/** More than two pages of the store have, so that their balances lie on several. */
const WALLETS = Array.from({ length: 2_304 }, (_, n) => `w${1_000 + n}@nbc`);
const LAST = 'w3303@nbc';

/** Everything about one store that these tests change. */
class Rig {
  /** What each page of a reading waits for. */
  betweenPages: (() => Promise<void>) | null = null;
  /** Whether a page is of the state of the moment it is asked for, as it would be without a snapshot. */
  isTorn = false;
  afterApply: (() => Promise<void>) | null = null;

  readonly alter: Alter = (ports) => {
    const hold = ports.store.hold.bind(ports.store);
    const apply = ports.store.apply.bind(ports.store);
    ports.store.hold = (read) => {
      if (this.betweenPages === null) return hold(read);
      return hold((state) => {
        const pages = this.#slow(this.isTorn ? torn(hold) : state.pages);
        return read({ height: state.height, pages, chunks: chunksOf(pages) });
      });
    };
    ports.store.apply = async (...block) => {
      await apply(...block);
      await this.afterApply?.();
    };
    return ports;
  };

  async *#slow(pages: HeldState['pages']) {
    for await (const page of pages) {
      yield page;
      await this.betweenPages?.();
    }
  }
}

async function* torn(hold: StateStore['hold']) {
  for (let at = 0; ; at++) {
    const all = await hold(async ({ pages }) => {
      const found: HeldState['pages'] extends AsyncIterable<infer Page> ? Page[] : never = [];
      for await (const page of pages) found.push(page);
      return found;
    });
    const page = all[at];
    if (page === undefined) return;
    yield page;
  }
}

/** A network of one whose state is some pages long, and money in each wallet. */
async function rich(rig: Rig) {
  const cluster = new Cluster(testNetwork(1, { checkpointInterval: 1_000 }), undefined, rig.alter);
  await cluster.startAll();
  const { node, chain } = cluster.get('nbc');
  const final = async (signers: string[], commands: readonly Command[]) => {
    const { id } = await cluster.during(node.submit(transactionOf(cluster.network, signers, commands)));
    await cluster.until(async () => (await node.standing(id)).state === 'final');
  };
  await final(OFFICERS, [issue(settlement('nbc'), 100_000n)]);
  for (let at = 0; at < WALLETS.length; at += 128) {
    const some = WALLETS.slice(at, at + 128);
    await final(
      NBC,
      some.map((id) => open(cluster.network, id)),
    );
    await final(
      NBC,
      some.map((id) => transfer(settlement('nbc'), id, 10n)),
    );
  }
  /** Money goes from the first page of balances to the last; some is made and some destroyed. */
  const move = async () => {
    await final(['wallet/w1000'], [transfer('w1000@nbc', LAST, 1n)]);
    await final(OFFICERS, [issue(settlement('nbc'), 7n)]);
    await final([...OFFICERS, ...NBC], [redeem(settlement('nbc'), 3n)]);
  };
  return { cluster, queries: node.queries, chain, move };
}

t.test('books and head are of the block they name, while blocks follow each other between the pages', async (t) => {
  const rig = new Rig();
  const { cluster, queries, chain, move } = await rich(rig);
  const before = { head: await queries.head(), books: await queries.books() };
  const { height } = chain.tip;
  t.match(before, { head: { height, hash: chain.tip.hash }, books: { height } });
  t.strictSame(before.books.currencies.get(KHR), { issuedMinor: 100_000n, redeemedMinor: 0n, sumMinor: 100_000n });
  let heights = new Set<number>();
  const audits = async () => {
    heights = new Set();
    rig.betweenPages = async () => {
      const { height } = chain.tip;
      heights.add(height);
      await cluster.until(() => chain.tip.height > height);
    };
    const under = [queries.head(), queries.books()] as const;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    const all = Promise.all(under);
    all.then(over, over);
    while (!isOver) await move();
    rig.betweenPages = null;
    return await all;
  };
  const [head, books] = await audits();
  t.strictSame({ head, books }, before);
  t.ok(heights.size >= 3, `blocks came at ${heights.size} places between pages`);
  t.ok(chain.tip.height >= height + 3);

  rig.isTorn = true;
  const [, { currencies }] = await audits();
  const { issuedMinor = 0n, redeemedMinor = 0n, sumMinor = 0n } = currencies.get(KHR) ?? {};
  t.not(sumMinor, issuedMinor - redeemedMinor, 'pages of several heights do not add up');
  rig.isTorn = false;
  const {
    issuedMinor: issued = 0n,
    redeemedMinor: redeemed = 0n,
    sumMinor: sum,
  } = (await queries.books()).currencies.get(KHR) ?? {};
  t.equal(sum, issued - redeemed);
  await cluster.stop();
});

t.test('a head has the hash of its block also before the chain says that it has come to it', async (t) => {
  const rig = new Rig();
  const cluster = new Cluster(testNetwork(1), undefined, rig.alter);
  await cluster.startAll();
  const { node, chain } = cluster.get('nbc');
  const seen: { height: number; hash: BlockHash | null; tip: number }[] = [];
  rig.afterApply = async () => {
    const { height, hash } = await node.queries.head();
    seen.push({ height, hash, tip: chain.tip.height });
  };
  for (let height = 1; height <= 3; height++) {
    await cluster.during(node.submit(transactionOf(cluster.network, OFFICERS, [issue(settlement('nbc'), 1n)])));
    await cluster.allAt(height);
  }
  t.equal(seen.length, 3);
  for (const [at, { height, hash, tip }] of seen.entries()) {
    t.strictSame([height, tip], [at + 1, at]);
    t.equal(hash, (await chain.read(height))?.certificate.blockHash);
  }
  await cluster.stop();
});

t.test(
  'a chain that begins at a snapshot: who reads already reads on, and who asks meanwhile is told of the new state',
  async (t) => {
    const begun = { clears: 0, asked: [] as Promise<{ height: number; hash: BlockHash | null }>[] };
    const cluster = new Cluster(testNetwork(4, { checkpointInterval: INTERVAL }), undefined, (ports, self) => {
      const { store } = ports;
      const clear = store.clear.bind(store);
      const seal = store.seal.bind(store);
      const ask = () => begun.asked.push(cluster.get(self).node.queries.head());
      store.clear = async () => {
        begun.clears += 1;
        ask();
        await clear();
        ask();
      };
      store.seal = async (...at) => {
        ask();
        await seal(...at);
      };
      return ports;
    });
    await grown(cluster);
    cluster.wipe('wing');
    const { chain } = await cluster.start('wing');
    const wait = Promise.withResolvers<void>();
    const old = chain.hold(async ({ height, hash, pages }) => {
      await wait.promise;
      let entries = 0;
      for await (const page of pages) entries += page.length;
      return { height, hash, entries };
    });
    await level(cluster);
    wait.resolve();
    t.strictSame(await old, { height: 0, hash: null, entries: 4 });
    t.equal(begun.clears, 1);
    t.equal(begun.asked.length, 3);
    for (const head of await Promise.all(begun.asked)) {
      t.ok(head.height > 0 && head.height <= BLOCKS);
      t.equal(head.hash, (await cluster.get('nbc').chain.read(head.height))?.certificate.blockHash);
    }
    t.strictSame(await cluster.get('wing').node.queries.head(), await cluster.get('nbc').node.queries.head());
    await cluster.stop();
  },
);
