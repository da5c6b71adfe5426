/**
 * What a stranger can know of the network: it is given blocks as every node shows them over HTTP, receipts as the banks
 * answered them, and audits as the nodes tell them, and holds all of it against each other and against books of its own
 * (`books.ts`). None of the ledger's code is used here. A violation is kept with a name and a sentence, and nothing throws.
 */
import { createHash } from 'node:crypto';
import type { AccountJson, BlockJson, ReceiptJson, SupplyJson } from '../api/types.ts';
import { Books } from './books.ts';

export const VIOLATIONS = {
  fork: 'two nodes have different blocks at one height',
  brokenChain: 'a block does not follow on the one before',
  weakCertificate: 'a block is shown as final with too few signatures',
  evidence: 'a bank is named for signing two things',
  paidTwice: 'one transaction stands on the chain twice',
  lostPayment: 'a payment that was acknowledged is not on the chain',
  changedReceipt: 'a receipt is not the one that was given',
  lateEffect: 'a transaction that was called expired is on the chain',
  moneyCreated: 'balances are not what was issued less what was redeemed',
  negativeBalance: 'an account holds less than nothing',
  unauthorised: 'money was issued without the officers',
  otherBooks: 'a node states another balance than the blocks give',
} as const;

export type ViolationName = keyof typeof VIOLATIONS;

export interface Violation {
  readonly name: ViolationName;
  readonly what: string;
}

export interface CheckerOptions {
  readonly validators: number;
  /** Decimal places of each currency's text form. */
  readonly exponents: ReadonlyMap<string, number>;
  /** Public keys of the officers, and how many of them it takes to issue. */
  readonly officers: { readonly keys: readonly string[]; readonly quorum: number };
  /** Accounts of the genesis. */
  readonly accounts: readonly string[];
}

/** One height, as whoever showed it first did. */
interface Page {
  readonly hash: string;
  /** Of header, transactions and receipts, to the letter. */
  readonly digest: string;
  readonly timeMs: number;
  readonly supply: ReadonlyMap<string, { readonly issued: bigint; readonly redeemed: bigint }>;
}

/** So many are told; a broken chain breaks everywhere. */
const MAX_VIOLATIONS = 100;

export class Checker {
  readonly violations: Violation[] = [];
  readonly #options: CheckerOptions;
  readonly #books: Books;
  /** From height 1 on. */
  readonly #pages: Page[] = [];
  /** By transaction id: the receipt on the chain, to the letter. */
  readonly #receipts = new Map<string, string>();
  readonly #acknowledged = new Map<string, { readonly text: string; readonly via: string }>();
  #highestAcknowledged = 0;
  readonly #expired = new Set<string>();
  /** The next height to be shown by each node. */
  readonly #next = new Map<string, number>();

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#books = new Books(options.exponents, options.accounts);
  }

  /** Heights known. */
  get height(): number {
    return this.#pages.length;
  }

  /** Height of the highest receipt that a bank gave. */
  get highestAcknowledged(): number {
    return this.#highestAcknowledged;
  }

  get transactions(): number {
    return this.#receipts.size;
  }

  /** The height that the node is to show next. */
  next(node: string): number {
    return this.#next.get(node) ?? 1;
  }

  /** The node is to show everything again: its data may be another. */
  again(node: string): void {
    this.#next.set(node, 1);
  }

  timeOf(height: number): number | null {
    return this.#pages[height - 1]?.timeMs ?? null;
  }

  receiptOf(id: string): ReceiptJson | null {
    const text = this.#receipts.get(id);
    return text === undefined ? null : (JSON.parse(text) as ReceiptJson);
  }

  /** The node came back through a snapshot: it shows no block below this height. What it shows is held against the others'. */
  beginsAt(node: string, height: number): void {
    this.#next.set(node, Math.max(this.next(node), height));
  }

  /** A whole block that `node` shows, of the height `next(node)`. */
  block(node: string, block: BlockJson): void {
    const height = this.next(node);
    this.#next.set(node, height + 1);
    this.#checkCertificate(node, height, block);
    const digest = digestOf({ ...block, certificate: null });
    const page = this.#pages[height - 1];
    if (page === undefined) this.#newPage(node, height, block, digest);
    else if (page.hash !== block.hash)
      this.#report('fork', `height ${height}: ${node} has ${block.hash}, others ${page.hash}`);
    else if (page.digest !== digest) this.#compare(node, height, block);
  }

  /** A bank said that it is final: success or refusal. */
  acknowledged(receipt: ReceiptJson, via: string): void {
    const id = receipt.transactionId;
    const text = textOf(receipt);
    const earlier = this.#acknowledged.get(id);
    if (earlier !== undefined && earlier.text !== text) {
      this.#report('changedReceipt', `${id}: ${earlier.via} answered ${earlier.text}, ${via} ${text}`);
    }
    if (this.#expired.has(id)) this.#report('lateEffect', `${id} was called expired, then final by ${via}`);
    this.#acknowledged.set(id, { text, via });
    this.#highestAcknowledged = Math.max(this.#highestAcknowledged, receipt.height);
    const onChain = this.#receipts.get(id);
    if (onChain !== undefined) this.#sameReceipt(id, { text, via }, onChain);
  }

  /** A bank said that it never took effect and never will. */
  expired(id: string, via: string): void {
    this.#expired.add(id);
    if (this.#receipts.has(id)) this.#report('lateEffect', `${via} calls ${id} expired, and it is on the chain`);
  }

  /** Acknowledged payments that are not on the chain so far. */
  missing(): readonly string[] {
    return [...this.#acknowledged.keys()].filter((id) => !this.#receipts.has(id));
  }

  /** Every block is read that there was when this was acknowledged: whatever is missing is lost. */
  nothingIsLost(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#receipts.has(id)) continue;
      this.#report('lostPayment', `${id}, final by ${this.#acknowledged.get(id)?.via ?? 'nobody'}, is on no chain`);
    }
  }

  /** @param height of the block after which the node counted; it must be known. */
  supply(node: string, height: number, { supply }: SupplyJson): void {
    const page = this.#pages[height - 1];
    for (const { currency, issued, redeemed, balances } of supply) {
      const circulating = BigInt(issued.minor) - BigInt(redeemed.minor);
      if (balances !== undefined && BigInt(balances.minor) !== circulating) {
        const sum = `balances of ${balances.minor} ${currency}, ${circulating} issued less redeemed`;
        this.#report('moneyCreated', `${node} counts ${sum} after block ${height}`);
      }
      const due = page?.supply.get(currency) ?? { issued: 0n, redeemed: 0n };
      if (due.issued === BigInt(issued.minor) && due.redeemed === BigInt(redeemed.minor)) continue;
      const stated = `${issued.minor} issued and ${redeemed.minor} redeemed of ${currency}`;
      this.#report('otherBooks', `${node} states ${stated} after block ${height}, which its blocks do not give`);
    }
  }

  /** What a node states of an account while it stands at the last height known. */
  account(node: string, { account, balances }: AccountJson): void {
    for (const { currency, minor } of balances) {
      const own = this.#books.balance(account, currency);
      if (BigInt(minor) === own) continue;
      this.#report('otherBooks', `${node} states ${minor} ${currency} for ${account}, the blocks give ${own}`);
    }
  }

  /** Accounts that hold or held anything. */
  accounts(): readonly string[] {
    return this.#books.accounts();
  }

  #newPage(node: string, height: number, block: BlockJson, digest: string): void {
    const before = this.#pages[height - 2];
    const { header } = block;
    const follows =
      before === undefined ? height === 1 : header.parentHash === before.hash && header.timeMs > before.timeMs;
    if (
      !follows ||
      header.height !== height ||
      block.height !== height ||
      block.transactions.length !== block.transactionCount
    ) {
      this.#report(
        'brokenChain',
        `${node} shows at height ${height} a block of height ${header.height} on ${header.parentHash}`,
      );
    }
    for (const { first } of block.evidence) {
      this.#report(
        'evidence',
        `height ${height} names validator ${first.validator} at ${first.height}/${first.round} ${first.step}`,
      );
    }
    for (const [index, { id, receipt, transaction }] of block.transactions.entries()) {
      if (this.#receipts.has(id)) this.#report('paidTwice', `${id} again at height ${height}`);
      if (receipt.transactionId !== id || receipt.height !== height || receipt.index !== index) {
        this.#report('changedReceipt', `${node} shows for ${id} at ${height}/${index} ${textOf(receipt)}`);
      }
      if (this.#expired.has(id)) this.#report('lateEffect', `${id} was called expired and is at height ${height}`);
      const text = textOf(receipt);
      this.#receipts.set(id, text);
      const acknowledged = this.#acknowledged.get(id);
      if (acknowledged !== undefined) this.#sameReceipt(id, acknowledged, text);
      if (receipt.status.code !== 0) continue;
      this.#checkOfficers(id, transaction);
      const problem = this.#books.apply(transaction.commands);
      if (problem !== null) this.#report(problem.name, `height ${height}, ${id}: ${problem.what}`);
    }
    for (const problem of this.#books.audit()) this.#report(problem.name, `height ${height}: ${problem.what}`);
    this.#pages.push({ hash: block.hash, digest, timeMs: header.timeMs, supply: this.#books.supply() });
  }

  /** Same hash, other content: which transaction, as far as it can be told. */
  #compare(node: string, height: number, { transactions }: BlockJson): void {
    const other = transactions.find(({ id, receipt }) => this.#receipts.get(id) !== textOf(receipt));
    if (other === undefined) this.#report('fork', `height ${height}: ${node} shows other content under the same hash`);
    else this.#report('changedReceipt', `height ${height}: ${node} shows for ${other.id} ${textOf(other.receipt)}`);
  }

  #checkCertificate(node: string, height: number, { certificate, hash }: BlockJson): void {
    const { validators } = this.#options;
    const signers = new Set(certificate.signatures.map(({ validator }) => validator));
    const known = [...signers].filter((index) => index >= 0 && index < validators);
    const isOfIt = certificate.height === height && certificate.blockHash === hash;
    // More than two thirds.
    if (isOfIt && known.length * 3 > validators * 2) return;
    this.#report(
      'weakCertificate',
      `${node} shows at height ${height} a certificate of ${known.length} of ${validators}`,
    );
  }

  #checkOfficers(id: string, { commands, signatures }: BlockJson['transactions'][number]['transaction']): void {
    if (!commands.some(({ type }) => type === 'issue' || type === 'redeem')) return;
    const { keys, quorum } = this.#options.officers;
    const signed = new Set(signatures.map(({ publicKey }) => publicKey).filter((key) => keys.includes(key)));
    if (signed.size < quorum)
      this.#report('unauthorised', `${id} changes the supply with ${signed.size} officers of ${quorum}`);
  }

  #sameReceipt(id: string, { text, via }: { readonly text: string; readonly via: string }, onChain: string): void {
    if (text !== onChain) this.#report('changedReceipt', `${id}: ${via} answered ${text}, the chain has ${onChain}`);
  }

  #report(name: ViolationName, what: string): void {
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push({ name, what });
  }
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(textOf(value)).digest('hex');
}

/** The same text for the same content, in whatever order its fields came. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
