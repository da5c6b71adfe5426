/** Makes a new network: keys for everyone, the genesis that lists them, and what goes into each participant's home. */
import { genesisToJson, parseGenesis } from '../codec/genesis-json.ts';
import { toHex } from '../codec/hex.ts';
import { publicKeyOf } from '../crypto/ed25519.ts';
import { encodeKeyFile, type KeyKind } from '../crypto/keyfile.ts';
import type { Clock, Random } from '../ports.ts';
import type {
  Currency,
  CurrencyCode,
  Genesis,
  Participant,
  ParticipantId,
  PublicKey,
  Tier,
  TierName,
} from '../types/index.ts';
import { type HomeContent, SECRET_BYTES } from './home.ts';

/** A member before it has keys. */
export interface Member {
  readonly id: ParticipantId;
  readonly name: string;
  readonly kind: Participant['kind'];
}

/** Where a member's node listens, and where the others find it. */
export interface Place {
  readonly listen: string;
  readonly address: string;
  readonly apiHost: string;
  readonly apiPort: number;
}

export interface NetworkPlan {
  readonly network: string;
  readonly members: readonly (Member & Place)[];
  readonly officers: number;
  readonly quorum: number;
  /** Of all key files; null leaves them unencrypted, for development. */
  readonly password: string | null;
  readonly clock: Clock;
  readonly random: Random;
}

export interface NewNetwork {
  readonly genesis: Genesis;
  /** In the order of the genesis. */
  readonly homes: ReadonlyMap<ParticipantId, HomeContent>;
}

/** A hundred billion riel a command is some 25 million dollars: above what anybody pays at once, below what hides a typing error. */
const DEFAULT_CURRENCIES: readonly Currency[] = [
  {
    code: 'KHR' as CurrencyCode,
    exponent: 0,
    maxAmountMinor: 100_000_000_000n,
    maxSupplyMinor: 1_000_000_000_000_000n,
  },
  {
    code: 'USD' as CurrencyCode,
    exponent: 2,
    maxAmountMinor: 2_500_000_000n,
    maxSupplyMinor: 10_000_000_000_000n,
  },
];

/**
 * What Bakong's wallets may pay out in a day, by what their bank knows of the customer: the phone number alone; a picture and a
 * document; all of it (National Bank of Cambodia, circular of 26 March 2021).
 */
const DEFAULT_TIERS: readonly Tier[] = [
  tier('basic', 2_000_000n, 500_00n),
  tier('full', 40_000_000n, 10_000_00n),
  tier('partial', 12_000_000n, 3_000_00n),
];

const HOUR_MS = 3_600_000;

const DEFAULT_RULES: Genesis['rules'] = {
  // Ten minutes to sign, carry and retry a payment; clocks within five seconds.
  maxValidityMs: 600_000,
  maxClockSkewMs: 5_000,
  // A checkpoint reads the whole state.
  checkpointInterval: 1_000,
  // Over a weekend: who is without a signal for two days hears of a claim of the own number in time to object, and whoever
  // lost a phone has two days more to come back to the bank.
  aliasClaimDelayMs: 48 * HOUR_MS,
  aliasClaimWindowMs: 48 * HOUR_MS,
  // Phnom Penh is at UTC+7 all year.
  dayStartOffsetMinutes: 420,
};

const NAMED: readonly Member[] = [
  { id: 'nbc' as ParticipantId, name: 'National Bank of Cambodia', kind: 'centralBank' },
  { id: 'aclb' as ParticipantId, name: 'ACLEDA Bank', kind: 'bank' },
  { id: 'cnb' as ParticipantId, name: 'Canadia Bank', kind: 'bank' },
  { id: 'wing' as ParticipantId, name: 'Wing Bank', kind: 'bank' },
];

/** The central bank and `count - 1` banks. */
export function defaultMembers(count: number): Member[] {
  return Array.from({ length: count }, (_, i) => {
    const number = String(i + 1).padStart(2, '0');
    return NAMED[i] ?? { id: `bank${number}` as ParticipantId, name: `Bank ${number}`, kind: 'bank' };
  });
}

/** @throws CodedError `GENESIS_INVALID` for a name that no genesis may have. */
export function makeNetwork(plan: NetworkPlan): NewNetwork {
  const { network, members, random, clock, quorum, password } = plan;
  const aliasSecret = toHex(random.bytes(SECRET_BYTES));
  const officers = newOfficers(plan);
  const made = members.map((member) => {
    const key = (kind: 'operator' | 'validator' | 'network') => newKey(kind, `${kind}@${member.id}`, password, random);
    return { member, operator: key('operator'), validator: key('validator'), network: key('network') };
  });
  const genesis: Genesis = {
    version: 1,
    network,
    timeMs: clock.now(),
    currencies: DEFAULT_CURRENCIES,
    participants: made.map(({ member: { id, name, kind }, operator, validator, network: host }) => ({
      id,
      name,
      kind,
      operatorKey: operator.publicKey,
      validatorKey: validator.publicKey,
      networkKey: host.publicKey,
    })),
    officers: { keys: officers.map((officer) => officer.publicKey).sort(), quorum },
    tiers: DEFAULT_TIERS,
    rules: DEFAULT_RULES,
  };
  // Whatever the plan says, nothing leaves here that a node would refuse to read.
  parseGenesis(genesisToJson(genesis));
  const homes = made.map(({ member, operator, validator, network: host }): [ParticipantId, HomeContent] => {
    const own = { operator, validator, network: host };
    const byName = Object.entries(own).map(([name, key]) => [name, key.text] as const);
    const ofOfficers = officers.map((officer, i) => [`officer-${i + 1}`, officer.text] as const);
    return [
      member.id,
      {
        genesis,
        config: configOf(member, members),
        keyFiles: new Map([...byName, ...(member.kind === 'centralBank' ? ofOfficers : [])]),
        aliasSecret,
        operatorToken: toHex(random.bytes(SECRET_BYTES)),
      },
    ];
  });
  return { genesis, homes: new Map(homes) };
}

/** Where a member's node listens, and where it finds the others. */
export function configOf(member: Member & Place, members: readonly (Member & Place)[]): HomeContent['config'] {
  const peers = members.filter(({ id }) => id !== member.id).map(({ id, address }) => ({ participant: id, address }));
  return {
    version: 1,
    participant: member.id,
    p2p: { listen: [member.listen], peers },
    api: { host: member.apiHost, port: member.apiPort },
  };
}

function tier(name: string, khr: bigint, usdCents: bigint): Tier {
  const [first, second] = DEFAULT_CURRENCIES as readonly [Currency, Currency];
  const limits = [
    { currency: first.code, maxDailyMinor: khr },
    { currency: second.code, maxDailyMinor: usdCents },
  ];
  return { name: name as TierName, limits };
}

interface NewKey {
  readonly publicKey: PublicKey;
  readonly text: string;
}

function newOfficers({ officers, password, random }: NetworkPlan): NewKey[] {
  return Array.from({ length: officers }, (_, i) => newKey('officer', `officer-${i + 1}`, password, random));
}

function newKey(kind: KeyKind, name: string, password: string | null, random: Random): NewKey {
  const seed = random.bytes(32);
  return { publicKey: publicKeyOf(seed), text: encodeKeyFile(seed, { name, kind }, password, random) };
}
