/** What is wrong with the nodes' states is found, and a heartbeat in between is no mistake. */
import t from 'tap';
import type { LocalNode } from '../src/cli/local-network.ts';
import { type Audited, checkLedgers } from './checks.ts';

interface Told {
  /** Height and root of each reading; the last one again for all after it. */
  readonly states: readonly (readonly [height: number, stateRoot: string])[];
  readonly circulating: string;
  readonly balances: string;
}

/** A network that answers what it is told to. */
function networkOf(told: Readonly<Record<string, Told>>): Audited {
  const readings = new Map<string, number>();
  const nodes = Object.keys(told).map((participant) => ({ participant }) as unknown as LocalNode);
  const money = (minor: string) => ({ minor, currency: 'KHR' });
  return {
    alive: () => nodes,
    client: ({ participant }) => {
      const { states, circulating, balances } = told[participant] as Told;
      return {
        state: async () => {
          const reading = readings.get(participant) ?? 0;
          readings.set(participant, reading + 1);
          const [height, stateRoot] = states[Math.min(reading, states.length - 1)] ?? [0, ''];
          return { height, blockHash: null, stateRoot };
        },
        supply: async () => {
          const row = { currency: 'KHR', circulating: money(circulating), balances: money(balances) };
          return { height: 9, supply: [row] } as never;
        },
      };
    },
  };
}

const good: Told = { states: [[7, 'aa']], circulating: '5', balances: '5' };

t.test('states and money of the nodes', async (t) => {
  const cases: readonly [what: string, told: Readonly<Record<string, Told>>, problems: readonly RegExp[]][] = [
    ['all the same', { aclb: good, cnb: good }, []],
    ['another root', { aclb: good, cnb: { ...good, states: [[7, 'bb']] } }, [/different states at height 7/]],
    [
      'a heartbeat between two readings',
      {
        aclb: {
          ...good,
          states: [
            [7, 'aa'],
            [8, 'cc'],
          ],
        },
        cnb: { ...good, states: [[8, 'cc']] },
      },
      [],
    ],
    ['heights that never meet', { aclb: good, cnb: { ...good, states: [[8, 'cc']] } }, [/different heights, 3 times/]],
    ['money that came from nowhere', { aclb: { ...good, balances: '6' }, cnb: good }, [/aclb has 6 KHR; .* are 5/]],
  ];
  for (const [what, told, expected] of cases) {
    const problems = await checkLedgers(networkOf(told));
    t.equal(problems.length, expected.length, what);
    for (const [i, pattern] of expected.entries()) t.match(problems[i], pattern, what);
  }
});
