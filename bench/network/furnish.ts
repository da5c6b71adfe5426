/** Opens the accounts of a benchmark and gives them money, by transactions like any others: many commands in each. */
import { openSubmissionStream } from '../../src/api/stream-client.ts';
import { encodeFrame } from '../../src/codec/frames.ts';
import { MAX_COMMANDS } from '../../src/codec/limits.ts';
import { encode } from '../../src/codec/schema.ts';
import { settlementAccount } from '../../src/codec/text.ts';
import { transaction as transactionSchema } from '../../src/codec/transaction.ts';
import { createSigner, publicKeyOf } from '../../src/crypto/ed25519.ts';
import { signTransaction } from '../../src/crypto/sign.ts';
import { CodedError } from '../../src/errors.ts';
import type { Command, CurrencyCode, Nonce, ParticipantId, TierName } from '../../src/types/index.ts';
import type { BenchNetwork } from './bench-network.ts';
import { accountAt, accountSecret, bankOf, type People, secretOf } from './people.ts';

const KHR = 'KHR' as CurrencyCode;
/** As of the wallets of a local network, with Bakong's limits: each payment counts towards the payer's day. */
const TIER = 'full' as TierName;
/** Enough for ten thousand payments of a hundred riel. */
const FUNDS_MINOR = 1_000_000n;
/** Below the most that one command may issue. */
const ISSUE_MINOR = 50_000_000_000n;
/** One account takes two commands. */
const ACCOUNTS_A_TRANSACTION = MAX_COMMANDS / 2;
/** Large transactions that a bank has under way: each opening costs every node a check of its key, some 0.3 ms. */
const WINDOW = 8;
const VALID_MS = 600_000;

export async function furnish(
  network: BenchNetwork,
  people: People,
  onProgress: (opened: number) => void,
): Promise<void> {
  let opened = 0;
  await Promise.all(
    network.nodes().map(async ({ participant, apiUrl }, bank) => {
      const lane = new FurnishingLane(network, apiUrl);
      const mine = Math.ceil((people.accounts - bank) / people.banks.length);
      await lane.send(issueTo(participant, BigInt(mine) * FUNDS_MINOR));
      await lane.all();
      for (let first = 0; first < mine; first += ACCOUNTS_A_TRANSACTION) {
        const count = Math.min(ACCOUNTS_A_TRANSACTION, mine - first);
        const indexes = Array.from({ length: count }, (_, i) => bank + (first + i) * people.banks.length);
        await lane.send([openings(network, people, participant, indexes)]);
        opened += count;
        onProgress(opened);
      }
      await lane.all();
      lane.close();
    }),
  );
}

interface Unsigned {
  readonly signers: readonly string[];
  readonly commands: readonly Command[];
}

function issueTo(bank: ParticipantId, minor: bigint): Unsigned[] {
  const to = settlementAccount(bank);
  const found: Unsigned[] = [];
  for (let left = minor; left > 0n; left -= ISSUE_MINOR) {
    const amount = { currency: KHR, minor: left < ISSUE_MINOR ? left : ISSUE_MINOR };
    found.push({ signers: ['officer/1'], commands: [{ type: 'issue', to, amount }] });
  }
  return found;
}

function openings({ seed }: BenchNetwork, people: People, bank: ParticipantId, indexes: readonly number[]): Unsigned {
  const commands = indexes.flatMap((index): Command[] => {
    if (bankOf(people.banks.length, index) !== people.banks.indexOf(bank))
      throw new Error('an account of another bank');
    const account = accountAt(people, index);
    const publicKey = publicKeyOf(accountSecret(seed, index));
    const amount = { currency: KHR, minor: FUNDS_MINOR };
    return [
      { type: 'openAccount', account, publicKey, tier: TIER },
      { type: 'transfer', from: settlementAccount(bank), to: account, amount, alias: null, memo: '' },
    ];
  });
  return { signers: [`operator/${bank}`], commands };
}

/** Sends transactions through one bank, some at a time, and insists that each takes effect. */
class FurnishingLane {
  readonly #network: BenchNetwork;
  readonly #stream: ReturnType<typeof openSubmissionStream>;
  #open = 0;
  #failure: Error | null = null;
  #wake: () => void = () => undefined;
  static #count = 0;

  constructor(network: BenchNetwork, apiUrl: string) {
    this.#network = network;
    this.#stream = openSubmissionStream(apiUrl, {
      onAnswers: (answers) => {
        for (const answer of answers) {
          this.#open -= 1;
          if (answer.state !== 'final' || answer.status !== 'OK') {
            this.#failure ??= new CodedError(
              'BENCH_NOT_FURNISHED',
              `an opening was answered ${JSON.stringify(answer)}`,
            );
          }
        }
        this.#wake();
      },
      onEnd: (error) => {
        if (this.#open > 0) this.#failure ??= error ?? new Error('the stream ended');
        this.#wake();
      },
    });
  }

  async send(transactions: readonly Unsigned[]): Promise<void> {
    for (const unsigned of transactions) {
      await this.#until(() => this.#open < WINDOW);
      this.#open += 1;
      this.#stream.push(encodeFrame(this.#sign(unsigned)));
    }
  }

  async all(): Promise<void> {
    await this.#until(() => this.#open === 0);
  }

  close(): void {
    this.#stream.destroy();
  }

  #sign({ signers, commands }: Unsigned): Uint8Array {
    const { chainId, seed } = this.#network;
    const nonce = (FurnishingLane.#count++).toString(16).padStart(32, '0') as Nonce;
    const body = { version: 1, chainId, validUntilMs: Date.now() + VALID_MS, nonce, commands } as const;
    return encode(
      transactionSchema,
      signTransaction(
        body,
        signers.map((name) => createSigner(secretOf(seed, name))),
      ),
    );
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }
}
