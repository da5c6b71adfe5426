import t from 'tap';
import { renderPages } from './page.ts';

t.test('what pages print from the code says what the code says (npm run docs writes it)', async (t) => {
  for (const { name, present, wanted } of renderPages()) t.equal(present, wanted, name);
});
