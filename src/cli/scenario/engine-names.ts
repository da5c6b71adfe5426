/** What `--engine` takes. */
export const ENGINES = ['sim'] as const;

export type EngineName = (typeof ENGINES)[number];
