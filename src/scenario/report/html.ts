/** Just enough HTML for a report: the page around it, its sections and tables. */
import { escaped } from './svg.ts';

/**
 * A whole document that needs nothing else.
 * @param parts markup, escaped already.
 */
export function htmlPage(title: string, style: string, parts: readonly string[]): string {
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<style>${style}</style></head><body><main>`,
    ...parts,
    '</main></body></html>\n',
  ].join('\n');
}

/** Nothing where `body` is nothing. */
export function section(title: string, body: string | null): string {
  return body === null || body === '' ? '' : `<section><h2>${escaped(title)}</h2>${body}</section>`;
}

/**
 * @param titles one with `#` before it is of numbers.
 * @param rows markup of `<tr>`, escaped already.
 */
export function table(titles: readonly string[], rows: readonly string[]): string {
  const head = titles.map((title) =>
    title.startsWith('#') ? `<th class="number">${escaped(title.slice(1))}</th>` : `<th>${escaped(title)}</th>`,
  );
  return `<div class="scroll"><table><tr>${head.join('')}</tr>${rows.join('\n')}</table></div>`;
}
