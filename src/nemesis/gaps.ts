/** The longest time without a commit while something was wrong, by kind of fault. */
import type { Checker } from './checker.ts';
import type { FaultKind } from './plan.ts';

export interface Window {
  readonly kind: FaultKind | 'none';
  /** Height when the fault began, and the first one after the network had recovered. */
  readonly from: number;
  readonly to: number;
}

/** Milliseconds between two blocks, by their own times: the proposers' clocks, which here are one. */
export function worstGaps(windows: readonly Window[], checker: Checker): ReadonlyMap<Window['kind'], number> {
  const worst = new Map<Window['kind'], number>();
  for (const { kind, from, to } of windows) {
    for (let height = Math.max(1, from); height < to; height++) {
      const [before, after] = [checker.timeOf(height), checker.timeOf(height + 1)];
      if (before === null || after === null) continue;
      worst.set(kind, Math.max(worst.get(kind) ?? 0, after - before));
    }
  }
  return worst;
}
