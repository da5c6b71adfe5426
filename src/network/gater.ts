/**
 * Who may connect. A stranger, a banned peer, or a copy of this host's own key is refused as soon as the Noise handshake has
 * proved its key, before a multiplexer or a protocol is negotiated: no byte of an application is read from it or sent to it.
 */
import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { ParticipantId } from '../types/index.ts';
import type { Bans } from './bans.ts';
import type { Links } from './links.ts';
import type { Members } from './members.ts';

export interface GaterComponents {
  readonly self: ParticipantId;
  readonly members: Members;
  readonly bans: Bans;
  readonly links: Links;
  /** The configured addresses, each with its peer id. */
  readonly dialable: ReadonlySet<string>;
}

export function createGater({ self, members, bans, links, dialable }: GaterComponents): ConnectionGater {
  const welcome = (peerId: PeerId): ParticipantId | null => {
    const peer = members.participantOf(peerId);
    return peer === undefined || peer === self || bans.has(peer) ? null : peer;
  };
  const refuses = (peerId: PeerId) => welcome(peerId) === null;
  return {
    denyDialPeer: refuses,
    denyDialMultiaddr: (address: Multiaddr) => !dialable.has(address.toString()),
    denyOutboundConnection: refuses,
    denyOutboundEncryptedConnection: (peerId) => {
      const peer = welcome(peerId);
      return peer === null || !links.admitOutbound(peer);
    },
    denyInboundEncryptedConnection: (peerId) => {
      const peer = welcome(peerId);
      return peer === null || !links.admitInbound(peer);
    },
    // Addresses that peers tell of themselves are not kept: nothing dials them.
    filterMultiaddrForPeer: () => false,
  };
}
