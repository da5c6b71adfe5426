/**
 * More liars than a network can bear, who try to make it fork. The honest are in two sides that are cut from each other for a
 * while, and every conspirator shows each side what looks like an honest member of it:
 *
 * | plot | how |
 * |---|---|
 * | `twoFaced` | each has two machines with one key, one on each side |
 * | `forgetful` | all of them decide with the one side, then go back to what they were before and decide with the other |
 */
import type { ParticipantId } from '../../types/index.ts';
import type { KeptBackup } from '../faults/damage.ts';
import type { Conspiracy } from '../faults/plan.ts';
import type { VirtualClock } from '../world/clock.ts';
import type { Machine } from '../world/machine.ts';
import type { VirtualNetwork } from '../world/network.ts';
import type { Chance } from '../world/random.ts';
import { secondAddress } from './twin.ts';

interface Scene {
  readonly clock: VirtualClock;
  readonly wires: VirtualNetwork;
  machine(address: ParticipantId): Machine;
  backup(machine: Machine): KeptBackup;
  restore(machine: Machine, backup: KeptBackup, downMs: number): void;
}

interface Cast {
  readonly conspirators: readonly ParticipantId[];
  readonly honest: readonly ParticipantId[];
}

const CAUSE = 'conspiracy';

/** Splits the network again and again. */
export function conspire(scene: Scene, plot: Conspiracy, cast: Cast, chance: Chance): void {
  const order = chance.shuffled(cast.honest);
  const half = order.length >> 1;
  const sides = [order.slice(0, half), order.slice(half)] as const;
  const split = plot === 'twoFaced' ? showTwoFaces : forgetInBetween;
  if (plot === 'twoFaced') {
    const faces = [cast.conspirators, cast.conspirators.map(secondAddress)] as const;
    scene.wires.cut([...faces[0]], [...sides[1], ...faces[1]], 'faces');
    scene.wires.cut([...faces[1]], [...sides[0]], 'faces');
  }
  const again = () => {
    const lengthMs = chance.between(1_000, 3_500);
    split(scene, cast.conspirators, sides, lengthMs, chance);
    scene.clock.schedule(lengthMs + chance.between(500, 2_000), again);
  };
  scene.clock.schedule(chance.between(200, 2_000), again);
}

type Sides = readonly [readonly ParticipantId[], readonly ParticipantId[]];

function showTwoFaces({ clock, wires }: Scene, _: unknown, [left, right]: Sides, lengthMs: number): void {
  wires.cut(left, right, CAUSE);
  clock.schedule(lengthMs, () => wires.heal(CAUSE));
}

function forgetInBetween(
  scene: Scene,
  conspirators: readonly ParticipantId[],
  [left, right]: Sides,
  lengthMs: number,
  chance: Chance,
): void {
  const { clock, wires } = scene;
  const backups = conspirators.map((id) => scene.backup(scene.machine(id)));
  wires.cut(left, right, CAUSE);
  wires.cut(conspirators, right, `${CAUSE}/first`);
  clock.schedule(lengthMs / 2, () => {
    for (const [i, id] of conspirators.entries()) {
      const backup = backups[i];
      if (backup !== undefined) scene.restore(scene.machine(id), backup, chance.between(1, 50));
    }
    wires.heal(`${CAUSE}/first`);
    wires.cut(conspirators, left, `${CAUSE}/second`);
  });
  clock.schedule(lengthMs, () => {
    wires.heal(CAUSE);
    wires.heal(`${CAUSE}/second`);
  });
}
