/** The first number from 0 on, up to `end`, that is not less: all before it are, and none after it. By halving. */
export function lowerBound(end: number, isLess: (n: number) => boolean): number {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isLess(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
