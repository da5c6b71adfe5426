/** Which connection to a member stands, who decides it, and when one that stands is given up. */
import type { Connection } from '@libp2p/interface';
import t from 'tap';
import type { Logger } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import { HANDSHAKE_TIMEOUT_MS, USABLE_TIMEOUT_MS } from './limits.ts';
import { Links } from './links.ts';
import { PushableClock } from './tcp-world.suite.ts';

const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const first = 'aaa' as ParticipantId;
const second = 'bbb' as ParticipantId;

function setUp(self: ParticipantId, peer: ParticipantId) {
  const clock = new PushableClock();
  const events: string[] = [];
  const links = new Links(self, clock, log, {
    onUsable: () => events.push('usable'),
    onLost: () => events.push('lost'),
    onClosed: () => events.push('closed'),
    onAudit: () => {},
  });
  /** As much of a connection as is looked at here; ending it closes it, as libp2p does, before `abort` returns. */
  const connect = (direction: 'inbound' | 'outbound' = 'inbound') => {
    const connection = {
      status: 'open',
      direction,
      remotePeer: peer,
      abort: () => {
        connection.status = 'aborted';
        links.closed(peer, connection as unknown as Connection);
      },
    };
    return connection as unknown as Connection & { status: string };
  };
  return { clock, links, events, connect };
}

t.test('the leading end refuses while it dials or holds a connection, the other yields', async (t) => {
  const table: readonly [self: ParticipantId, dialling: boolean, holds: boolean, admits: boolean][] = [
    [first, false, false, true],
    [first, true, false, false],
    [first, false, true, false],
    [second, false, false, true],
    [second, true, false, true],
    [second, false, true, true],
  ];
  for (const [self, dialling, holds, admits] of table) {
    const peer = self === first ? second : first;
    const { links, connect } = setUp(self, peer);
    const held = connect();
    if (holds) links.opened(peer, held);
    links.setDialling(peer, dialling);
    t.equal(links.admitInbound(peer), admits, `${self === first ? 'leads' : 'yields'}, ${dialling}, ${holds}`);
    if (holds) t.equal(held.status === 'open', !admits, 'what it yields it ends');
  }
});

t.test('an outbound connection gives way to one that the peer is about to open', async (t) => {
  for (const [self, peer, admits] of [
    [first, second, true],
    [second, first, false],
  ] as const) {
    const { clock, links } = setUp(self, peer);
    t.ok(links.admitOutbound(peer));
    t.ok(links.admitInbound(peer));
    t.equal(links.admitOutbound(peer), admits);
    clock.push(HANDSHAKE_TIMEOUT_MS);
    t.ok(links.admitOutbound(peer), 'it did not open');
  }
});

t.test('a newer connection replaces an older one, and late news of the older one is no news', async (t) => {
  const { links, events, connect } = setUp(first, second);
  const [older, newer] = [connect(), connect()];
  links.opened(second, older);
  links.setUsable(second, older, true);
  links.opened(second, newer);
  t.equal(older.status, 'aborted');
  t.strictSame(events, ['usable', 'lost', 'closed']);
  links.setUsable(second, newer, true);
  links.setUsable(second, older, false);
  links.closed(second, older);
  t.strictSame([links.connectionTo(second), links.usable()], [newer, [second]]);
  t.strictSame(events, ['usable', 'lost', 'closed', 'usable']);
});

t.test('a connection that died while it opened is not kept', async (t) => {
  const { links, events, connect } = setUp(first, second);
  const dead = connect();
  dead.status = 'closed';
  links.opened(second, dead);
  t.notOk(links.connected(second));
  t.strictSame(events, ['closed'], 'so that it is dialled again');
});

t.test('supervision ends what does not become usable, and notices what died in silence', async (t) => {
  const { clock, links, events, connect } = setUp(first, second);
  links.start();
  const stuck = connect();
  links.opened(second, stuck);
  clock.push(USABLE_TIMEOUT_MS / 2);
  t.ok(links.connected(second));
  clock.push(USABLE_TIMEOUT_MS / 2);
  t.strictSame([links.connected(second), stuck.status], [false, 'aborted']);
  const silent = connect();
  links.opened(second, silent);
  links.setUsable(second, silent, true);
  silent.status = 'closed';
  clock.push(USABLE_TIMEOUT_MS);
  t.strictSame(links.usable(), []);
  t.strictSame(events, ['closed', 'usable', 'lost', 'closed']);
  clock.stop();
});
