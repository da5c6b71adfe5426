/** What `--engine` takes. */
export const ENGINES = ['sim', 'net'] as const;

export type EngineName = (typeof ENGINES)[number];
