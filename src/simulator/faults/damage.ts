/** What a disk does to its files while a machine is down: bits flip, and ends are gone, of what had long been synced. */
import { BLOCK_LOG_FILE, STORAGE_ERRORS } from '../../storage/index.ts';
import type { Backup, Machine } from '../world/machine.ts';
import type { Chance } from '../world/random.ts';
import type { FaultKind } from './plan.ts';

/** What was done to a disk. */
export interface Damage {
  /** In words, for the trace. */
  readonly what: string;
  readonly isInState: boolean;
}

/** A backup, and what had damaged the machine when it was taken: the damage is in it. */
export interface KeptBackup extends Backup {
  readonly damage: FaultKind | null;
}

/** Codes by which a node may refuse to start on a damaged disk. Anything else that it says then is a defect. */
export const BOOT_REFUSALS: ReadonlySet<string> = new Set([
  ...STORAGE_ERRORS.map(({ code }) => code),
  'CHAIN_CORRUPT',
  'STATE_AHEAD',
]);

/**
 * Flips one bit of a file, or of a value in the state database.
 *
 * @param force where, as a part of the whole.
 */
export function flipBit(machine: Machine, chance: Chance, force: number): Damage {
  const files = machine.disk.list();
  const place = chance.below(files.length + 1);
  const file = files[place];
  if (file === undefined) return flipStateBit(machine, chance, force);
  const content = machine.disk.peek(file)?.slice();
  if (content === undefined || content.length === 0) return inFile(`${file} is empty`);
  const bit = Math.floor(force * content.length * 8);
  machine.disk.write(file, withBitFlipped(content, bit));
  return inFile(`bit ${bit} of ${8 * content.length} of ${file}`);
}

/** Cuts the block log off at any of its bytes. @param force where, as a part of the whole. */
export function cutLog(machine: Machine, force: number): Damage {
  const content = machine.disk.peek(BLOCK_LOG_FILE);
  if (content === null) return inFile('no log to cut');
  const left = Math.floor(force * content.length);
  machine.disk.write(BLOCK_LOG_FILE, content.slice(0, left));
  return inFile(`${left} of ${content.length} bytes of ${BLOCK_LOG_FILE} are left`);
}

/** LevelDB has checksums of its own below; here the node meets the flipped value. */
function flipStateBit({ state }: Machine, chance: Chance, force: number): Damage {
  const entries = state.entries.entries().filter(([, value]) => value.length > 0);
  if (entries.length === 0) return inFile('no state to damage');
  const [key, value] = chance.pick(entries);
  const bit = Math.floor(force * value.length * 8);
  state.entries.set(key, withBitFlipped(value.slice(), bit));
  return { what: `bit ${bit} of ${8 * value.length} of the state's ${key}`, isInState: true };
}

function inFile(what: string): Damage {
  return { what, isInState: false };
}

function withBitFlipped(bytes: Uint8Array, bit: number): Uint8Array {
  const at = bit >> 3;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  return bytes;
}
