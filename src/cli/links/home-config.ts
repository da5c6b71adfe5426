/** Changes where a node listens and where it finds the others, before it starts. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { homePaths } from '../home.ts';
import type { LocalNode } from '../local-network.ts';
import { type NodeConfig, nodeConfigToJson, parseNodeConfig } from '../node-config.ts';

/** Writes `node.json` anew. */
export async function changeConfig({ home }: LocalNode, change: (config: NodeConfig) => NodeConfig): Promise<void> {
  const file = homePaths(home).config;
  const config = parseNodeConfig(await readFile(file, 'utf8'), file);
  await writeFile(`${file}.new`, nodeConfigToJson(change(config)), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Of a TCP multiaddr. */
export function portOf(address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
}
