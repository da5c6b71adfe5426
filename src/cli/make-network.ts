/** Makes a new network: keys for everyone, the genesis that lists them, and what goes into each participant's home. */
import { genesisToJson, parseGenesis } from '../codec/genesis-json.ts';
import { toHex } from '../codec/hex.ts';
import { publicKeyOf } from '../crypto/ed25519.ts';
import { encodeKeyFile, type KeyKind } from '../crypto/keyfile.ts';
import type { Clock, Random } from '../ports.ts';
import {
  DEFAULT_CLAIM_DELAY_MS,
  DEFAULT_CURRENCIES,
  DEFAULT_TIERS,
  type Member,
  PHNOM_PENH_OFFSET_MINUTES,
} from '../types/defaults.ts';
import type { Genesis, ParticipantId, PublicKey } from '../types/index.ts';
import { type HomeContent, SECRET_BYTES } from './home.ts';

/** Where a member's node listens, and where the others find it. */
export interface Place {
  readonly listen: string;
  readonly address: string;
  readonly apiHost: string;
  readonly apiPort: number;
}

/** Money and rules of a network. */
type Terms = Pick<Genesis, 'currencies' | 'tiers' | 'rules'>;

/** A network that is not the default one, before its members have places. */
export interface NetworkTemplate {
  readonly network: string;
  readonly members: readonly Member[];
  readonly officers: number;
  readonly quorum: number;
  readonly terms: Terms;
  /** 32 bytes for each secret that all must make alike: `operator/aclb`, `validator/aclb`, `network/aclb`, `officer/1`, `aliases`. */
  readonly secretOf: (name: string) => Uint8Array;
}

export interface NetworkPlan extends Pick<NetworkTemplate, 'network' | 'officers' | 'quorum'> {
  readonly members: readonly (Member & Place)[];
  /** The default ones where absent. */
  readonly terms?: Terms;
  /** Chance makes the secrets where absent. */
  readonly secretOf?: NetworkTemplate['secretOf'];
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

const DEFAULT_RULES: Genesis['rules'] = {
  // Ten minutes to sign, carry and retry a payment; clocks within five seconds.
  maxValidityMs: 600_000,
  maxClockSkewMs: 5_000,
  checkpointInterval: 1_000,
  aliasClaimDelayMs: DEFAULT_CLAIM_DELAY_MS,
  // Whoever lost a phone has as long again to come back to the bank.
  aliasClaimWindowMs: DEFAULT_CLAIM_DELAY_MS,
  dayStartOffsetMinutes: PHNOM_PENH_OFFSET_MINUTES,
};

/** Up to so many accounts a checkpoint costs the blocks of the shortest interval little. */
const FEW_ACCOUNTS = 100_000;

/** What a network has that nothing else is said of, and so many customers. A checkpoint reads the whole state: a larger one has fewer. */
export function defaultRules(accounts: number): Genesis['rules'] {
  const times = Math.max(1, Math.ceil(accounts / FEW_ACCOUNTS));
  return { ...DEFAULT_RULES, checkpointInterval: DEFAULT_RULES.checkpointInterval * times };
}

export const DEFAULT_TERMS: Terms = { currencies: DEFAULT_CURRENCIES, tiers: DEFAULT_TIERS, rules: DEFAULT_RULES };

/** @throws CodedError `GENESIS_INVALID` for a name that no genesis may have. */
export function makeNetwork(plan: NetworkPlan): NewNetwork {
  const { network, members, random, clock, quorum, terms = DEFAULT_TERMS } = plan;
  const aliasSecret = toHex(secretOf(plan, 'aliases'));
  const officers = newOfficers(plan);
  const made = members.map((member) => {
    const key = (kind: 'operator' | 'validator' | 'network') =>
      newKey(plan, kind, `${kind}@${member.id}`, `${kind}/${member.id}`);
    return { member, operator: key('operator'), validator: key('validator'), network: key('network') };
  });
  const genesis: Genesis = {
    version: 1,
    network,
    timeMs: clock.now(),
    ...terms,
    participants: made.map(({ member: { id, name, kind }, operator, validator, network: host }) => ({
      id,
      name,
      kind,
      operatorKey: operator.publicKey,
      validatorKey: validator.publicKey,
      networkKey: host.publicKey,
    })),
    officers: { keys: officers.map((officer) => officer.publicKey).sort(), quorum },
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

interface NewKey {
  readonly publicKey: PublicKey;
  readonly text: string;
}

function newOfficers(plan: NetworkPlan): NewKey[] {
  return Array.from({ length: plan.officers }, (_, i) =>
    newKey(plan, 'officer', `officer-${i + 1}`, `officer/${i + 1}`),
  );
}

function newKey(plan: NetworkPlan, kind: KeyKind, name: string, secret: string): NewKey {
  const seed = secretOf(plan, secret);
  return { publicKey: publicKeyOf(seed), text: encodeKeyFile(seed, { name, kind }, plan.password, plan.random) };
}

function secretOf({ secretOf: given, random }: NetworkPlan, name: string): Uint8Array {
  return given?.(name) ?? random.bytes(SECRET_BYTES);
}
