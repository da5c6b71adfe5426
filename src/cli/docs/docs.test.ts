import t from 'tap';
import { renderPage } from './page.ts';

t.test('the tables of ARCHITECTURE.md say what the code says (npm run docs writes them)', async (t) => {
  const { present, wanted } = renderPage();
  t.equal(present, wanted);
});
