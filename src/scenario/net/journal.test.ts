/** From lines of diaries to the journal: in order, whole, and nothing that is not meant. */
import t from 'tap';
import type { ParticipantId } from '../../types/index.ts';
import type { JournalEntry } from '../engine.ts';
import { Journal } from './journal.ts';
import type { DiaryLine } from './process-network.ts';

const [ACLB, CNB] = ['aclb', 'cnb'] as unknown as [ParticipantId, ParticipantId];
const START_MS = Date.UTC(2026, 0, 5);

function line(bank: ParticipantId, atMs: number, event: string, facts: object = {}): DiaryLine {
  const time = new Date(START_MS + atMs).toISOString();
  return { bank, text: JSON.stringify({ level: 'debug', time, participant: bank, ...facts, event }) };
}

/** A journal over diaries that the test writes. */
function world() {
  const unread: DiaryLine[] = [];
  const heard: JournalEntry[] = [];
  const state = { nowMs: 0, readings: 0 };
  const journal = new Journal({
    diaries: () => {
      state.readings += 1;
      return Promise.resolve(unread.splice(0));
    },
    now: () => START_MS + state.nowMs,
    elapsedAt: (realMs) => realMs - START_MS,
  });
  journal.listen((entry) => heard.push(entry));
  return { journal, unread, heard, state };
}

t.test('lines of several banks come in the order of their times, with the facts that they hold', async (t) => {
  const { journal, unread, heard } = world();
  const block = {
    height: 7,
    blockHash: 'ab',
    timeMs: 5,
    round: 0,
    proposer: 'cnb',
    signers: ['cnb'],
    via: 'consensus',
  };
  unread.push(
    line(ACLB, 30, 'node.committed', { ...block, transactions: [{ id: '01', status: 0 }], accused: ['wing'] }),
    line(ACLB, 40, 'node.blockRefused', { height: 8, blockHash: 'cd', reason: 'a wrong root' }),
    line(CNB, 10, 'node.batched', { digest: 'd1', transactions: ['01'] }),
    line(CNB, 20, 'node.voted', { step: 'prevote', height: 7, round: 0, blockHash: null }),
  );
  await journal.catchUp();
  t.match(heard, [
    { atMs: 10, bank: 'cnb', type: 'batched', digest: 'd1', transactions: ['01'] },
    { atMs: 20, bank: 'cnb', type: 'voted', step: 'prevote', height: 7, round: 0, blockHash: null },
    {
      atMs: 30,
      bank: 'aclb',
      type: 'committed',
      ...block,
      transactions: [{ id: '01', status: 0 }],
      evidence: ['wing'],
    },
    { atMs: 40, bank: 'aclb', type: 'blockRefused', height: 8, reason: 'a wrong root' },
  ]);
});

t.test('what no story follows, and what a dying process left, is passed over', async (t) => {
  const { journal, unread, heard } = world();
  const whole = line(ACLB, 50, 'node.round', { height: 1, round: 1, proposer: 'cnb' });
  unread.push(
    line(ACLB, 10, 'api.answered'),
    line(ACLB, 20, 'node.ready', { height: 0 }),
    { bank: ACLB, text: 'Error: what Node prints of a crash' },
    { bank: ACLB, text: `{"level":"debug","time":"2026-01-0${whole.text}` },
    { bank: ACLB, text: '{"level":"debug"' },
  );
  await journal.catchUp();
  t.match(heard, [{ atMs: 50, type: 'round', round: 1 }]);
  t.equal(heard.length, 1);
});

t.test('time never goes back, though a line may be read late', async (t) => {
  const { journal, unread, heard, state } = world();
  unread.push(line(CNB, 20, 'node.batchHeld', { digest: 'd', author: 'aclb' }));
  await journal.catchUp();
  unread.push(line(ACLB, 19, 'node.batched', { digest: 'd', transactions: [] }));
  state.nowMs = 25;
  journal.add(ACLB, 'ended', 'it was killed');
  await journal.catchUp();
  t.match(heard, [
    { atMs: 20, type: 'batchHeld' },
    { atMs: 20, type: 'batched' },
    { atMs: 25, bank: 'aclb', type: 'ended', why: 'it was killed' },
  ]);
});

t.test('who asks during a reading has the next one, and shares it', async (t) => {
  const { journal, unread, heard, state } = world();
  const first = journal.catchUp();
  await Promise.resolve();
  t.equal(state.readings, 1, 'the first is under way');
  unread.push(line(CNB, 20, 'node.batchHeld', { digest: 'd', author: 'aclb' }));
  await Promise.all([first, journal.catchUp(), journal.catchUp()]);
  t.equal(state.readings, 2);
  t.equal(heard.length, 1);
});

t.test('an entry without a time is an error: the order of all others would be in doubt', async (t) => {
  const { journal, unread } = world();
  unread.push({ bank: CNB, text: '{"level":"debug","event":"node.round"}' });
  await t.rejects(journal.catchUp(), { code: 'DIARY_UNREADABLE' });
});
