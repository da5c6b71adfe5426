/** When a member is dialled: at once, then after waits that double to a bound, with jitter, for ever. */
import t from 'tap';
import type { Clock, Logger } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import { parseAddress } from './addresses.ts';
import { Bans } from './bans.ts';
import type { DialerComponents } from './dialer.ts';
import { Dialer } from './dialer.ts';
import { BAN_MS, HANDSHAKE_TIMEOUT_MS, MAX_DIALS } from './limits.ts';
import { Links } from './links.ts';

const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const [first, second] = ['aaa', 'bbb'] as ParticipantId[] as [ParticipantId, ParticipantId];

/** Time stands still until the next thing is due. */
class HandClock implements Clock {
  nowMs = 0;
  readonly pending: { atMs: number; fire: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  schedule(delayMs: number, fire: () => void): () => void {
    const entry = { atMs: this.nowMs + delayMs, fire };
    this.pending.push(entry);
    return () => {
      const at = this.pending.indexOf(entry);
      if (at >= 0) this.pending.splice(at, 1);
    };
  }

  /** @returns how long it took until something was due. */
  async next(): Promise<number> {
    const [due] = this.pending.toSorted((a, b) => a.atMs - b.atMs);
    if (!due) return Number.NaN;
    this.pending.splice(this.pending.indexOf(due), 1);
    const waitedMs = due.atMs - this.nowMs;
    this.nowMs = due.atMs;
    due.fire();
    await new Promise(setImmediate);
    return waitedMs;
  }
}

function setUp(self: ParticipantId, peer: ParticipantId, jitter: number, options: Partial<DialerComponents> = {}) {
  const clock = new HandClock();
  const ignore = () => {};
  const links = new Links(self, clock, log, { onUsable: ignore, onLost: ignore, onClosed: ignore, onAudit: ignore });
  const bans = new Bans(clock, log);
  const dials: number[] = [];
  const dialer = new Dialer({
    targets: new Map([[peer, [parseAddress('/ip4/127.0.0.1/tcp/1')]]]),
    links,
    bans,
    clock,
    random: { bytes: (length) => new Uint8Array(length).fill(jitter) },
    log,
    retryMaxMs: 1_000,
    headStartMs: 250,
    dial: () => {
      dials.push(clock.nowMs);
      return Promise.reject(new Error('nobody there'));
    },
    ...options,
  });
  dialer.start();
  return { clock, links, bans, dialer, dials };
}

async function waits(clock: HandClock, count: number): Promise<readonly number[]> {
  const found: number[] = [];
  while (found.length < count) found.push(await clock.next());
  return found;
}

t.test('waits double up to the bound, between half and all of it', async (t) => {
  t.strictSame(await waits(setUp(first, second, 0).clock, 8), [0, 50, 100, 200, 400, 500, 500, 500]);
  const longest = await waits(setUp(first, second, 255).clock, 8);
  t.ok(longest.every((waitMs, at) => waitMs <= [0, 100, 200, 400, 800, 1_000, 1_000, 1_000][at]!));
  t.ok(longest[7]! > 990);
});

t.test('the end that sorts second leaves the other a head start', async (t) => {
  t.strictSame(await waits(setUp(second, first, 0).clock, 2), [250, 300]);
});

t.test('a member that was reached is dialled soon again when it is lost', async (t) => {
  const { clock, dialer } = setUp(first, second, 0);
  await waits(clock, 8);
  dialer.reached(second);
  dialer.lost(second);
  t.strictSame(await waits(clock, 2), [50, 100]);
});

t.test('nobody is dialled while banned, or while a connection of theirs is about to open', async (t) => {
  const { clock, links, bans, dials } = setUp(first, second, 0);
  bans.add(second, 'a test');
  while (dials.length === 0) await clock.next();
  t.equal(dials[0], BAN_MS, 'banned');
  const opensBeforeMs = clock.nowMs + HANDSHAKE_TIMEOUT_MS;
  t.ok(links.admitInbound(second));
  while (dials.length === 1) await clock.next();
  t.ok(dials[1]! >= opensBeforeMs && dials[1]! < opensBeforeMs + 1_000, 'expected');
});

t.test('while it dials, the end that sorts first lets no inbound connection of that member through', async (t) => {
  const { links } = setUp(first, second, 0);
  links.setDialling(second, true);
  t.notOk(links.admitInbound(second));
  links.setDialling(second, false);
  t.ok(links.admitInbound(second));
  const behind = setUp(second, first, 0).links;
  behind.setDialling(first, true);
  t.ok(behind.admitInbound(first), 'the other end yields');
});

t.test('a few are dialled at once, the others in turn', async (t) => {
  const peers = Array.from({ length: MAX_DIALS + 3 }, (_, at) => `bbb${at}` as ParticipantId);
  const addresses = [parseAddress('/ip4/127.0.0.1/tcp/1')];
  const ends: (() => void)[] = [];
  const { clock } = setUp(first, second, 0, {
    targets: new Map(peers.map((peer) => [peer, addresses])),
    dial: () => new Promise<void>((resolve) => ends.push(resolve)),
  });
  await waits(clock, peers.length);
  t.equal(ends.length, MAX_DIALS);
  for (let ended = 0; ended < 3; ended += 1) {
    ends[ended]!();
    await new Promise(setImmediate);
    t.equal(ends.length, MAX_DIALS + ended + 1);
  }
});
