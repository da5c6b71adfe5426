/**
 * Wallets and officers with a seed: they open accounts, issue and redeem, pay by account or by alias, pay more than they
 * have, hand one payment to two banks, and hand in again what was done long ago.
 */

import { toHex } from '../../codec/hex.ts';
import { settlementAccount } from '../../codec/text.ts';
import { sha256 } from '../../crypto/hash.ts';
import { chainIdOf, transactionId } from '../../crypto/ids.ts';
import { signTransaction } from '../../crypto/sign.ts';
import type {
  AccountId,
  AliasKey,
  ChainId,
  Command,
  Nonce,
  ParticipantId,
  Transaction,
  TransactionId,
} from '../../types/index.ts';
import type { Model } from '../checks/model.ts';
import type { Membership } from '../world/members.ts';
import { CURRENCIES, TIERS } from '../world/members.ts';
import type { Chance } from '../world/random.ts';

/** A transaction and the banks to hand it to. */
export interface Request {
  readonly id: TransactionId;
  readonly transaction: Transaction;
  readonly via: readonly ParticipantId[];
}

const WALLETS_A_BANK = 3;
const ALIASES = 6;
/** Some transactions expire in the midst of a storm. */
const VALID_FOR_MS = [3_000, 15_000, 15_000, 15_000];
const LAST_VALID_FOR_MS = 60_000;
/** So many old requests may be handed in again, finished or not. */
const MAX_OLD = 64;

export class Workload {
  readonly #chance: Chance;
  readonly #members: Membership;
  readonly #chainId: ChainId;
  readonly #ids: readonly ParticipantId[];
  readonly #model: Model;
  readonly #old: Request[] = [];
  #count = 0;

  constructor(chance: Chance, members: Membership, model: Model) {
    this.#chance = chance;
    this.#members = members;
    this.#chainId = chainIdOf(members.genesis);
    this.#ids = members.genesis.participants.map(({ id }) => id);
    this.#model = model;
  }

  /** What somebody asks for next. */
  next(nowMs: number): Request {
    const chance = this.#chance;
    const bank = chance.pick(this.#ids);
    const first = this.#count++;
    if (first < this.#ids.length) return this.#issue(this.#ids[first] ?? bank, nowMs);
    const [dice, wallets] = [chance.below(100), this.#wallets()];
    if (chance.happens(0.02)) return { ...chance.pick(this.#old), via: [bank] };
    if (wallets.length < 2 || dice < 6) return this.#open(bank, nowMs);
    if (dice < 10) return this.#issue(bank, nowMs);
    if (dice < 13) return this.#redeem(bank, nowMs);
    if (dice < 20) return this.#alias(chance.pick(wallets), nowMs);
    if (dice < 22) return this.#setTier(chance.pick(wallets), nowMs);
    if (dice < 42) return this.#transfer(settlementAccount(bank), chance.pick(wallets), nowMs);
    return this.#transfer(chance.pick(wallets), chance.pick(wallets), nowMs);
  }

  /** A payment that needs nothing but officers: for the end of a run. */
  lastPayment(bank: ParticipantId, nowMs: number): Request {
    return { ...this.#issue(bank, nowMs, LAST_VALID_FOR_MS), via: [bank] };
  }

  /** The bank to try next. */
  anotherBank(): ParticipantId {
    return this.#chance.pick(this.#ids);
  }

  #wallets(): AccountId[] {
    return this.#model.accounts.filter((id) => !id.startsWith('settlement@'));
  }

  #open(bank: ParticipantId, nowMs: number): Request {
    const account = `w${this.#chance.below(WALLETS_A_BANK)}@${bank}` as AccountId;
    const { publicKey } = this.#members.signer(`wallet/${account}`);
    const tier = this.#chance.pick(TIERS);
    return this.#request([`operator/${bank}`], [{ type: 'openAccount', account, publicKey, tier }], nowMs);
  }

  #setTier(account: AccountId, nowMs: number): Request {
    const tier = this.#chance.pick(TIERS);
    return this.#request([`operator/${bankOf(account)}`], [{ type: 'setTier', account, tier }], nowMs);
  }

  #issue(bank: ParticipantId, nowMs: number, validForMs?: number): Request {
    const to = settlementAccount(bank);
    const commands = CURRENCIES.map((currency): Command => {
      return { type: 'issue', to, amount: { currency, minor: BigInt(this.#chance.between(1, 50_000)) } };
    });
    return this.#request(['officer/1', 'officer/3'], commands, nowMs, validForMs);
  }

  #redeem(bank: ParticipantId, nowMs: number): Request {
    const amount = { currency: this.#chance.pick(CURRENCIES), minor: BigInt(this.#chance.between(1, 20_000)) };
    const commands: Command[] = [{ type: 'redeem', from: settlementAccount(bank), amount }];
    return this.#request(['officer/1', 'officer/2', `operator/${bank}`], commands, nowMs);
  }

  #alias(account: AccountId, nowMs: number): Request {
    const aliasKey = this.#anyAlias();
    const { owner, claim } = this.#model.alias(aliasKey);
    if (owner === null) return this.#sayOfAlias('registerAlias', aliasKey, account, nowMs);
    if (claim === null || this.#chance.happens(0.2)) {
      const isClaim = this.#chance.happens(0.7);
      return this.#sayOfAlias(isClaim ? 'claimAlias' : 'releaseAlias', aliasKey, isClaim ? account : owner, nowMs);
    }
    // Some register too early, some when the claim has lapsed.
    if (this.#chance.happens(0.7)) return this.#sayOfAlias('registerAlias', aliasKey, claim.account, nowMs);
    const holder = this.#chance.pick([ownerOf(owner), `operator/${bankOf(owner)}`]);
    return this.#request([holder], [{ type: 'rejectClaim', aliasKey, account: owner }], nowMs);
  }

  #sayOfAlias(
    type: 'registerAlias' | 'releaseAlias' | 'claimAlias',
    aliasKey: AliasKey,
    account: AccountId,
    nowMs: number,
  ): Request {
    return this.#request([ownerOf(account), `operator/${bankOf(account)}`], [{ type, aliasKey, account }], nowMs);
  }

  /** Mostly affordable; sometimes by alias, sometimes by one that was bound anew meanwhile. */
  #transfer(from: AccountId, to: AccountId, nowMs: number): Request {
    const chance = this.#chance;
    const currency = chance.pick(CURRENCIES);
    const has = Number(this.#model.balance(from, currency));
    const minor = BigInt(chance.between(1, Math.max(1, chance.happens(0.1) ? has + 1_000 : Math.ceil(has / 4))));
    const aliasKey = this.#anyAlias();
    const { owner, epoch } = this.#model.alias(aliasKey);
    const isByAlias = owner !== null && owner !== from && chance.happens(0.2);
    const alias = isByAlias ? { aliasKey, epoch } : null;
    const payee = isByAlias ? owner : to;
    const commands: Command[] = [{ type: 'transfer', from, to: payee, amount: { currency, minor }, alias, memo: '' }];
    return this.#request([ownerOf(from)], commands, nowMs);
  }

  #anyAlias(): AliasKey {
    return toHex(sha256(Uint8Array.of(this.#chance.below(ALIASES)))) as AliasKey;
  }

  #request(
    signers: readonly string[],
    commands: readonly Command[],
    nowMs: number,
    validForMs = this.#chance.pick(VALID_FOR_MS),
  ): Request {
    const nonce = toHex(this.#chance.bytes(16)) as Nonce;
    const validUntilMs = Math.floor(nowMs) + validForMs;
    const body = { version: 1, chainId: this.#chainId, validUntilMs, nonce, commands } as const;
    const transaction = signTransaction(body, [...new Set(signers)].map(this.#members.signer));
    const via = this.#chance.shuffled(this.#ids).slice(0, this.#chance.happens(0.1) ? 2 : 1);
    const request = { id: transactionId(body), transaction, via };
    this.#old.push(request);
    if (this.#old.length > MAX_OLD) this.#old.shift();
    return request;
  }
}

/** The name of an account's key. */
export function ownerOf(account: AccountId): string {
  return account.startsWith('settlement@') ? `operator/${bankOf(account)}` : `wallet/${account}`;
}

export function bankOf(account: AccountId): ParticipantId {
  return account.slice(account.indexOf('@') + 1) as ParticipantId;
}
