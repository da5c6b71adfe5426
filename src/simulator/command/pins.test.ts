import { readFileSync } from 'node:fs';
import t from 'tap';
import { turn } from '../turn.ts';
import { PINS_FILE, pinsOf } from './pins.ts';

t.test('a trace hash is the same on every machine and version of Node.js', async (t) => {
  t.equal(await pinsOf(turn), readFileSync(PINS_FILE, 'utf8'), 'npm run simulate -- --pin writes them anew');
});
