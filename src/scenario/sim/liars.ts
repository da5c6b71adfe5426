/** Who a bank can turn into: the Byzantine participants of the simulator that make sense by themselves. */
import type { Accomplice, Actor } from '../../simulator/byzantine/actor.ts';
import { amnesiac } from '../../simulator/byzantine/amnesiac.ts';
import { badProposer } from '../../simulator/byzantine/bad-proposer.ts';
import { delayer } from '../../simulator/byzantine/delayer.ts';
import { equivocator } from '../../simulator/byzantine/equivocator.ts';
import { forger } from '../../simulator/byzantine/forger.ts';
import { garbage } from '../../simulator/byzantine/garbage.ts';
import { liar } from '../../simulator/byzantine/liar.ts';
import { poisoner } from '../../simulator/byzantine/poisoner.ts';
import { pretender } from '../../simulator/byzantine/pretender.ts';
import { withholder } from '../../simulator/byzantine/withholder.ts';
import type { Alter } from '../../simulator/world/machine.ts';

/** A twin has a second machine, and a smuggler needs books to know whom to rob; stories have neither. */
const LIARS: ReadonlyMap<string, Actor> = new Map(
  Object.entries({
    equivocator,
    garbage,
    withholder,
    liar,
    delayer,
    forger,
    pretender,
    amnesiac,
    badProposer,
    poisoner,
  }),
);

export const LIAR_NAMES: readonly string[] = [...LIARS.keys()];

/** @returns null for a name that no liar has. */
export function liarNamed(name: string, inside: Accomplice): Alter | null {
  return LIARS.get(name)?.(inside) ?? null;
}
