/**
 * Scenarios in TypeScript: `import { scenario } from 'tonle'; export default scenario({ story, people, steps })`.
 * The language is `language/document.ts`.
 */
import type { Document } from './language/document.ts';

export type * from './language/document.ts';
export type { Play } from './story.ts';

/** Gives a story's object its type, so that an editor completes and checks it. */
export function scenario(document: Document): Document {
  return document;
}
