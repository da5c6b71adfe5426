/** Says everything, late: up to just past every timeout. */
import { type Actor, answering, onNetwork } from './actor.ts';

const MAX_LATE_MS = 1_500;

export const delayer: Actor = ({ chance, clock }) => {
  const late = (act: () => void) => clock.schedule(chance.below(MAX_LATE_MS), act);
  return onNetwork((network) => ({
    ...answering(network, async (handlers, question, from, bytes) => {
      const answer = await handlers.onQuestion(question, from, bytes);
      return await new Promise((resolve) => late(() => resolve(answer)));
    }),
    publish: (topic, bytes) => void late(() => network.publish(topic, bytes)),
    pushBatch: (bytes) => void late(() => network.pushBatch(bytes)),
  }));
};
