/** The HTTP API of a node and its client. */
export { type Client, type ClientOptions, createClient, type EventOptions, type SubmitOptions } from './client.ts';
export { ApiError } from './client-errors.ts';
export { type ApiLimits, type ApiOptions, DEFAULT_LIMITS, type OperatorOptions } from './context.ts';
export { ERROR_STATUS, type ErrorCode } from './errors.ts';
export type { NodeFace } from './node-face.ts';
export { parsePhone } from './phone.ts';
export { createApi } from './server.ts';
export { openSubmissionStream, type SubmissionHandlers, type SubmissionSender } from './stream-client.ts';
export type * from './types.ts';
