/** How a simulation that is run as a command lets all promises go on that wait for nothing but their turn. */

/** So often the event loop has its turn too: there Node tells of rejections that nobody handled. */
const TURNS_PER_LOOP = 1_024;
let turns = 0;

/** A tick comes when no promise is left that waits for its turn alone; the event loop costs a system call besides. */
export function turn(): Promise<void> {
  turns += 1;
  return new Promise((resolve) => {
    if (turns % TURNS_PER_LOOP === 0) setImmediate(resolve);
    else process.nextTick(resolve);
  });
}
