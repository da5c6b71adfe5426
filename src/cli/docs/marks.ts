/** Where a page has a table that is written by a command: between two marks that a reader does not see. */

/**
 * @param name of the page, for the error.
 * @returns the page with `text` in the place of the table.
 * @throws Error where the page has no such place.
 */
export function withTable(name: string, page: string, table: string, text: string): string {
  const [open, close] = [`<!-- table:${table} -->`, `<!-- end:${table} -->`];
  const from = page.indexOf(open);
  const to = page.indexOf(close);
  if (from < 0 || to < from) throw new Error(`${name} has no place for the table ${table}: ${open} … ${close}`);
  return `${page.slice(0, from + open.length)}\n\n${text}\n\n${page.slice(to)}`;
}
