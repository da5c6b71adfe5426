import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { checksum } from './checksum.ts';

t.test('the check value of CRC-32, wherever text and bytes meet', (t) => {
  const input = '123456789';
  for (let at = 0; at <= input.length; at++) {
    const bytes = Buffer.from(`${input.slice(at)}more`);
    t.equal(checksum(input.slice(0, at), bytes, input.length - at), 0xcbf4_3926);
  }
  t.end();
});

t.test('property: it is that of zlib', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', '/', '0', '\u007f', 'é', '៛'), maxLength: 200 });
  fc.assert(
    fc.property(text, fc.uint8Array({ maxLength: 300 }), fc.nat(300), (key, bytes, cut) => {
      const length = Math.min(cut, bytes.length);
      return checksum(key, bytes, length) === crc32(bytes.subarray(0, length), crc32(key));
    }),
  );
  t.end();
});
