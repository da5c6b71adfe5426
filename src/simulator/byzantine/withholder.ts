/** Names batches in its blocks and shows them to nobody, or to one peer only; what others ask of it stays unanswered. */
import { type Actor, answering, onNetwork } from './actor.ts';

export const withholder: Actor = ({ chance }) =>
  onNetwork((network) => ({
    ...answering(network, (handlers, question, from, bytes) => {
      if (question === 'batches') return Promise.resolve([]);
      // Whoever asks for blocks waits until it gives up.
      return question === 'blocks' ? new Promise(() => undefined) : handlers.onQuestion(question, from, bytes);
    }),
    pushBatch(bytes) {
      if (chance.happens(0.2)) network.pushBatch(bytes);
    },
  }));
