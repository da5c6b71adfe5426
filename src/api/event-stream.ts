/**
 * One reader's stream of server-sent events (WHATWG HTML, section 9.2): of each block first its receipts, then the block
 * with its height as the event's id. So `Last-Event-ID` names a block of which everything was sent, and a stream that was
 * cut in the middle of one begins with it again: each event comes at least once, and in order.
 */
import { accountsOf } from '../node/indexes.ts';
import type { Clock } from '../ports.ts';
import type { AccountId, Transaction } from '../types/index.ts';
import type { BlockFeed, FeedBlock } from './block-feed.ts';

export interface StreamOptions {
  readonly feed: BlockFeed;
  readonly clock: Clock;
  /** First block to tell of. */
  readonly from: number;
  /** Only receipts that touch it; null for all. */
  readonly account: AccountId | null;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  /** Ends the stream. */
  readonly end: AbortSignal;
  /** Called when the reader has taken nothing for `stallMs`. */
  readonly onStall: () => void;
}

/** What a client waits before it connects again, unless it knows better. */
const RETRY_MS = 1_000;
/** Events are handed over in pieces of about this size: one piece is all that a stream holds besides its buffers. */
const PIECE_CHARS = 16 * 1024;

/** Text to be written as it is asked for; ends when `end` is aborted. */
export async function* eventStream(options: StreamOptions): AsyncGenerator<string, void, void> {
  const { feed, clock, account, stallMs, end, onStall } = options;
  let next = options.from;
  const pieces = async function* (): AsyncGenerator<string, void, void> {
    yield `retry: ${RETRY_MS}\n\n`;
    while (!end.aborted) {
      // The node began anew at a snapshot: what lies between, another node tells whoever connects again.
      if (next < feed.first && next <= feed.tip) return;
      if (next <= feed.tip) {
        yield* blockPieces(await feed.at(next), account);
        next += 1;
      } else if (!(await nextBlock(options))) {
        // A comment: nobody's event, but proxies and the reader see that the stream lives.
        if (!end.aborted) yield ': heartbeat\n\n';
      }
    }
  };
  for await (const piece of pieces()) {
    const cancel = clock.schedule(stallMs, onStall);
    try {
      yield piece;
    } finally {
      cancel();
    }
  }
}

function* blockPieces({ event, transactions }: FeedBlock, account: AccountId | null): Generator<string, void, void> {
  let piece = '';
  for (const { transaction, entry } of transactions) {
    if (account !== null && !touches(transaction, account)) continue;
    piece += `event: receipt\ndata: ${JSON.stringify(entry())}\n\n`;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}event: block\nid: ${event.height}\ndata: ${JSON.stringify(event)}\n\n`;
}

function touches({ body }: Transaction, account: AccountId): boolean {
  return body.commands.some((command) => accountsOf(command).includes(account));
}

/** @returns whether there is a new block; false after a silence that is due a heartbeat, and at the end. */
function nextBlock({ feed, clock, heartbeatMs, end }: StreamOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (found: boolean) => {
      forget();
      cancel();
      end.removeEventListener('abort', onEnd);
      resolve(found);
    };
    const onEnd = () => finish(false);
    const forget = feed.onNext(() => finish(true));
    const cancel = clock.schedule(heartbeatMs, () => finish(false));
    end.addEventListener('abort', onEnd);
  });
}
