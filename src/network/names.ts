/** Names of topics and protocols. They carry the chain, so that hosts of two networks have no name in common. */
import type { ChainId } from '../types/index.ts';

/** 64 bits of the chain id: two networks that share members are told apart, and a name stays readable. */
const CHAIN_DIGITS = 16;

/** `tonle/0123456789abcdef`, without slashes around it. */
export function chainName(chainId: ChainId): string {
  return `tonle/${chainId.slice(0, CHAIN_DIGITS)}`;
}
