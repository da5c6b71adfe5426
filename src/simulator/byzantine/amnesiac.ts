/**
 * Honest software that loses its memory: it restarts now and then, and finds the first thing that its key ever signed as the
 * last one, as out of an old backup. So it votes again where it voted, and for something else than what it was locked on.
 */
import type { Actor } from './actor.ts';

export const amnesiac: Actor = ({ chance, restart }) => {
  let oldest: Uint8Array | null = null;
  return (ports) => {
    ports.clock.schedule(chance.between(150, 3_000), () => restart(chance.between(1, 60)));
    const signState = {
      last: () => oldest,
      record(entry: Uint8Array) {
        oldest ??= entry.slice();
        return Promise.resolve();
      },
      close: () => ports.signState.close(),
    };
    return { ...ports, signState };
  };
};
