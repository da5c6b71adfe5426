/** A network for tests: keys from fixed seeds, so that every run signs the same bytes. */
import { createSigner, publicKeyOf } from '../crypto/ed25519.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Signer } from '../ports.ts';
import type { CurrencyCode, Genesis, ParticipantId, Tier, TierName } from '../types/index.ts';

export const KHR = 'KHR' as CurrencyCode;
export const USD = 'USD' as CurrencyCode;
export const GENESIS_TIME_MS = 1_767_225_600_000;

/** Small ones: whoever is `basic` pays out little, and `full` has no limit in dollars. */
export const TIERS: readonly Tier[] = [
  {
    name: 'basic' as TierName,
    limits: [
      { currency: KHR, maxDailyMinor: 500n },
      { currency: USD, maxDailyMinor: 0n },
    ],
  },
  { name: 'full' as TierName, limits: [{ currency: KHR, maxDailyMinor: 1_000n }] },
];

const NAMES = ['nbc', 'aclb', 'cnb', 'wing', 'bank05', 'bank06', 'bank07'] as const;

export interface TestNetwork {
  readonly genesis: Genesis;
  /** The key of a name: `validator/aclb`, `operator/aclb`, `network/aclb`, `officer/1`, or of any wallet: `wallet/dara`. */
  readonly signer: (name: string) => Signer;
}

/** The Ed25519 seed behind a name. */
function seedOf(name: string): Uint8Array {
  return sha256(new TextEncoder().encode(`tonle test key ${name}`));
}

const RULES: Genesis['rules'] = {
  maxValidityMs: 600_000,
  maxClockSkewMs: 5_000,
  checkpointInterval: 5,
  aliasClaimDelayMs: 10_000,
  aliasClaimWindowMs: 5_000,
  dayStartOffsetMinutes: 420,
};

/** @param participants 1 to 7; the first is the central bank. */
export function testNetwork(
  participants = 4,
  rules: Partial<Genesis['rules']> = {},
  tiers: readonly Tier[] = [],
): TestNetwork {
  const ids = NAMES.slice(0, participants) as unknown as ParticipantId[];
  const officers = ['officer/1', 'officer/2', 'officer/3'].map((name) => publicKeyOf(seedOf(name))).sort();
  return {
    genesis: {
      version: 1,
      network: 'tonle-test',
      timeMs: GENESIS_TIME_MS,
      currencies: [
        { code: KHR, exponent: 0, maxAmountMinor: 1_000_000_000n, maxSupplyMinor: 10_000_000_000n },
        { code: USD, exponent: 2, maxAmountMinor: 100_000_000n, maxSupplyMinor: 1_000_000_000n },
      ],
      participants: ids.map((id, i) => ({
        id,
        name: `Bank ${id}`,
        kind: i === 0 ? 'centralBank' : 'bank',
        operatorKey: publicKeyOf(seedOf(`operator/${id}`)),
        validatorKey: publicKeyOf(seedOf(`validator/${id}`)),
        networkKey: publicKeyOf(seedOf(`network/${id}`)),
      })),
      officers: { keys: officers, quorum: 2 },
      tiers,
      rules: { ...RULES, ...rules },
    },
    signer: (name) => createSigner(seedOf(name)),
  };
}
