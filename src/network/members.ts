/** The one place where a libp2p peer id and a participant are the same: both are names of one Ed25519 key. */
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { fromHex } from '../codec/hex.ts';
import { assert } from '../errors.ts';
import type { ParticipantId } from '../types/index.ts';
import type { NetworkMember } from './options.ts';

export class Members {
  readonly #all: readonly ParticipantId[];
  readonly #byPeerId = new Map<string, ParticipantId>();
  readonly #byParticipant = new Map<ParticipantId, PeerId>();

  constructor(members: readonly NetworkMember[]) {
    this.#all = members.map(({ participant }) => participant);
    for (const { participant, networkKey } of members) {
      const peerId = peerIdFromPublicKey(publicKeyFromRaw(fromHex(networkKey, 32)));
      this.#byPeerId.set(peerId.toString(), participant);
      this.#byParticipant.set(participant, peerId);
    }
    assert(this.#byPeerId.size === members.length, 'each member has a network key of its own');
    assert(this.#byParticipant.size === members.length, 'each member is listed once');
  }

  /** In the order of the genesis, which all members share. */
  all(): readonly ParticipantId[] {
    return this.#all;
  }

  get size(): number {
    return this.#byParticipant.size;
  }

  participantOf(peerId: PeerId): ParticipantId | undefined {
    return this.#byPeerId.get(peerId.toString());
  }

  peerIdOf(participant: ParticipantId): PeerId | undefined {
    return this.#byParticipant.get(participant);
  }
}
