/**
 * Which node a command talks to: the one that --url names, or those of the local network, where a question that any node
 * can answer goes on to the next one while the first is dead.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { type Client, createClient } from '../api/client.ts';
import { participantIdProblem } from '../codec/text.ts';
import { createSigner } from '../crypto/ed25519.ts';
import { CodedError } from '../errors.ts';
import type { Signer } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import type { CliContext } from './context.ts';
import { homePaths, readKey, readSecret } from './home.ts';
import { type LocalNode, readLocalNetwork } from './local-network.ts';
import { passwordSource } from './password.ts';

/** What an operator of a bank has at hand. */
export interface BankOptions {
  /** Opens the operator API; TONLE_TOKEN and the bank's home folder have it too. */
  readonly token?: string;
  /** The bank's home folder; that of the local network where absent. */
  readonly home?: string;
}

export class Nodes {
  /** Those of the local network; empty where --url names a node. */
  readonly local: readonly LocalNode[];
  readonly #url: string | null;

  private constructor(url: string | null, local: readonly LocalNode[]) {
    this.#url = url;
    this.local = local;
  }

  /** @throws CodedError `NO_NETWORK` where there is neither --url nor a local network. */
  static async of({ url, data }: CliContext): Promise<Nodes> {
    return new Nodes(url, url === null ? (await readLocalNetwork(data)).nodes : []);
  }

  /** The node of a participant, or the one that --url names. @throws CodedError `PARTICIPANT_UNKNOWN`. */
  of(participant: ParticipantId, token?: string): Client {
    const options = token === undefined ? {} : { token };
    if (this.#url !== null) return createClient(this.#url, options);
    return createClient(this.#localNode(participant).apiUrl, options);
  }

  /** All nodes that can be asked, the participant's own first. */
  all(first?: ParticipantId): readonly Client[] {
    if (this.#url !== null) return [createClient(this.#url)];
    const own = this.local.filter((node) => node.participant === first);
    const others = this.local.filter((node) => node.participant !== first);
    return [...own, ...others].map((node) => createClient(node.apiUrl));
  }

  /** Asks one node after the other until one answers. Only for what changes nothing. */
  async ask<T>(question: (client: Client) => Promise<T>, first?: ParticipantId): Promise<T> {
    let last: unknown;
    for (const client of this.all(first)) {
      try {
        return await question(client);
      } catch (error) {
        if (!isSilence(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** A bank's node with its operator's token. @throws CodedError `TOKEN_NEEDED`, `KEY_FILE_*`, `SECRET_MALFORMED`. */
  async desk(participant: ParticipantId, options: BankOptions, env: CliContext['io']['env']): Promise<Client> {
    const home = options.home ?? (this.#url === null ? this.#localNode(participant).home : null);
    const given = options.token ?? env['TONLE_TOKEN'];
    const token = given ?? (home === null ? null : await readSecret(homePaths(home).operatorToken));
    if (token === null) {
      throw new CodedError(
        'TOKEN_NEEDED',
        `only ${participant} itself can do this: give its operator token with --token or TONLE_TOKEN, or its home with --home`,
      );
    }
    return this.of(participant, token);
  }

  /**
   * The central bank's officers: from the key files named, or from its home in the local network.
   *
   * @throws CodedError `OFFICER_KEY_NEEDED`, `KEY_FILE_*`.
   */
  async officers(files: readonly string[], io: CliContext['io']): Promise<readonly Signer[]> {
    const found = files.length > 0 ? files : await this.#officerFiles();
    if (found.length === 0) {
      throw new CodedError(
        'OFFICER_KEY_NEEDED',
        "this takes a quorum of the central bank's officers: name their key files with --officer-key",
      );
    }
    const password = passwordSource(io);
    const officers: Signer[] = [];
    for (const file of found) {
      const key = await readKey(file, password);
      if (key.kind !== 'officer')
        throw new CodedError('KEY_FILE_WRONG', `${file} is a key of kind ${key.kind}, not officer`);
      officers.push(createSigner(key.seed));
    }
    return officers;
  }

  /** The central bank, where the local network says who it is. */
  get centralBank(): ParticipantId | undefined {
    return this.local.find((node) => node.kind === 'centralBank')?.participant;
  }

  async #officerFiles(): Promise<readonly string[]> {
    const home = this.local.find((node) => node.kind === 'centralBank')?.home;
    if (home === undefined) return [];
    const { keys } = homePaths(home);
    const names = await readdir(keys);
    return names.filter((name) => /^officer-\d+\.json$/.test(name)).map((name) => path.join(keys, name));
  }

  #localNode(participant: ParticipantId): LocalNode {
    const found = this.local.find((node) => node.participant === participant);
    if (found !== undefined) return found;
    const known = this.local.map((node) => node.participant).join(', ');
    const problem = participantIdProblem(participant);
    if (problem !== null)
      throw new CodedError('PARTICIPANT_MALFORMED', `participant ${JSON.stringify(participant)}: ${problem}`);
    throw new CodedError('PARTICIPANT_UNKNOWN', `there is no ${participant} in this network; it has ${known}`);
  }
}

/** Whether there was no answer, as against an answer that says no. */
export function isSilence(error: unknown): boolean {
  return error instanceof CodedError && (error.code === 'NODE_UNREACHABLE' || error.code === 'NO_ANSWER');
}
