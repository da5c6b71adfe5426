/** Multiaddrs of the settings, read strictly: TCP only, and each names the member it is dialled for. */
import type { Multiaddr } from '@multiformats/multiaddr';
import { multiaddr } from '@multiformats/multiaddr';
import type { ParticipantId } from '../types/index.ts';
import { NetworkError, reasonOf } from './errors.ts';
import type { Members } from './members.ts';
import type { DialAddress } from './options.ts';

/** @throws NetworkError `NETWORK_ADDRESS` for anything but a TCP multiaddr. */
export function parseAddress(text: string): Multiaddr {
  const address = parse(text);
  const [host, port] = address.getComponents();
  const isTcp = ['ip4', 'ip6', 'dns4', 'dns6', 'dns'].includes(host?.name ?? '') && port?.name === 'tcp';
  if (!isTcp) throw new NetworkError('NETWORK_ADDRESS', `not a TCP multiaddr (/ip4/127.0.0.1/tcp/7001): ${text}`);
  return address;
}

/**
 * @returns the addresses of each member but oneself, with their peer ids.
 * @throws NetworkError `NETWORK_ADDRESS` also where an address names another peer, or is of no member.
 */
export function dialTargets(
  addresses: readonly DialAddress[],
  self: ParticipantId,
  members: Members,
): ReadonlyMap<ParticipantId, readonly Multiaddr[]> {
  const targets = new Map<ParticipantId, Multiaddr[]>();
  for (const { participant, address } of addresses) {
    const peerId = members.peerIdOf(participant);
    if (!peerId) throw new NetworkError('NETWORK_ADDRESS', `${participant} is no member, so ${address} is not dialled`);
    const bare = parseAddress(address);
    const named = bare.getComponents().find((component) => component.name === 'p2p')?.value;
    if (named !== undefined && named !== peerId.toString()) {
      throw new NetworkError(
        'NETWORK_ADDRESS',
        `${address} names another peer than ${participant}, ${peerId.toString()}`,
      );
    }
    if (participant === self) continue;
    const full = named === undefined ? bare.encapsulate(`/p2p/${peerId.toString()}`) : bare;
    targets.set(participant, [...(targets.get(participant) ?? []), full]);
  }
  return targets;
}

function parse(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (error) {
    throw new NetworkError('NETWORK_ADDRESS', `not a multiaddr: ${text} (${reasonOf(error)})`, { cause: error });
  }
}
