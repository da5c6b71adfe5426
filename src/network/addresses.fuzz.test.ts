/** Hostile settings: addresses are read, or refused by their code. */
import fc from 'fast-check';
import t from 'tap';
import { fuzzRuns, hostileText, readerProblem } from '../testing/fuzz.ts';
import { parseAddress } from './addresses.ts';

t.test('addresses', async (t) => {
  const truth = ['/ip4/127.0.0.1/tcp/7001', '/ip6/::1/tcp/65535', '/dns4/nbc.example/tcp/7001'];
  for (const text of truth) t.doesNotThrow(() => parseAddress(text));
  const property = fc.property(fc.nat(), (seed) => {
    const text = hostileText(seed, truth);
    const problem = readerProblem(text.slice(0, 255), parseAddress, ['NETWORK_ADDRESS'], null);
    if (problem !== null) throw new Error(`${problem}\n${JSON.stringify(text)}`);
  });
  fc.assert(property, fuzzRuns(800));
});
