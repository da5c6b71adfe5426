/**
 * Makes the transactions of a story: who must sign what, with which nonce, for how long. All chance is out of the seed, so the
 * same story makes the same transactions, but for the chain's id and time.
 */
import { toHex } from '../../codec/hex.ts';
import { participantOf, settlementAccount } from '../../codec/text.ts';
import { chainIdOf } from '../../crypto/ids.ts';
import { signTransaction } from '../../crypto/sign.ts';
import { Chance } from '../../simulator/world/random.ts';
import type {
  AccountId,
  AliasReference,
  Amount,
  ChainId,
  Command,
  Nonce,
  ParticipantId,
  TierName,
  Transaction,
} from '../../types/index.ts';
import type { Engine, KeyName } from '../engine.ts';
import type { Action, Signers } from '../story.ts';

/** Commands, and the keys that the ledger asks for them. */
export interface Order {
  readonly commands: readonly Command[];
  readonly keys: readonly KeyName[];
}

export interface Payee {
  readonly to: AccountId;
  readonly amount: Amount;
  /** How the account was found, where it was by a phone number. */
  readonly alias?: AliasReference;
}

export type AliasDeed = Extract<Action, { type: 'alias' }>['deed'];

/** How long a transaction of a story stays valid unless it says otherwise: enough for an outage of some minutes. */
const VALID_FOR_MS = 600_000;

export class Teller {
  readonly #engine: Engine;
  readonly #chainId: ChainId;
  readonly #nonces: Chance;

  constructor(engine: Engine, seed: number) {
    this.#engine = engine;
    this.#chainId = chainIdOf(engine.genesis);
    this.#nonces = new Chance(seed, 'nonces');
  }

  /** @param instead who signs in the place of those who should; empty for these. */
  sign({ commands, keys }: Order, instead: Signers = [], validForMs = VALID_FOR_MS): Transaction {
    const names = instead.length === 0 ? keys : instead.map(keyOf);
    const validUntilMs = Math.floor(this.#engine.networkNow()) + validForMs;
    const nonce = toHex(this.#nonces.bytes(16)) as Nonce;
    const body = { version: 1, chainId: this.#chainId, validUntilMs, nonce, commands } as const;
    return signTransaction(
      body,
      [...new Set(names)].map((name) => this.#engine.signer(name)),
    );
  }

  /** As many officers as it takes. */
  officers(): readonly KeyName[] {
    const { quorum } = this.#engine.genesis.officers;
    return Array.from({ length: quorum }, (_, i): KeyName => `officer/${i + 1}`);
  }

  issue(bank: ParticipantId, amounts: readonly Amount[]): Order {
    const to = settlementAccount(bank);
    return { commands: amounts.map((amount) => ({ type: 'issue', to, amount })), keys: this.officers() };
  }

  redeem(bank: ParticipantId, amount: Amount): Order {
    const commands: Command[] = [{ type: 'redeem', from: settlementAccount(bank), amount }];
    return { commands, keys: [...this.officers(), `operator/${bank}`] };
  }

  open(account: AccountId, tier: TierName | null): Order {
    const { publicKey } = this.#engine.signer(`wallet/${account}`);
    const keys: readonly KeyName[] = [`operator/${participantOf(account)}`];
    return { commands: [{ type: 'openAccount', account, publicKey, tier }], keys };
  }

  /** From one account to others. */
  transfer(from: AccountId, each: readonly Payee[], memo = ''): Order {
    const commands = each.map(({ to, amount, alias = null }): Command => {
      return { type: 'transfer', from, to, amount, alias, memo };
    });
    const bank = participantOf(from);
    return { commands, keys: [from === settlementAccount(bank) ? `operator/${bank}` : `wallet/${from}`] };
  }

  alias(deed: AliasDeed, account: AccountId, phone: string): Order {
    const aliasKey = this.#engine.aliasKey(phone);
    const { type, bankSigns } = ALIAS_COMMANDS[deed];
    const wallet: KeyName = `wallet/${account}`;
    const keys: readonly KeyName[] = bankSigns ? [wallet, `operator/${participantOf(account)}`] : [wallet];
    return { commands: [{ type, aliasKey, account }], keys };
  }

  tier(account: AccountId, tier: TierName): Order {
    return { commands: [{ type: 'setTier', account, tier }], keys: [`operator/${participantOf(account)}`] };
  }
}

const ALIAS_COMMANDS = {
  bind: { type: 'registerAlias', bankSigns: true },
  release: { type: 'releaseAlias', bankSigns: false },
  claim: { type: 'claimAlias', bankSigns: true },
  reject: { type: 'rejectClaim', bankSigns: false },
} as const;

/** People sign with their wallets, banks with their operators' keys. */
function keyOf(name: string): KeyName {
  if (name.startsWith('officer/')) return name as KeyName;
  return name.includes('@') ? `wallet/${name}` : `operator/${name}`;
}
