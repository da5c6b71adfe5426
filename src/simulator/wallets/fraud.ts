/**
 * What people try who have no right to it: each request is one that no ledger may carry out, and that comes close to one it
 * would. Honest banks refuse them when they are asked; a dishonest one can put them in its batches.
 */
import { toHex } from '../../codec/hex.ts';
import { settlementAccount } from '../../codec/text.ts';
import { chainIdOf, transactionId } from '../../crypto/ids.ts';
import { signTransaction } from '../../crypto/sign.ts';
import type {
  AccountId,
  AliasKey,
  ChainId,
  Command,
  CurrencyCode,
  Nonce,
  ParticipantId,
  TierName,
  Transaction,
  TransactionId,
} from '../../types/index.ts';
import type { Model } from '../checks/model.ts';
import type { Membership } from '../world/members.ts';
import { CURRENCIES, MAX_AMOUNT_MINOR, MAX_VALIDITY_MS } from '../world/members.ts';
import type { Chance } from '../world/random.ts';
import { bankOf, ownerOf } from './workload.ts';

const VALID_FOR_MS = 60_000;
const FULL = 'full' as TierName;

/** Commands and the names of the keys that sign them. */
interface Attempt {
  readonly signers: readonly string[];
  readonly commands: readonly Command[];
  readonly validForMs?: number;
}

interface Scene {
  readonly payer: AccountId;
  readonly payee: AccountId;
  readonly bank: ParticipantId;
  readonly currency: CurrencyCode;
  readonly has: bigint;
  readonly alias: Model['bound'][number] | null;
  /** What the payer may still pay out today; null where nothing bounds it. */
  readonly left: bigint | null;
  readonly publicKey: (name: string) => ReturnType<Membership['signer']>['publicKey'];
}

export class Fraud {
  readonly #chance: Chance;
  readonly #members: Membership;
  readonly #model: Model;
  readonly #chainId: ChainId;

  constructor(chance: Chance, members: Membership, model: Model) {
    this.#chance = chance;
    this.#members = members;
    this.#model = model;
    this.#chainId = chainIdOf(members.genesis);
  }

  /** Somebody's next try, with good signatures of whoever signs. */
  next(nowMs: number): { readonly id: TransactionId; readonly transaction: Transaction } {
    const attempt = this.#chance.pick(TRICKS)(this.#scene(nowMs));
    const { signers, commands, validForMs = VALID_FOR_MS } = attempt ?? ISSUE_ALONE(this.#scene(nowMs));
    const nonce = toHex(this.#chance.bytes(16)) as Nonce;
    const validUntilMs = Math.floor(nowMs) + validForMs;
    const body = { version: 1, chainId: this.#chainId, validUntilMs, nonce, commands } as const;
    return {
      id: transactionId(body),
      transaction: signTransaction(body, [...new Set(signers)].map(this.#members.signer)),
    };
  }

  /** The same with a signature that is none: whoever does not check it takes it for the payer's. */
  forged(nowMs: number): Transaction {
    const scene = this.#scene(nowMs);
    const nonce = toHex(this.#chance.bytes(16)) as Nonce;
    const commands = [transfer(scene, scene.has > 0n ? 1n : 0n)];
    const validUntilMs = Math.floor(nowMs) + VALID_FOR_MS;
    const body = { version: 1, chainId: this.#chainId, validUntilMs, nonce, commands } as const;
    const { signatures, ...rest } = signTransaction(body, [this.#members.signer(ownerOf(scene.payer))]);
    return { ...rest, signatures: signatures.map((entry) => ({ ...entry, signature: this.#chance.bytes(64) })) };
  }

  #scene(nowMs: number): Scene {
    const chance = this.#chance;
    const accounts = this.#model.accounts;
    const currency = chance.pick(CURRENCIES);
    const rich = accounts.filter((id) => this.#model.balance(id, currency) > 0n);
    const payer = chance.pick(rich.length > 0 ? rich : accounts);
    const others = accounts.filter((id) => id !== payer);
    const payee = chance.pick(others.length > 0 ? others : accounts);
    const bound = this.#model.bound.filter(({ owner }) => owner !== payer);
    return {
      payer,
      payee,
      bank: chance.pick(this.#members.genesis.participants).id,
      currency,
      has: this.#model.balance(payer, currency),
      left: this.#model.left(payer, currency, nowMs),
      alias: bound.length > 0 ? chance.pick(bound) : null,
      publicKey: (name) => this.#members.signer(name).publicKey,
    };
  }
}

/** Null where there is nothing to try it on yet. */
type Trick = (scene: Scene) => Attempt | null;

const ISSUE_ALONE = ({ bank, currency }: Scene): Attempt => ({
  signers: ['officer/2'],
  commands: [{ type: 'issue', to: settlementAccount(bank), amount: { currency, minor: 1_000n } }],
});

const TRICKS: readonly Trick[] = [
  ISSUE_ALONE,
  // A bank's own signature is no officer's.
  ({ bank, currency }) => ({
    signers: ['officer/1', `operator/${bank}`],
    commands: [{ type: 'issue', to: settlementAccount(bank), amount: { currency, minor: 1_000n } }],
  }),
  // The officers without the bank, the bank with one officer.
  ({ bank, currency }) => ({
    signers: ['officer/1', 'officer/3'],
    commands: [{ type: 'redeem', from: settlementAccount(bank), amount: { currency, minor: 1n } }],
  }),
  ({ bank, currency }) => ({
    signers: ['officer/1', `operator/${bank}`],
    commands: [{ type: 'redeem', from: settlementAccount(bank), amount: { currency, minor: 1n } }],
  }),
  // The payee takes what is the payer's.
  (scene) => ({ signers: [ownerOf(scene.payee)], commands: [transfer(scene, 1n)] }),
  // A unit more than there is, alone and after a payment that could be made.
  (scene) => ({ signers: [ownerOf(scene.payer)], commands: [transfer(scene, scene.has + 1n)] }),
  (scene) => ({ signers: [ownerOf(scene.payer)], commands: [transfer(scene, 1n), transfer(scene, scene.has)] }),
  (scene) => ({ signers: [ownerOf(scene.payer)], commands: [transfer({ ...scene, payee: scene.payer }, 1n)] }),
  (scene) => ({ signers: [ownerOf(scene.payer)], commands: [transfer(scene, 0n)] }),
  (scene) => ({ signers: [ownerOf(scene.payer)], commands: [transfer(scene, MAX_AMOUNT_MINOR + 1n)] }),
  (scene) => ({ signers: [ownerOf(scene.payer)], commands: [transfer(scene, 1n)], validForMs: -1 }),
  (scene) => ({
    signers: [ownerOf(scene.payer)],
    commands: [transfer(scene, 1n)],
    validForMs: MAX_VALIDITY_MS + VALID_FOR_MS,
  }),
  // A phone number that changed hands since, one that is somebody else's.
  (scene) => {
    const { alias, payer } = scene;
    if (alias === null) return null;
    const { aliasKey, owner, epoch } = alias;
    const stale = { aliasKey, epoch: epoch > 1 ? epoch - 1 : epoch + 1 };
    return { signers: [ownerOf(payer)], commands: [{ ...transfer({ ...scene, payee: owner }, 1n), alias: stale }] };
  },
  ({ alias, payer }) => {
    if (alias === null) return null;
    const signers = [ownerOf(payer), `operator/${bankOf(payer)}`];
    return { signers, commands: [{ type: 'registerAlias', aliasKey: alias.aliasKey, account: payer }] };
  },
  ({ alias, payer }) => {
    if (alias === null) return null;
    return { signers: [ownerOf(payer)], commands: [{ type: 'releaseAlias', ...only(alias), account: payer }] };
  },
  ({ alias, payer }) => {
    if (alias === null) return null;
    return { signers: [ownerOf(payer)], commands: [{ type: 'releaseAlias', ...only(alias), account: alias.owner }] };
  },
  // An account at another bank, and an account that is there with another key.
  ({ bank, payer, publicKey }) => ({
    signers: [`operator/${bank}`],
    commands: [{ type: 'openAccount', account: payer, publicKey: publicKey('thief'), tier: FULL }],
  }),
  ({ bank, payee, publicKey }) => {
    if (bankOf(payee) === bank) return null;
    const account = `thief@${bankOf(payee)}` as AccountId;
    return {
      signers: [`operator/${bank}`],
      commands: [{ type: 'openAccount', account, publicKey: publicKey('thief'), tier: FULL }],
    };
  },
  // A unit more than the day allows, at once and in two payments; an account that nothing bounds.
  (scene) => {
    if (scene.left === null || scene.left < 0n || scene.has <= scene.left) return null;
    return { signers: [ownerOf(scene.payer)], commands: [transfer(scene, scene.left + 1n)] };
  },
  (scene) => {
    if (scene.left === null || scene.left < 1n || scene.has <= scene.left) return null;
    return { signers: [ownerOf(scene.payer)], commands: [transfer(scene, scene.left), transfer(scene, 1n)] };
  },
  ({ payer, publicKey }) => ({
    signers: [`operator/${bankOf(payer)}`],
    commands: [
      {
        type: 'openAccount',
        account: `nobody@${bankOf(payer)}` as AccountId,
        publicKey: publicKey('thief'),
        tier: null,
      },
    ],
  }),
  // A tier that the customer takes, that another bank gives, that is not there.
  ({ payer }) => ({ signers: [ownerOf(payer)], commands: [{ type: 'setTier', account: payer, tier: FULL }] }),
  ({ payer, bank }) => {
    if (bankOf(payer) === bank) return null;
    return { signers: [`operator/${bank}`], commands: [{ type: 'setTier', account: payer, tier: FULL }] };
  },
  ({ payer }) => ({
    signers: [`operator/${bankOf(payer)}`],
    commands: [{ type: 'setTier', account: payer, tier: 'golden' as TierName }],
  }),
  // A stolen SIM: a claim that no bank attests, one that the bank files for a customer who did not sign.
  ({ alias, payer }) => {
    if (alias === null || payer.startsWith('settlement@')) return null;
    return { signers: [ownerOf(payer)], commands: [{ type: 'claimAlias', ...only(alias), account: payer }] };
  },
  ({ alias, payer }) => {
    if (alias === null || payer.startsWith('settlement@')) return null;
    return {
      signers: [`operator/${bankOf(payer)}`],
      commands: [{ type: 'claimAlias', ...only(alias), account: payer }],
    };
  },
  // A claim and its registration in one breath.
  ({ alias, payer }) => {
    if (alias === null) return null;
    const what = { ...only(alias), account: payer };
    const signers = [ownerOf(payer), `operator/${bankOf(payer)}`];
    return {
      signers,
      commands: [
        { type: 'claimAlias', ...what },
        { type: 'registerAlias', ...what },
      ],
    };
  },
  // A claim that its own maker rejects, or its maker's bank: neither has the number.
  ({ alias }) => {
    const claimer = alias?.claim?.account;
    if (alias === null || claimer === undefined || bankOf(claimer) === bankOf(alias.owner)) return null;
    const signers = [ownerOf(claimer), `operator/${bankOf(claimer)}`];
    return { signers, commands: [{ type: 'rejectClaim', ...only(alias), account: alias.owner }] };
  },
];

function transfer({ payer, payee, currency }: Scene, minor: bigint): Extract<Command, { type: 'transfer' }> {
  return { type: 'transfer', from: payer, to: payee, amount: { currency, minor }, alias: null, memo: '' };
}

function only({ aliasKey }: { readonly aliasKey: AliasKey }): { readonly aliasKey: AliasKey } {
  return { aliasKey };
}
