import t from 'tap';
import { assert, CodedError } from '../errors.ts';
import { WriteQueue } from './write-queue.ts';

const queue = () => new WriteQueue('x.log', 'LOG_FAILED');

t.test('changes run one at a time, in order, and give their answers', async (t) => {
  const q = queue();
  const seen: string[] = [];
  const change = (name: string) => async () => {
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    return name;
  };
  t.same(await Promise.all([q.run(change('a')), q.run(change('b'))]), ['a', 'b']);
  t.same(seen, ['a begins', 'a ends', 'b begins', 'b ends']);
});

t.test('the first failure is final, also for what was queued behind it', async (t) => {
  const q = queue();
  let ran = 0;
  const cause = new Error('ENOSPC: no space left');
  const failing = q.run(() => Promise.reject(cause));
  const behind = q.run(() => Promise.resolve(ran++));
  await t.rejects(failing, { code: 'LOG_FAILED', message: /x\.log failed \(ENOSPC: no space left\)/, cause });
  await t.rejects(behind, { code: 'LOG_FAILED' });
  await t.rejects(
    q.run(() => Promise.resolve(ran++)),
    { code: 'LOG_FAILED' },
  );
  t.throws(() => q.check(), { code: 'LOG_FAILED' });
  t.equal(ran, 0);
});

t.test('an error with a code keeps it', async (t) => {
  const q = queue();
  await t.rejects(
    q.run(() => Promise.reject(new CodedError('STATE_CORRUPT', 'x'))),
    { code: 'STATE_CORRUPT' },
  );
  t.throws(() => q.check(), { code: 'STATE_CORRUPT' });
});

t.test('a mistake of ours passes as it is and fails nothing', async (t) => {
  const q = queue();
  await t.rejects(
    q.run(async () => assert(false, 'wrong')),
    { name: 'AssertionError' },
  );
  t.equal(await q.run(() => Promise.resolve(1)), 1);
});

t.test('closing waits for what is queued, releases once, and ends it', async (t) => {
  const q = queue();
  const seen: string[] = [];
  const last = q.run(async () => void seen.push('change'));
  const release = async () => void seen.push('release');
  await Promise.all([q.close(release), q.close(release), last]);
  t.same(seen, ['change', 'release']);
  await t.rejects(
    q.run(() => Promise.resolve()),
    { code: 'STORAGE_CLOSED' },
  );
  t.throws(() => q.check(), { code: 'STORAGE_CLOSED' });
});

t.test('what failed can still be closed', async (t) => {
  const q = queue();
  await t.rejects(q.run(() => Promise.reject(new Error('EIO'))));
  let released = false;
  await q.close(async () => {
    released = true;
  });
  t.ok(released);
});

t.test('a failure that no change waited for is final too, and the first counts', async (t) => {
  const q = queue();
  t.notOk(q.hasFailed);
  const first = q.fail(new Error('EIO'));
  t.match(first, { code: 'LOG_FAILED', message: /EIO/ });
  t.equal(q.fail(new Error('ENOSPC')), first);
  t.ok(q.hasFailed);
  await t.rejects(
    q.run(() => Promise.resolve()),
    first,
  );
  t.throws(() => q.check(), { code: 'LOG_FAILED' });
});
