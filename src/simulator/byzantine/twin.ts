/**
 * One key on two machines, as after a careless move to new hardware: both run honest software, each on a disk of its own, and
 * each of the others is connected to the one, the other or both, now to this one and then to that one.
 */

import type { ParticipantId } from '../../types/index.ts';
import type { VirtualClock } from '../world/clock.ts';
import type { VirtualNetwork } from '../world/network.ts';
import type { Chance } from '../world/random.ts';
import type { Actor } from './actor.ts';

/** It is honest, twice. */
export const twin: Actor = () => (ports) => ports;

/** Where the second machine of a participant is. */
export function secondAddress(id: ParticipantId): ParticipantId {
  return `${id}+` as ParticipantId;
}

/** Connects each of the others to the one or the other, and does so again and again. */
export function divideTwins(
  { clock, wires, ids }: { clock: VirtualClock; wires: VirtualNetwork; ids: readonly ParticipantId[] },
  twins: readonly ParticipantId[],
  chance: Chance,
): void {
  const cause = `twins ${twins.join()}`;
  const divide = () => {
    wires.heal(cause);
    for (const id of ids) {
      if (twins.includes(id)) continue;
      // Each two times in five the one or the other alone.
      const cut = twins[chance.below(5) >> 1];
      if (cut !== undefined) wires.cut([cut], [id], cause);
    }
    clock.schedule(chance.between(300, 2_500), divide);
  };
  divide();
}
