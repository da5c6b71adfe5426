/** `npm run docs` writes what is printed from the code anew: the tables of pages, between their marks, and the schema of scenarios. */
import { readFileSync, writeFileSync } from 'node:fs';
import { publishedSchemaText } from '../../scenario/language/schema/publish.ts';
import { withTable } from './marks.ts';
import { SCENARIO_TABLES, TABLES } from './tables.ts';

type Render = (present: string) => string;

/** Path in the repository -> what should be in it. */
const PAGES: Readonly<Record<string, Render>> = {
  'ARCHITECTURE.md': withTables('ARCHITECTURE.md', TABLES),
  'scenarios/README.md': withTables('scenarios/README.md', SCENARIO_TABLES),
  'scenarios/tonle-scenario.schema.json': publishedSchemaText,
};

/** Every page as it is, and as it should be. */
export function renderPages(): readonly { readonly name: string; readonly present: string; readonly wanted: string }[] {
  return Object.entries(PAGES).map(([name, render]) => {
    const present = readFileSync(pathOf(name), 'utf8');
    return { name, present, wanted: render(present) };
  });
}

function withTables(name: string, tables: Readonly<Record<string, () => string>>): Render {
  return (present) =>
    Object.entries(tables).reduce((page, [table, render]) => withTable(name, page, table, render()), present);
}

function pathOf(name: string): URL {
  return new URL(`../../../${name}`, import.meta.url);
}

if (import.meta.main) for (const { name, wanted } of renderPages()) writeFileSync(pathOf(name), wanted);
