/**
 * Runs that once found something, with what it was: they are repeated for ever. The plan stands here whole, because what a seed
 * plans changes with every new kind of fault.
 */
import type { ParticipantId } from '../../types/index.ts';
import type { ActorKind, Fault, FaultKind, Plan } from './plan.ts';

export interface Regression {
  readonly plan: Plan;
  readonly checker: string;
  readonly what: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    plan: run(14, 5, [
      fault('crashAtEffect', 3_273, 1_100, 'bank4', 0.239),
      fault('clockDrift', 3_276, 1_895, 'bank1', 0.988),
      fault('drop', 5_817, 368, null, 0.865),
      fault('replay', 7_264, 1_842, null, 0.88),
      fault('clockJump', 8_544, 2_327, 'bank1', 0.988),
      fault('pause', 9_148, 157, 'bank3', 0.184),
      fault('crash', 9_573, 1_795, 'bank1', 0.553),
      fault('delay', 10_341, 2_825, null, 0.362),
      fault('delay', 10_461, 3_409, null, 0.644),
    ]),
    checker: 'honest-ban',
    what: 'a node asked a peer for blocks up to below its own tip, which had risen while it asked another, and was banned',
  },
  {
    plan: run(253, 1, [
      fault('clockJump', 252, 3_081, 'bank1', 0.076),
      fault('clockDrift', 4_258, 1_042, 'bank1', 0.302),
      fault('clockJump', 6_316, 252, 'bank1', 0.31),
      fault('diskError', 8_603, 3_628, 'bank1', 0.684),
      fault('crash', 8_724, 770, 'bank1', 0.959),
    ]),
    checker: 'liveness',
    what: 'a clock set back before a restart made a node refuse, for good, the very block that it was locked on',
  },
  {
    plan: { ...run(28, 4, [], { kind: 'badProposer', node: 'bank1' as ParticipantId }), stormMs: 2_000 },
    checker: 'liveness',
    what: 'a proposer showed one node another content under the hash of its block, helped the others to lock it, and left: that node refused the block for good, and nothing was ever decided again',
  },
  {
    plan: { ...run(5, 4, [], { kind: 'badProposer', node: 'bank3' as ParticipantId }), stormMs: 2_000 },
    checker: 'invalid-block',
    what: "a proposer's new block in another member's name was committed",
  },
  {
    plan: {
      ...run(
        2568,
        4,
        [
          { ...fault('partition', 390, 2_261, 'bank2', 0.767), nodes: ids('bank2', 'bank3', 'bank4') },
          fault('crashAtEffect', 2_092, 1, 'bank3', 0.1764),
          fault('slowNode', 3_260, 3_740, 'bank4', 0.00002),
          fault('crashAtEffect', 3_426, 1, 'bank1', 0.4345),
          fault('drop', 3_722, 2_794, null, 0.195),
          { ...fault('partition', 7_520, 1, 'bank3', 0.912), nodes: ids('bank3', 'bank4', 'bank2') },
          { ...fault('partition', 7_956, 1, 'bank4', 0.801), nodes: ids('bank4', 'bank1', 'bank2') },
          { ...fault('swizzle', 8_154, 45, 'bank3', 0.611), nodes: ids('bank3', 'bank1', 'bank4', 'bank2') },
          fault('diskError', 8_606, 3_603, 'bank4', 0.904),
          fault('clogNode', 9_236, 1_246, 'bank1', 0.238),
        ],
        { kind: 'liar', node: 'bank2' as ParticipantId },
      ),
      relays: true,
    },
    checker: 'node-ended',
    what: 'a node that tried to make a block dropped batches that could not take part in it any more, although a block that it had found valid in the round before named them; when that one was decided, the node ended',
  },
  {
    plan: {
      ...run(4952, 4, [
        fault('slowNode', 523, 1_896, 'bank3', 0.5460234987549484),
        fault('drop', 1_362, 530, null, 0.2535181660205126),
        fault('diskError', 1_868, 1, 'bank2', 0.3484932165592909),
        fault('bitFlip', 2_061, 3_139, 'bank2', 0.8156857099384069),
        fault('restoreBackup', 4_954, 272, 'bank2', 0.47003911598585546),
      ]),
      relays: true,
    },
    checker: 'node-ended',
    what: 'of the checkers: a backup of a damaged machine brought the damage back, which nobody expected any more',
  },
  {
    plan: {
      ...run(
        3987,
        4,
        [
          { ...fault('clogLink', 314, 136, null, 0.9331677344162017), nodes: ids('bank3', 'bank2') },
          { ...fault('oneWay', 1_988, 3_360, null, 0.7935509157832712), nodes: ids('bank3', 'bank2') },
          { ...fault('oneWay', 3_469, 1_027, null, 0.8337716483511031), nodes: ids('bank1', 'bank3') },
          fault('clockJump', 4_529, 1, 'bank4', 0.5867395109962672),
          fault('clogNode', 4_661, 1, 'bank3', 0.8285787070635706),
          fault('slowDisk', 7_708, 1, 'bank4', 0.49767699581570923),
          fault('splitVotes', 9_224, 1, null, 0.5869333618320525),
          fault('duplicate', 9_466, 455, null, 0.6542210017796606),
          { ...fault('clogLink', 10_715, 3_894, null, 0.5107948523946106), nodes: ids('bank2', 'bank3') },
        ],
        { kind: 'badProposer', node: 'bank1' as ParticipantId },
      ),
      stormMs: 6_000,
    },
    checker: 'invalid-block',
    what: "of the checkers: a liar's block in another's name was the very block that the other one made in its own turn",
  },
  {
    plan: {
      ...run(624, 4, [
        fault('bitFlip', 550, 1, 'bank3', 0.4689270118251443),
        fault('clogNode', 904, 762, 'bank1', 0.93208820768632),
        { ...fault('silentPartition', 2_193, 24, null, 0.9544382099993527), nodes: ids('bank1', 'bank2') },
        {
          ...fault('crashAll', 2_235, 3_352, null, 0.6126903432887048),
          nodes: ids('bank1', 'bank2', 'bank3', 'bank4'),
        },
        { ...fault('swizzle', 4_925, 1_780, null, 0.8150519356131554), nodes: ids('bank4', 'bank1', 'bank3', 'bank2') },
        fault('splitVotes', 5_269, 887, null, 0.9943940965458751),
        { ...fault('oneWay', 7_035, 1_753, null, 0.7796593247912824), nodes: ids('bank2', 'bank4') },
        fault('slowDisk', 8_446, 3_542, 'bank3', 0.5493043754249811),
        fault('pause', 10_130, 1, 'bank3', 0.8748069184366614),
        { ...fault('clogLink', 10_532, 1, null, 0.2935434200335294), nodes: ids('bank1', 'bank3') },
        fault('clogNode', 10_626, 1_075, 'bank4', 0.19044220936484635),
      ]),
      absent: ids('bank3'),
    },
    checker: 'liveness',
    what: 'of the customers: a bank that came back took the last payment, found its state damaged and ended with its pool, and nobody asked again',
  },
];

function ids(...names: readonly string[]): ParticipantId[] {
  return names as ParticipantId[];
}

function run(
  seed: number,
  participants: number,
  faults: readonly Fault[],
  ...liars: readonly { readonly kind: ActorKind; readonly node: ParticipantId }[]
): Plan {
  return { seed, participants, stormMs: 12_000, liars, faults, absent: [], relays: false, maxRequests: null };
}

function fault(kind: FaultKind, atMs: number, forMs: number, node: string | null, force: number): Fault {
  return { kind, atMs, forMs, nodes: node === null ? [] : [node as ParticipantId], force };
}
