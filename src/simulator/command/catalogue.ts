/**
 * Every fault that the project means to survive, and how it is simulated: which kinds of a plan it is, where it strikes, and by
 * which counts of a run it shows. What is not simulated says so, with where it is tested instead.
 */
import type { ActorKind, Conspiracy, FaultKind } from '../faults/plan.ts';

export interface CatalogueEntry {
  /** In the project's list of faults; empty for what is not on it. */
  readonly number: string;
  readonly fault: string;
  /** Where it is injected, or why not here. */
  readonly where: string;
  /** Null where it is not simulated. */
  readonly kinds: readonly (FaultKind | ActorKind | Conspiracy)[] | null;
  /** Beginnings of what a run counts: what it led to. A beginning that ends in `: ` is not printed. */
  readonly led: readonly string[] | 'forks';
}

export const CATALOGUE: readonly CatalogueEntry[] = [
  simulated('1', 'up to 30% of messages lost', 'wires', ['drop']),
  simulated('2', 'delayed, reordered, doubled, replayed', 'wires', ['delay', 'duplicate', 'replay']),
  simulated('3', 'link or node clogged, swizzled', 'wires', ['clogLink', 'clogNode', 'swizzle']),
  simulated('4', 'partition, noticed or not', 'wires', ['partition', 'silentPartition', 'splitVotes']),
  simulated('5', 'one way only', 'wires', ['oneWay']),
  simulated(
    '6',
    'slow proposer',
    'wires: all that a node sends, up to 3 s late',
    ['slowNode'],
    ['rounds above the first'],
  ),
  simulated('7', 'one or all killed', 'machines, at any event', ['crash', 'crashAll']),
  simulated('8, 30', 'stopped and continued; event loop blocked', 'machines', ['pause']),
  none('9', 'SIGTERM', 'needs a process: `npm run nemesis`'),
  simulated(
    '10, 11',
    'crash before or after a write',
    'machines, at one of the next 40 effects; all of them: `npm run simulate:exhaustive`',
    ['crashAtEffect'],
  ),
  simulated('12', 'log cut at a byte', 'the block log of a machine that is down', ['logCut'], ['logCut: ']),
  simulated('13', 'bit flipped', 'a file or a state value of a machine that is down', ['bitFlip'], ['bitFlip: ']),
  simulated('14, 15', 'unsynced data or names lost, sectors torn', 'files, in every crash', [
    'crash',
    'crashAll',
    'crashAtEffect',
  ]),
  simulated('16', 'EIO, ENOSPC', 'one of the next 20 operations of a disk', ['diskError'], ['diskError: ']),
  simulated('', 'slow disk', 'every sync, up to 60 ms', ['slowDisk']),
  simulated('17', 'disk wiped', 'machines', ['wipe'], ['wipe: ']),
  simulated('18', 'backup restored', 'machines: disk and state go back', ['restoreBackup'], ['restoreBackup: ']),
  simulated('19', 'twin', 'one key on two machines', ['twin'], ['twin: ']),
  simulated(
    '20',
    'equivocation',
    'proposals and votes',
    ['equivocator', 'pretender'],
    ['equivocator: ', 'evidence on the chain'],
  ),
  simulated('21', 'amnesia', 'the sign-state, at restarts', ['amnesiac'], ['amnesiac: ']),
  simulated('22', 'more than f conspire', 'sign-states and both sides of a split', ['twoFaced', 'forgetful'], 'forks'),
  simulated(
    '23',
    'malformed messages, false signatures',
    'gossip, questions, batches',
    ['garbage', 'forger'],
    ['garbage: ', 'forger: '],
  ),
  none('24', 'oversized anything', 'the simulated network has no frames; the tests of `network/` and `codec/`'),
  simulated('25', 'lying sync peer', 'answers and announcements', ['liar'], ['liar: ']),
  simulated('26', 'timers after commit', 'always: events that fall due at the same millisecond come in any order', []),
  simulated(
    '27',
    'clocks jump and drift',
    'clocks of nodes, up to 20 s and 5%',
    ['clockJump', 'clockDrift'],
    ['block refused: ahead'],
  ),
  none('28', 'floods of subscriptions and streams', 'the tests of `network/`'),
  none('29', 'unlisted key', 'the simulated network knows its members; the tests of `network/`'),
  none('31', 'unhandled rejection', 'needs a process; here it ends the run'),
  none('32', 'mixed versions', 'there is one version so far'),
  simulated('33', 'Node.js version', 'trace hashes are pinned and compared between versions', []),
  simulated('34', 'retry, same payment through two banks, old ones again', 'the workload', [], ['taken: ']),
  none('35', 'edge-case signatures', 'the tests of `crypto/`'),
  simulated('36', 'batch withheld', 'pushes and answers', ['withholder', 'delayer'], ['withholder: ', 'delayer: ']),
  simulated(
    '36',
    'invalid blocks',
    'proposals, wrong in one of 21 ways',
    ['badProposer'],
    ['badProposer: banned', 'block refused: '],
  ),
  simulated(
    '36',
    'batch with a transaction that no node may take',
    'batches',
    ['poisoner', 'smuggler'],
    ['poisoner: ', 'smuggler: '],
  ),
  none('37', 'key that nears its expiry, rotation', 'keys have no expiry in this version'),
];

function simulated(
  number: string,
  fault: string,
  where: string,
  kinds: readonly (FaultKind | ActorKind | Conspiracy)[],
  led: readonly string[] | 'forks' = [],
): CatalogueEntry {
  return { number, fault, where, kinds, led };
}

function none(number: string, fault: string, where: string): CatalogueEntry {
  return { number, fault, where, kinds: null, led: [] };
}
