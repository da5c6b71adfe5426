import { createHmac } from 'node:crypto';
import { test } from 'tap';
import { aliasKey, isE164 } from './alias.ts';
import { DOMAINS } from './domains.ts';

const secret = new Uint8Array(32).fill(7);

test('an alias key is HMAC-SHA-256 over the tagged number', async (t) => {
  const tag = DOMAINS.aliasKey;
  const expected = createHmac('sha256', secret).update(`${String.fromCharCode(tag.length)}${tag}+85512345678`);
  t.equal(aliasKey(secret, '+85512345678'), expected.digest('hex'));
  t.equal(aliasKey(secret, '+85512345678'), 'd3f838e3e515fe175041c77f26ea22959a22440229a5d35cc5ef1d7623ba86ff');
});

test('HMAC-SHA-256 is that of RFC 4231', async (t) => {
  // Test cases 1, 2 and 6: a short key, a text key, and a key longer than a block.
  const rows: [Buffer, string, string][] = [
    [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      Buffer.alloc(131, 0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ];
  for (const [key, data, mac] of rows) t.equal(createHmac('sha256', key).update(data).digest('hex'), mac, data);
});

test('another secret or number gives another key', async (t) => {
  const other = Uint8Array.from(secret, (byte, i) => (i === 31 ? byte ^ 1 : byte));
  const keys = [secret, other].flatMap((key) => ['+85512345678', '+85512345679'].map((phone) => aliasKey(key, phone)));
  t.equal(new Set(keys).size, 4);
});

test('only the canonical form of a number is derived from', async (t) => {
  const good = ['+85512345678', '+12345678', '+123456789012345'];
  const bad = [
    '',
    '85512345678',
    '+0123456789',
    '+1234567',
    '+1234567890123456',
    '+855 12345678',
    '+85512345678\n',
    '+８５５12345678',
  ];
  for (const text of good) t.equal(isE164(text), true, text);
  for (const text of bad) {
    t.equal(isE164(text), false, text);
    t.throws(() => aliasKey(secret, text), { name: 'AssertionError' }, text);
  }
  t.throws(() => aliasKey(new Uint8Array(31), '+85512345678'), { name: 'AssertionError' });
});
