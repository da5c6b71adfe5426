/** The plan follows from its seed alone, and keeps to how many banks may be down at once. */
import fc from 'fast-check';
import { test } from 'tap';
import type { ParticipantId } from '../types/index.ts';
import { describeFault, FAULTS, type Fault, type FaultKind, faultsOf, maxDown } from './plan.ts';

const KINDS = Object.keys(FAULTS) as FaultKind[];
const DECK = KINDS.reduce((sum, kind) => sum + FAULTS[kind].times, 0);

function banksOf(count: number): ParticipantId[] {
  return Array.from({ length: count }, (_, i) => `bank${i}` as ParticipantId);
}

function first(count: number, seed: number, banks: number, kinds?: readonly FaultKind[]): Fault[] {
  const dealer = faultsOf(seed, banksOf(banks), kinds);
  return Array.from({ length: count }, () => dealer.next().value);
}

test('the same seed gives the same faults, another seed others', async (t) => {
  const property = fc.property(fc.nat(), fc.integer({ min: 4, max: 13 }), (seed, banks) => {
    t.strictSame(first(30, seed, banks), first(30, seed, banks));
  });
  fc.assert(property, { numRuns: 30 });
  t.notSame(first(30, 1, 4), first(30, 2, 4));
});

test('as long as the deck is, every kind comes as often as the deck has it', async (t) => {
  const dealt = first(2 * DECK, 7, 4);
  for (const deck of [dealt.slice(0, DECK), dealt.slice(DECK)]) {
    for (const kind of KINDS) {
      t.equal(deck.filter((fault) => fault.kind === kind).length, FAULTS[kind].times, kind);
    }
  }
  t.strictSame(new Set(first(20, 7, 4, ['cut', 'wipe']).map(({ kind }) => kind)), new Set(['cut', 'wipe']));
});

test('nobody more than f is down or damaged, but where the fault is that all are, or that links are', async (t) => {
  const several: readonly FaultKind[] = ['killAll', 'rolling', 'swizzle', 'slow', 'drop', 'cut', 'clogLink', 'oneWay'];
  for (const banks of [4, 5, 7, 10, 13]) {
    for (const { kind, nodes, ...fault } of first(3 * DECK, banks, banks)) {
      const isDistinct = new Set(nodes).size === nodes.length;
      const fits = several.includes(kind) || kind === 'partition' || nodes.length <= maxDown(banks);
      if (!isDistinct || !fits || nodes.length === 0) t.fail(describeFault({ kind, nodes, ...fault }));
      if (kind === 'partition') t.ok(nodes.length * 3 <= 2 * banks && (banks - nodes.length) * 3 <= 2 * banks);
      if (kind === 'pause') t.ok(fault.forMs >= 1_000 && fault.forMs <= 10_000);
    }
  }
});
