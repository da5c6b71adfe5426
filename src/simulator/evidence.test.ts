/** More banks than blocks within which evidence is due: it has to travel, for its finder's own turn comes too late. */
import t from 'tap';
import { MAX_EVIDENCE_BYTES } from '../codec/limits.ts';
import { evidenceMessage } from '../codec/messages.ts';
import { decode } from '../codec/schema.ts';
import { maxFaulty } from '../consensus/quorum.ts';
import { evidenceKey } from '../ledger/keys.ts';
import type { ParticipantId } from '../types/index.ts';
import type { ActorKind } from './faults/plan.ts';
import { type PlanOptions, planOf } from './faults/plan.ts';
import { simulate } from './simulation.ts';
import { turn } from './turn.ts';
import type { Alter } from './world/machine.ts';

/** As many liars as the network can bear. */
function planWith(seed: number, participants: number, liar: ActorKind, options: PlanOptions) {
  const liars = Array.from({ length: maxFaulty(participants) }, (_, i) => ({
    kind: liar,
    node: `bank${((seed + i) % participants) + 1}` as ParticipantId,
  }));
  return { ...planOf(seed, { kinds: [], stormMs: 1_500, ...options, participants }), liars };
}

t.test('with 7 and 9 banks, evidence is on the chain within six heights, under load', async (t) => {
  for (const participants of [7, 9]) {
    for (let seed = 1; seed <= 2; seed++) {
      const outcome = await simulate(planWith(seed, participants, 'equivocator', {}), { turn });
      t.equal(outcome.violation, null, `${participants} banks, seed ${seed}`);
      t.ok((outcome.tally.get('evidence on the chain') ?? 0) >= 3, `${participants} banks, seed ${seed}`);
    }
  }
});

t.test('so it is once a network is healed that lost messages, links and machines', async (t) => {
  for (const participants of [7, 9]) {
    for (let seed = 1; seed <= 2; seed++) {
      const kinds = ['drop', 'silentPartition', 'swizzle', 'crash', 'slowNode'] as const;
      const outcome = await simulate(planWith(seed, participants, 'equivocator', { kinds }), { turn });
      t.equal(outcome.violation, null, `${participants} banks, seed ${seed}`);
      t.ok((outcome.tally.get('evidence on the chain') ?? 0) >= 1, `${participants} banks, seed ${seed}`);
    }
  }
});

t.test('a proof that nobody hears of the first time is told again', async (t) => {
  for (let seed = 1; seed <= 2; seed++) {
    const outcome = await simulate(planWith(seed, 9, 'equivocator', {}), { turn, defect: losesFirst });
    t.equal(outcome.violation, null, `seed ${seed}`);
    t.ok((outcome.tally.get('evidence on the chain') ?? 0) >= 3, `seed ${seed}`);
  }
});

t.test('false proofs accuse nobody, and bring those down who send them', async (t) => {
  const outcome = await simulate(planWith(1, 7, 'forger', {}), { turn });
  t.equal(outcome.violation, null);
  t.ok((outcome.tally.get('forger: banned, rejected evidence') ?? 0) > 0);
  t.equal(outcome.tally.get('evidence on the chain') ?? 0, 0);
});

/** Gossip that loses each proof when it is told first. */
const losesFirst: Alter = (ports) => {
  const told = new Set<string>();
  return {
    ...ports,
    network: {
      ...ports.network,
      publish(topic, bytes) {
        if (topic !== 'evidence') return ports.network.publish(topic, bytes);
        const key = evidenceKey(decode(evidenceMessage, bytes, MAX_EVIDENCE_BYTES).evidence);
        if (told.has(key)) ports.network.publish(topic, bytes);
        told.add(key);
      },
    },
  };
};
