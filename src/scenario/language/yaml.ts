/**
 * Reads YAML 1.2 into a tree with places. Strict, since a story is read by people: no key twice, no anchors, aliases, tags
 * or second documents (variables, loops and includes say the same in words). Its depth is measured while it is still a
 * stream of tokens, before anything recursive sees it.
 */
import { Composer, type CST, isMap, isScalar, isSeq, Lexer, LineCounter, Parser, type Node as YamlNode } from 'yaml';
import type { Place } from '../story.ts';
import { MAX_DEPTH, MAX_FILE_CHARS } from './limits.ts';
import { checkedNumber, type Entry, Measure, type Node, pathTo } from './node.ts';
import { type Problems, refuse } from './problem.ts';

/** Where text begins. */
export function startOf(file: string): Place {
  return { file, line: 1, column: 1, path: '' };
}

/** @returns the tree, or null where there is none; then `problems` has why. */
export function readYaml(text: string, file: string, problems: Problems): Node | null {
  const lines = new LineCounter();
  const placeOf = (offset: number, path: string): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line, column: col, path };
  };
  return problems.attempt(() => {
    if (text.length > MAX_FILE_CHARS)
      refuse(
        'SCENARIO_FILE',
        startOf(file),
        `the file has ${text.length} characters; at most ${MAX_FILE_CHARS} are expected`,
      );
    const tokens = tokensOf(text, lines, (offset) => placeOf(offset, ''));
    const options = { stringKeys: true, logLevel: 'silent', prettyErrors: false, resolveKnownTags: false } as const;
    const [document, second] = [...new Composer(options).compose(tokens, true, text.length)];
    if (second)
      refuse('SCENARIO_YAML', placeOf(second.range[0], ''), 'a second document begins here; expected one a file');
    const wrong = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
    for (const { pos, message } of wrong) problems.add('SCENARIO_YAML', placeOf(pos[0], ''), sentence(message));
    if (wrong.length > 0) return null;
    return new Converter(placeOf).node(document?.contents ?? null, '', 0, 0);
  });
}

/** The token stream, no deeper than a story may be. */
function tokensOf(text: string, lines: LineCounter, placeOf: (offset: number) => Place) {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // A level takes at most two places on the parser's stack: the collection, and the item that is being read.
    if (parser.stack.length > 2 * MAX_DEPTH + 2)
      refuse(
        'SCENARIO_YAML',
        placeOf(parser.offset),
        `this nests too deep; a story is at most ${MAX_DEPTH} levels deep`,
      );
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

class Converter {
  readonly #placeOf: (offset: number, path: string) => Place;
  readonly #measure = new Measure();

  constructor(placeOf: (offset: number, path: string) => Place) {
    this.#placeOf = placeOf;
  }

  /** @param offset where it stands if it is nothing. */
  node(node: YamlNode | null, path: string, depth: number, offset: number): Node {
    const place = this.#placeOf(node?.range?.[0] ?? offset, path);
    if (node === null) return { kind: 'scalar', place, value: null };
    if (node.tag !== undefined || ('anchor' in node && node.anchor !== undefined))
      refuse(
        'SCENARIO_YAML',
        place,
        'anchors and tags are no part of the language; expected a variable, a loop or an include',
      );
    if (isSeq(node)) {
      this.#measure.take(place, depth);
      const items = node.items as YamlNode[];
      return {
        kind: 'list',
        place,
        items: items.map((item, i) => this.node(item, pathTo(path, i), depth + 1, offset)),
      };
    }
    if (isMap(node)) {
      this.#measure.take(place, depth);
      return { kind: 'map', place, entries: new Map(node.items.map((pair) => this.#entry(pair, path, depth))) };
    }
    if (!isScalar(node))
      return refuse(
        'SCENARIO_YAML',
        place,
        'aliases are no part of the language; expected a variable, a loop or an include',
      );
    const { value } = node;
    this.#measure.take(place, depth, value);
    const isPlain =
      value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isPlain
      ? { kind: 'scalar', place, value: checkedNumber(value, place) }
      : refuse('SCENARIO_YAML', place, 'this is no text and no number');
  }

  #entry(pair: { key: unknown; value: unknown }, path: string, depth: number): [string, Entry] {
    const key = pair.key as YamlNode & { value: unknown };
    const offset = key.range?.[0] ?? 0;
    const name = String(key.value);
    const inner = pathTo(path, name);
    const place = this.#placeOf(offset, inner);
    this.#measure.take(place, depth, name);
    return [name, { place, node: this.node(pair.value as YamlNode | null, inner, depth + 1, offset) }];
  }
}

/** The parser's words, as one of our sentences. */
function sentence(message: string): string {
  const [line = ''] = message.split('\n');
  return `not YAML: ${line.charAt(0).toLowerCase()}${line.slice(1)}`;
}
