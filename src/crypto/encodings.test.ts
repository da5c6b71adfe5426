import { test } from 'tap';
import { fromHex, toHex } from '../codec/hex.ts';
import { GROUP_ORDER, isPointEncoding, isScalarEncoding, littleEndian32 } from './encodings.ts';

const P = 2n ** 255n - 19n;
const SIGN = 2n ** 255n;

test('little-endian integers are those of RFC 8032', async (t) => {
  t.equal(toHex(littleEndian32(GROUP_ORDER)), 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
  t.equal(toHex(littleEndian32(1n)), `01${'00'.repeat(31)}`);
  t.equal(toHex(littleEndian32(P)), `ed${'ff'.repeat(30)}7f`);
});

test('a scalar is below the group order', async (t) => {
  const rows: [bigint, boolean][] = [
    [0n, true],
    [1n, true],
    [GROUP_ORDER - 1n, true],
    [GROUP_ORDER, false],
    [GROUP_ORDER + 1n, false],
    [2n ** 252n, true],
    [2n ** 253n, false],
    [P, false],
    [SIGN, false],
    [SIGN + 1n, false],
    [2n ** 256n - 1n, false],
  ];
  for (const [value, expected] of rows) t.equal(isScalarEncoding(littleEndian32(value), 0), expected, `${value}`);
});

test('a point has y below p and is not of small order', async (t) => {
  const order8 = [
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ].map((hex) => BigInt(`0x${toHex(fromHex(hex).toReversed())}`));
  const [first = 0n, second = 0n] = order8;
  t.equal(first + second, P, 'the two are negatives of each other');
  const rows: [bigint, boolean][] = [
    [0n, false],
    [1n, false],
    [2n, true],
    [P - 2n, true],
    [P - 1n, false],
    [P, false],
    [P + 1n, false],
    [P + 18n, false],
    [first - 1n, true],
    [first, false],
    [first + 1n, true],
    [second - 1n, true],
    [second, false],
    [second + 1n, true],
  ];
  for (const [y, expected] of rows) {
    t.equal(isPointEncoding(littleEndian32(y), 0), expected, `${y}`);
    t.equal(isPointEncoding(littleEndian32(y + SIGN), 0), expected, `${y} with the sign set`);
  }
});

test('the offset is where the encoding begins', async (t) => {
  const bytes = new Uint8Array([...littleEndian32(5n), ...littleEndian32(GROUP_ORDER)]);
  t.equal(isPointEncoding(bytes, 0), true);
  t.equal(isScalarEncoding(bytes, 0), true);
  t.equal(isScalarEncoding(bytes, 32), false);
  t.equal(isPointEncoding(bytes, 32), true);
  t.equal(isScalarEncoding(bytes, 40), false, 'what is not there does not count as small');
});
