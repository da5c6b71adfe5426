/** What can go wrong with a peer or with this host's own settings. */
import { CodedError } from '../errors.ts';

/**
 * | code | meaning | what to do |
 * |---|---|---|
 * | PEER_GONE | not connected, or the connection was lost before the answer was whole | ask another peer |
 * | PEER_SLOW | no progress within the time limit | ask another peer |
 * | PEER_BUSY | too many questions are open with this peer, here or there | ask another peer, or later |
 * | PEER_NONSENSE | the answer breaks a limit or its framing; the peer is banned | ask another peer |
 * | NETWORK_ADDRESS | an address of the settings is not a TCP multiaddr | correct the settings |
 * | NETWORK_LISTEN | an address cannot be listened on | free the port, or choose another |
 * | NETWORK_KEY | the private key is not this participant's | use the key file of this participant |
 */
export type NetworkErrorCode =
  | 'PEER_GONE'
  | 'PEER_SLOW'
  | 'PEER_BUSY'
  | 'PEER_NONSENSE'
  | 'NETWORK_ADDRESS'
  | 'NETWORK_LISTEN'
  | 'NETWORK_KEY';

export class NetworkError extends CodedError {
  declare readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.name = 'NetworkError';
  }
}

/** What an unknown thrown thing says, for a diary line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Handlers never reject but for an assertion, which must end the process; libp2p would swallow it. So it is thrown again
 * where nothing catches it.
 */
export function crash(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
