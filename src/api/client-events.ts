/** Reads a stream of server-sent events (WHATWG HTML, section 9.2) as the node sends it. */
import { ApiError, connectionError, notANode, refusalOf } from './client-errors.ts';
import type { EventJson } from './types.ts';

export interface EventOptions {
  /** Only receipts that touch this account. */
  readonly account?: string;
  /** Go on after this block; from now on where absent. */
  readonly after?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/** An event of a node is a few hundred bytes, and a bulk payment's a few dozen KiB: more is not one of ours. */
const MAX_EVENT_CHARS = 1024 * 1024;

/** @throws ApiError where the stream cannot begin, or breaks off. */
export async function* readEvents(
  baseUrl: string,
  send: typeof fetch,
  { account, after, signal }: EventOptions,
): AsyncGenerator<EventJson, void, void> {
  const url = new URL('/api/v1/events', baseUrl);
  if (account !== undefined) url.searchParams.set('account', account);
  const headers = after === undefined ? {} : { 'last-event-id': String(after) };
  // Whoever stops iterating has left: the connection ends with that, not when the garbage is collected.
  const left = new AbortController();
  const ends = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
  try {
    const response = await send(url, { headers, signal: ends });
    if (response.status !== 200 || response.body === null) {
      throw refusalOf(baseUrl, response.status, await response.text());
    }
    yield* parseEvents(baseUrl, response.body.pipeThrough(new TextDecoderStream()));
  } catch (error) {
    if (signal?.aborted) return;
    throw error instanceof ApiError ? error : connectionError(baseUrl, error);
  } finally {
    left.abort();
  }
}

async function* parseEvents(baseUrl: string, chunks: AsyncIterable<string>): AsyncGenerator<EventJson, void, void> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const parsed = parseEvent(event);
      if (parsed !== null) yield parsed;
    }
    if (text.length > MAX_EVENT_CHARS) throw notANode(baseUrl, 200);
  }
}

/** @returns null for comments, settings, and events of a later version. */
function parseEvent(text: string): EventJson | null {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  const type = fields.get('event');
  const data = fields.get('data');
  if (data === undefined || (type !== 'block' && type !== 'receipt')) return null;
  return { type, data: JSON.parse(data) } as EventJson;
}
