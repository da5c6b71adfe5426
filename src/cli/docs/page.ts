/** `npm run docs` writes the generated tables of ARCHITECTURE.md anew, between their marks. */
import { readFileSync, writeFileSync } from 'node:fs';
import { TABLES } from './tables.ts';

const PAGE = new URL('../../../ARCHITECTURE.md', import.meta.url);

/** The page as it is, and as it should be. */
export function renderPage(): { readonly present: string; readonly wanted: string } {
  const present = readFileSync(PAGE, 'utf8');
  const wanted = Object.entries(TABLES).reduce((page, [name, render]) => {
    const [open, close] = [`<!-- table:${name} -->`, `<!-- end:${name} -->`];
    const from = page.indexOf(open);
    const to = page.indexOf(close);
    if (from < 0 || to < from)
      throw new Error(`ARCHITECTURE.md has no place for the table ${name}: ${open} … ${close}`);
    return `${page.slice(0, from + open.length)}\n\n${render()}\n\n${page.slice(to)}`;
  }, present);
  return { present, wanted };
}

if (import.meta.main) writeFileSync(PAGE, renderPage().wanted);
