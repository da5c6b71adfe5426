/**
 * Reading without an exception a packet. Noise reads frames until too few bytes are left for the next length, which libp2p's
 * decoder learns from a RangeError; the stack trace of that error, taken for each packet, was 3 to 5 % of a busy node's time.
 */
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface';

/** Noise's length prefix: 2 bytes, big-endian. */
const LENGTH_BYTES = 2;

/** What the decoder of @libp2p/noise's connection lets one change; absent where another version keeps it elsewhere. */
interface Decoding {
  readonly decoder?: { lengthDecoder?: (data: { readonly byteLength: number }) => number };
}

/** Makes the muxers of `create` read from connections whose decoder is quiet. */
export function withQuietReads(create: () => StreamMuxerFactory): () => StreamMuxerFactory {
  return () => {
    const factory = create();
    const createStreamMuxer = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => createStreamMuxer(quiet(connection));
    return factory;
  };
}

/** The connection, changed to say "too few bytes" by one error, made once. */
export function quiet(connection: MessageStream): MessageStream {
  const { decoder } = connection as MessageStream & Decoding;
  const decode = decoder?.lengthDecoder;
  if (decoder === undefined || decode === undefined) return connection;
  decoder.lengthDecoder = (data) => {
    if (data.byteLength < LENGTH_BYTES) throw TOO_FEW;
    return decode(data);
  };
  return connection;
}

const TOO_FEW = new RangeError('the length of the next frame is not here yet');
