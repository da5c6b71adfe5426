/**
 * Which 32 bytes may stand for a point, and which for a scalar, in an Ed25519 key or signature (RFC 8032 section 5.1).
 * Verifiers disagree on what is refused here, so it is refused before any of them is asked. Nothing here is secret, so
 * the comparisons may stop early.
 */
/** The field of the curve: 2^255 - 19. */
export const FIELD_PRIME = 2n ** 255n - 19n;
/** Order of the prime-order subgroup: 2^252 + 27742317777372353535851937790883648493 (RFC 8032 section 5.1). */
export const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/**
 * Whether the 32 bytes from `offset` can name a point in one way only and are not one of the eight points of small order.
 * They may still lie off the curve, or be of mixed order.
 *
 * Bytes are a little-endian y with the sign of x on top. Two things make an encoding ambiguous: y >= p = 2^255 - 19, and a
 * sign on x = 0. The latter has y = 1 or y = -1, which are of small order, so the list below covers it.
 */
export function isPointEncoding(bytes: Uint8Array, offset: number): boolean {
  if (compareLittleEndian(bytes, offset, PRIME) >= 0) return false;
  return SMALL_ORDER_Y.every((y) => compareLittleEndian(bytes, offset, y) !== 0);
}

/** Whether the 32 bytes from `offset` are below the group's order: otherwise S and S + L would both sign (RFC 8032 section 8.4). */
export function isScalarEncoding(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset + 31] ?? 0xff) < 0x80 && compareLittleEndian(bytes, offset, ORDER) < 0;
}

/** Little-endian, as RFC 8032 encodes every integer: 32 bytes. */
export function littleEndian32(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());
}

const PRIME = littleEndian32(FIELD_PRIME);
const ORDER = littleEndian32(GROUP_ORDER);

/** The y of every point whose order divides 8: order 4; 1; 2; and two of order 8 that are each other's negative. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  littleEndian32(0n),
  littleEndian32(1n),
  littleEndian32(FIELD_PRIME - 1n),
  new Uint8Array(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
  new Uint8Array(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')),
];

/** Below, equal or above zero as the 255 low bits from `offset` are below, equal to or above `other`. */
function compareLittleEndian(bytes: Uint8Array, offset: number, other: Uint8Array): number {
  for (let i = 31; i >= 0; i--) {
    const byte = bytes[offset + i] ?? 0;
    const difference = (i === 31 ? byte & 0x7f : byte) - (other[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
