import t from 'tap';
import { encode } from '../../codec/schema.ts';
import { vote as voteSchema } from '../../codec/vote.ts';
import { chainIdOf, statementSigningBytes, validatorsOf } from '../../crypto/ids.ts';
import type { BlockHash, Evidence, ParticipantId, Vote } from '../../types/index.ts';
import { CATALOGUE } from '../command/catalogue.ts';
import { ACTOR_KINDS, CONSPIRACIES, FAULT_KINDS } from '../faults/plan.ts';
import { VirtualClock } from '../world/clock.ts';
import { membership } from '../world/members.ts';
import { VirtualNetwork } from '../world/network.ts';
import { SignatureChecks } from './check-signatures.ts';
import { Transcript } from './transcript.ts';

const { genesis, signer, verifier } = membership(4, 'stub');
const chainId = chainIdOf(genesis);
const validators = validatorsOf(genesis);
const [A, B] = ['a'.repeat(64), 'b'.repeat(64)] as BlockHash[];
const id = (validator: number) => `bank${validator + 1}` as ParticipantId;

/** A vote with a true signature. */
function vote(validator: number, step: Vote['step'], round: number, blockHash: BlockHash | null | undefined): Vote {
  const statement = { step, height: 5, round, blockHash: blockHash ?? null, validRound: null, validator };
  const signature = signer(`validator/${id(validator)}`).sign(statementSigningBytes(chainId, statement));
  return { ...statement, signature };
}

function evidenceAgainst(validator: number): Evidence {
  return { first: vote(validator, 'prevote', 0, A), second: vote(validator, 'prevote', 0, B) };
}

/** Bank 4 lies. */
function checks() {
  const fired: string[] = [];
  const honest = new Set([0, 1, 2].map(id));
  return { fired, checks: new SignatureChecks(validators, honest, (checker) => fired.push(checker)) };
}

t.test('evidence names nobody honest, on the chain or off it', (t) => {
  const rows: [string, (c: SignatureChecks) => void, string[]][] = [
    ['a liar', (c) => c.heard(id(0), evidenceAgainst(3), 4), []],
    ['somebody honest', (c) => c.heard(id(0), evidenceAgainst(1), 4), ['framed']],
    ['the same, in a block', (c) => c.block([evidenceAgainst(1)], 4), ['framed']],
    [
      'one whose disk was wiped',
      (c) => {
        c.forgot(id(1), 'wipe');
        c.heard(id(0), evidenceAgainst(1), 4);
      },
      [],
    ],
  ];
  for (const [what, act, due] of rows) {
    const { checks: c, fired } = checks();
    act(c);
    t.strictSame(fired, due, what);
  }
  t.end();
});

t.test('evidence comes onto the chain within six blocks of a healed network', (t) => {
  const rows: [string, (c: SignatureChecks) => void, string[]][] = [
    ['it does not', () => undefined, ['evidence']],
    ['it does', (c) => c.block([evidenceAgainst(3)], 10), []],
    ['who had it crashed, and forgot', (c) => c.crashed(id(0)), []],
  ];
  for (const [what, act, due] of rows) {
    const { checks: c, fired } = checks();
    c.heard(id(0), evidenceAgainst(3), 2);
    for (let height = 3; height <= 9; height++) c.block([], height);
    t.strictSame(fired, [], 'nothing is asked for in a storm');
    c.healed(9);
    act(c);
    for (let height = 11; height <= 14; height++) c.block([], height);
    t.strictSame(fired, []);
    c.block([], 15);
    t.strictSame(fired, due, what);
    t.equal(c.isWaiting, due.length > 0, what);
  }
  t.end();
});

t.test('a transcript names who said two things, and who turned without a polka', (t) => {
  const told = (...votes: Vote[]) => {
    const transcript = new Transcript(chainId, validators, verifier);
    for (const each of votes) transcript.hear('votes', encode(voteSchema, each));
    return { two: [...transcript.equivocators()], turned: [...transcript.turncoats(5)] };
  };
  const lock = vote(3, 'precommit', 0, A);
  const turn = vote(3, 'prevote', 2, B);
  const polka = [0, 1, 2].map((validator) => vote(validator, 'prevote', 1, B));
  t.strictSame(told(lock, turn), { two: [], turned: [id(3)] });
  t.strictSame(told(lock, turn, ...polka), { two: [], turned: [] }, 'a later polka allows it');
  t.strictSame(told(lock, turn, ...polka.slice(1)), { two: [], turned: [id(3)] }, 'two prevotes are no polka');
  t.strictSame(told(vote(3, 'prevote', 0, A), vote(3, 'prevote', 0, null)), { two: [id(3)], turned: [] });
  t.strictSame(told(vote(3, 'prevote', 0, A), vote(3, 'prevote', 1, B)), { two: [], turned: [] }, 'another round');
  const forged = { ...vote(3, 'prevote', 0, B), signature: new Uint8Array(64) };
  t.strictSame(told(vote(3, 'prevote', 0, A), forged), { two: [], turned: [] }, 'a false signature says nothing');
  t.end();
});

t.test('gossip reaches who is cut off from its source through others, once, where relays are on', async (t) => {
  for (const relays of [true, false]) {
    const clock = new VirtualClock(0);
    const wires = new VirtualNetwork(clock);
    wires.relays = relays;
    const heard: string[] = [];
    const ports = [0, 1, 2].map((index) => {
      const port = wires.join(id(index));
      void port.start({
        onGossip: (_, from) => {
          heard.push(`${id(index)} from ${from}`);
          return Promise.resolve('accept');
        },
        onBatch: () => Promise.resolve('ignore'),
        onQuestion: () => Promise.resolve([]),
        onPeer: () => undefined,
      });
      return port;
    });
    wires.cut([id(0)], [id(2)]);
    ports[0]?.publish('votes', Uint8Array.of(1));
    for (let i = 0; i < 5; i++) {
      clock.fireNext();
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.strictSame(heard, relays ? ['bank2 from bank1', 'bank3 from bank2'] : ['bank2 from bank1']);
  }
});

t.test('a participant at two addresses is one peer, and is banned at both', (t) => {
  const clock = new VirtualClock(0);
  const wires = new VirtualNetwork(clock);
  const second = 'bank3+' as ParticipantId;
  const ignore = () => Promise.resolve('ignore' as const);
  const handlers = {
    onGossip: ignore,
    onBatch: ignore,
    onQuestion: () => Promise.resolve([]),
    onPeer: () => undefined,
  };
  const port = wires.join(id(0));
  for (const one of [port, wires.join(id(2)), wires.join(second, id(2))]) void one.start(handlers);
  t.strictSame(port.peers(), [id(2)]);
  wires.cut([id(0)], [id(2)], 'one of them');
  t.strictSame(port.peers(), [id(2)], 'the other one is still there');
  wires.heal('one of them');
  port.ban(id(2), 'a test');
  t.strictSame(port.peers(), []);
  t.end();
});

t.test('the catalogue of faults names every kind', (t) => {
  const named = new Set<string>(CATALOGUE.flatMap(({ kinds }) => kinds ?? []));
  for (const kind of [...FAULT_KINDS, ...ACTOR_KINDS, ...CONSPIRACIES]) t.ok(named.has(kind), kind);
  t.end();
});
