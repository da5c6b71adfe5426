/**
 * What will be thrown at the network, and in which order, as data that follows from a seed alone. Kinds come from a shuffled
 * deck, so that a short run has many of them and a long run has each about as often as the deck has it.
 */

import { Chance } from '../simulator/world/random.ts';
import type { ParticipantId } from '../types/index.ts';

/** Each with its number in the list of faults, how it is done, and how often the deck has it. */
export const FAULTS = {
  killOne: { number: 7, what: 'kill -9 of one', times: 2 },
  killSome: { number: 7, what: 'kill -9 of f at once', times: 1 },
  killAll: { number: 7, what: 'kill -9 of all at once, and restart', times: 2 },
  pause: { number: 8, what: 'SIGSTOP, SIGCONT after 1 to 10 s', times: 1 },
  block: { number: 30, what: 'SIGSTOP for 2 s: from outside the same as a blocked event loop', times: 1 },
  stop: { number: 9, what: 'SIGTERM and restart at once', times: 1 },
  rolling: { number: 32, what: 'SIGTERM and restart of one after the other (no other version)', times: 1 },
  cut: { number: 3, what: 'link reset and refused', times: 1 },
  clogLink: { number: 3, what: 'link that carries nothing, without a word', times: 1 },
  oneWay: { number: 5, what: 'link that carries nothing one way', times: 1 },
  clogNode: { number: 3, what: 'all links of one clogged', times: 1 },
  swizzle: { number: 3, what: 'nodes clogged one by one, released in another order', times: 1 },
  slow: { number: 2, what: 'all links delayed by 50 to 400 ms each way', times: 1 },
  drop: { number: 1, what: 'all connections reset again and again', times: 1 },
  partition: { number: 4, what: 'halves without a quorum that hear nothing of each other', times: 1 },
  wipe: { number: 17, what: 'kill -9, data folder removed, restart with the keys kept', times: 1 },
  restore: { number: 18, what: 'kill -9, an older copy of the data folder put back, restart', times: 1 },
} as const;

export type FaultKind = keyof typeof FAULTS;

export interface Fault {
  readonly kind: FaultKind;
  /** Whom it strikes: banks in order, the two ends of a link (`oneWay`: from, to), or one half. */
  readonly nodes: readonly ParticipantId[];
  /** From the first blow to the start of the repair; `rolling` and `swizzle`: of each. */
  readonly forMs: number;
  /** Of `slow`. */
  readonly delayMs: number;
  /** Quiet before it, after the network has recovered. */
  readonly afterMs: number;
}

/** Banks that may be down while the others go on. */
export function maxDown(banks: number): number {
  return Math.floor((banks - 1) / 3);
}

/** Endless. @param kinds what it may contain. */
export function* faultsOf(
  seed: number,
  banks: readonly ParticipantId[],
  kinds: readonly FaultKind[] = Object.keys(FAULTS) as FaultKind[],
): Generator<Fault, never, void> {
  const chance = new Chance(seed, 'nemesis');
  // Alone, or where nobody may be down, the network stands still instead of going on; that is no fault to recover from.
  const deck = kinds.flatMap((kind) => Array.from({ length: FAULTS[kind].times }, () => kind));
  for (;;) {
    for (const kind of chance.shuffled(deck)) yield faultOf(chance, kind, banks);
  }
}

/** `kill -9 of one: aclb, 1.2 s`. */
export function describeFault({ kind, nodes, forMs, delayMs }: Fault): string {
  const who = kind === 'oneWay' ? nodes.join(' to ') : nodes.join(', ');
  const force = kind === 'slow' ? `, ${delayMs} ms` : '';
  return `${kind} (${FAULTS[kind].number}) ${who}, ${(forMs / 1_000).toFixed(1)} s${force}`;
}

function faultOf(chance: Chance, kind: FaultKind, banks: readonly ParticipantId[]): Fault {
  const order = chance.shuffled(banks);
  const [shortest, longest] = DURATIONS[kind];
  return {
    kind,
    nodes: order.slice(0, struck(kind, banks.length)),
    forMs: chance.between(shortest, longest),
    delayMs: chance.between(50, 400),
    afterMs: chance.between(500, 3_000),
  };
}

const DURATIONS: Readonly<Record<FaultKind, readonly [shortest: number, longest: number]>> = {
  killOne: [0, 5_000],
  killSome: [0, 5_000],
  killAll: [0, 1_000],
  pause: [1_000, 10_000],
  block: [2_000, 2_000],
  stop: [0, 0],
  rolling: [0, 500],
  cut: [1_000, 10_000],
  clogLink: [1_000, 10_000],
  oneWay: [1_000, 10_000],
  clogNode: [1_000, 10_000],
  swizzle: [300, 1_500],
  slow: [2_000, 8_000],
  drop: [2_000, 6_000],
  partition: [2_000, 10_000],
  wipe: [0, 2_000],
  restore: [1_000, 4_000],
};

/** How many banks a kind strikes. */
function struck(kind: FaultKind, banks: number): number {
  switch (kind) {
    case 'killSome':
    case 'pause':
      return Math.max(1, maxDown(banks));
    case 'killAll':
    case 'rolling':
    case 'swizzle':
    case 'slow':
    case 'drop':
      return banks;
    case 'cut':
    case 'clogLink':
    case 'oneWay':
      return 2;
    case 'partition':
      return Math.floor(banks / 2);
    default:
      return 1;
  }
}
