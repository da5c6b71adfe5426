/** Whether an engine has what a story takes: said before anything starts. */
import { CodedError } from '../errors.ts';
import type { EngineMaker } from './engine.ts';
import type { Need, Step, Story } from './story.ts';

const WHY: Readonly<Record<Need, string>> = {
  byzantine: 'it turns a bank into a liar, and real nodes do not lie',
  timeTravel:
    "it waits for something that falls due by the ledger's own clock, and the clocks of real nodes do not leap",
};

/** @throws CodedError `ENGINE_CANNOT`, with what and why. */
export function assertCan(
  engine: EngineMaker,
  { title, needs, network }: Pick<Story, 'title' | 'needs' | 'network'>,
): void {
  const why = [
    ...needs.filter((need) => !engine.can.includes(need)).map((need) => WHY[need]),
    ...(engine.cannotMake?.(network) ?? []),
  ];
  if (why.length === 0) return;
  throw new CodedError(
    'ENGINE_CANNOT',
    `${title} cannot be played on real processes: ${why.join('; ')}. Play it simulated`,
  );
}

/** Whether anything may be done to what is between the banks. What a program does while it is played is not known before. */
export function altersLinks(steps: readonly Step[]): boolean {
  return steps.some(({ action }) => {
    switch (action.type) {
      case 'partition':
      case 'slow':
      case 'run':
        return true;
      case 'together':
      case 'sequence':
        return altersLinks(action.steps);
      default:
        return false;
    }
  });
}
