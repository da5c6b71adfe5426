/** The Byzantine participants by name. */
import type { ActorKind } from '../faults/plan.ts';
import type { Alter } from '../world/machine.ts';
import type { Swindler } from './actor.ts';
import { amnesiac } from './amnesiac.ts';
import { badProposer } from './bad-proposer.ts';
import { delayer } from './delayer.ts';
import { equivocator } from './equivocator.ts';
import { forger } from './forger.ts';
import { garbage } from './garbage.ts';
import { liar } from './liar.ts';
import { poisoner } from './poisoner.ts';
import { pretender } from './pretender.ts';
import { smuggler } from './smuggler.ts';
import { twin } from './twin.ts';
import { withholder } from './withholder.ts';

export const ACTORS: Readonly<Record<ActorKind, (inside: Swindler) => Alter>> = {
  equivocator,
  garbage,
  withholder,
  liar,
  delayer,
  forger,
  smuggler,
  pretender,
  twin,
  amnesiac,
  badProposer,
  poisoner,
};
