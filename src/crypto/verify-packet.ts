/**
 * What travels between `createVerifier` and its threads: one array instead of three objects a check, so that the structured
 * clone has nothing to walk. Per check: length of the message (4 bytes, little-endian), key (32), signature (64), message.
 */
import { isHex } from '../codec/hex.ts';
import type { SignatureCheck } from '../ports.ts';
import { verifyEd25519Bytes } from './ed25519.ts';

/**
 * Packs the checks into a buffer of their own, to be transferred. A key or signature that does not have its form is packed
 * as zeros, a point of small order, so it is refused there as it would be here.
 */
export function packChecks(checks: readonly SignatureCheck[]): ArrayBuffer {
  const packed = Buffer.from(new ArrayBuffer(checks.reduce((size, { message }) => size + 100 + message.length, 0)));
  let offset = 0;
  for (const { publicKey, message, signature } of checks) {
    packed.writeUInt32LE(message.length, offset);
    if (signature.length === 64 && isHex(publicKey, 32)) {
      packed.write(publicKey, offset + 4, 'hex');
      packed.set(signature, offset + 36);
    }
    packed.set(message, offset + 100);
    offset += 100 + message.length;
  }
  return packed.buffer;
}

/** Checks what was packed: 1 for a good signature, 0 for another, in order. */
export function verifyPacked(packet: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const packed = Buffer.from(packet);
  const verdicts: number[] = [];
  for (let offset = 0; offset < packed.length; ) {
    const end = offset + 100 + packed.readUInt32LE(offset);
    const good = verifyEd25519Bytes(
      packed.subarray(offset + 4, offset + 36),
      packed.subarray(offset + 100, end),
      packed.subarray(offset + 36, offset + 100),
    );
    verdicts.push(good ? 1 : 0);
    offset = end;
  }
  return Uint8Array.from(verdicts);
}
