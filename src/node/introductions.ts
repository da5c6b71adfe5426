/**
 * Who has told this node, since its start, all that it knows of the height it works on. What a key signed lately may be more
 * than its node remembers: the disk was wiped, or an old copy of it was put back. The others know, if it mattered: until as
 * many have spoken as make a quorum with this node, the key says nothing. More could not be asked for, since no more than a
 * quorum need be there.
 */
import { quorum } from '../consensus/index.ts';
import type { ParticipantId } from '../types/index.ts';

export class Introductions {
  readonly #due: number;
  readonly #heard = new Set<ParticipantId>();

  /** @param validators of the network, this node among them. */
  constructor(validators: number) {
    this.#due = quorum(validators) - 1;
  }

  get areEnough(): boolean {
    return this.#heard.size >= this.#due;
  }

  /** @returns whether this was the one that made them enough. */
  heard(peer: ParticipantId): boolean {
    if (this.areEnough) return false;
    this.#heard.add(peer);
    return this.areEnough;
  }
}
