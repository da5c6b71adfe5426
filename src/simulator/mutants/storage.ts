/** Mistakes in what must outlive a crash: records, syncs, the order of both. */
import type { Mutant } from './mutant.ts';

export const STORAGE: readonly Mutant[] = [
  {
    name: 'record-not-synced',
    mistake: 'A record counts as written before it is synced.',
    file: 'storage/record-file.ts',
    find: 'await this.#file.appendSynced(bytes);',
    replace: 'await this.#file.append(bytes);',
    scene: 'crashes',
    caughtBy: ['durability', 'double-sign', 'node-ended'],
  },
  {
    name: 'torn-record-taken',
    mistake: 'A record whose payload did not reach the disk is taken for whole.',
    file: 'storage/record-scan.ts',
    find: 'return crc === head.crc;',
    replace: 'return true;',
    scene: 'crashesAtEffects',
    caughtBy: ['node-ended'],
  },
  {
    name: 'torn-end-not-cut',
    mistake: 'The next record is written behind a torn one.',
    file: 'storage/record-file.ts',
    find: 'if (end < size) {',
    replace: 'if (end > size) {',
    scene: 'crashesAtEffects',
    caughtBy: ['durability', 'handler', 'node-ended', 'simulation'],
  },
  {
    name: 'whole-end-cut',
    mistake: 'The last record is thrown away at every start.',
    file: 'storage/record-scan.ts',
    find: 'return { index, end: doubt ?? size, damage: null };',
    replace: 'return { index, end: doubt ?? size - 1, damage: null };',
    scene: 'crashes',
    caughtBy: ['node-ended', 'durability', 'double-sign'],
  },
  {
    name: 'oldest-vote-read',
    mistake: 'After a restart the sign state tells the first record of its file, not the last.',
    file: 'storage/sign-state.ts',
    find: 'found.read(found.count)',
    replace: 'found.read(1)',
    scene: 'crashes',
    caughtBy: ['double-sign'],
  },
];
