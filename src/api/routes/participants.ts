/** `GET participants` and `GET validators`: who is a member, and who certifies blocks. */
import type { FastifyInstance } from 'fastify';
import { settlementAccount } from '../../codec/text.ts';
import { quorumOf } from '../../crypto/certificate.ts';
import { validatorsOf } from '../../crypto/ids.ts';
import type { Api } from '../context.ts';
import { ACCOUNT, answer, KEY, list, object, responses, TEXT } from '../schemas.ts';
import type { ParticipantsJson, ValidatorsJson } from '../types.ts';

const participantsSchema = {
  tags: ['ledger'],
  summary: 'The member institutions and their keys',
  response: responses({
    200: answer(
      'All of them, in the order of the genesis',
      object({
        participants: list(
          object({
            id: TEXT,
            name: TEXT,
            kind: { enum: ['centralBank', 'bank'] },
            settlementAccount: ACCOUNT,
            operatorKey: KEY,
            validatorKey: KEY,
            networkKey: KEY,
            connected: { type: 'boolean', description: 'Whether this node has a connection to it, or is it' },
          }),
        ),
      }),
    ),
  }),
};

const validatorsSchema = {
  tags: ['ledger'],
  summary: 'Who certifies blocks',
  response: responses({
    200: answer(
      'The validator set, by index',
      object({
        quorum: { type: 'integer', minimum: 1, description: 'Signatures that make a block final' },
        validators: list(object({ index: { type: 'integer', minimum: 0 }, participant: TEXT, publicKey: KEY })),
      }),
    ),
  }),
};

export function participantRoutes(app: FastifyInstance, { node, genesis }: Api): void {
  app.get('/participants', { schema: participantsSchema }, (): ParticipantsJson => {
    const { participant: self, peers } = node.status();
    const participants = genesis.participants.map((participant) => ({
      ...participant,
      settlementAccount: settlementAccount(participant.id),
      connected: participant.id === self || peers.includes(participant.id),
    }));
    return { participants };
  });

  const set = validatorsOf(genesis);
  const validators = set.map((validator, index) => ({ index, ...validator }));
  app.get('/validators', { schema: validatorsSchema }, (): ValidatorsJson => {
    return { quorum: quorumOf(set.length), validators };
  });
}
