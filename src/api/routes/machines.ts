/** What machines read: the description of this API, whether the node is fit to serve, and its metrics. */
import type { FastifyInstance } from 'fastify';
import type { Api } from '../context.ts';
import { ApiFault } from '../errors.ts';
import { answer, failures, HEIGHT, object, responses } from '../schemas.ts';
import type { HealthJson } from '../types.ts';

const openapiSchema = {
  tags: ['machines'],
  summary: 'This document',
  response: responses({ 200: answer('OpenAPI 3.1', { type: 'object', additionalProperties: true }) }),
};

const healthSchema = {
  tags: ['machines'],
  summary: 'Whether this node has caught up with the others',
  response: responses(
    { 200: answer('It has', object({ height: HEIGHT, highestKnownHeight: HEIGHT })) },
    failures('NODE_BEHIND'),
  ),
};

const metricsSchema = {
  tags: ['machines'],
  summary: 'Metrics for Prometheus',
  response: responses({
    200: {
      description: 'In the text format',
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  }),
};

export function machineRoutes(app: FastifyInstance, { node, metrics, limits, describe }: Api): void {
  app.get('/openapi.json', { schema: openapiSchema }, () => describe());

  app.get('/healthz', { schema: healthSchema, exposeHeadRoute: true }, (): HealthJson => {
    const { height, highestKnownHeight } = node.status();
    const behind = highestKnownHeight - height;
    if (behind <= limits.healthyLag) return { height, highestKnownHeight };
    const message = `This node is ${behind} blocks behind the others and is catching up.`;
    throw new ApiFault('NODE_BEHIND', message, { details: { height, highestKnownHeight } });
  });

  app.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
    void reply.type(metrics.contentType);
    return reply.send(await metrics.text());
  });
}
