import type { CliContext } from '../context.ts';
export async function demo(_cli: CliContext): Promise<void> {}
