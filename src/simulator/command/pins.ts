/**
 * Trace hashes of a few seeds, kept in `pins.json`. They change whenever a node, a fault or the simulator does anything else
 * than before, be it one message more; then `npm run simulate -- --pin` writes them anew. They must not change between two runs,
 * two machines or two supported versions of Node.js: that would be chance that does not come from the seed.
 */
import { planOf } from '../faults/plan.ts';
import { simulate } from '../simulation.ts';

export const PINS_FILE = new URL('./pins.json', import.meta.url);
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
/** Short, but every fault of the plan still strikes, as their times scale with it. */
const STORM_MS = 1_200;

/** The file as it should be. */
export async function pinsOf(turn: () => Promise<void>): Promise<string> {
  const pins: Record<string, string> = {};
  for (const seed of SEEDS) pins[seed] = await hashOf(seed, turn);
  return `${JSON.stringify(pins, null, 2)}\n`;
}

/** The trace hash of a pinned seed. */
async function hashOf(seed: number, turn: () => Promise<void>): Promise<string> {
  return (await simulate(planOf(seed, { stormMs: STORM_MS }), { turn })).traceHash;
}
