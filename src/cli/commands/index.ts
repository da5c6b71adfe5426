/** The commands on the wallets' side of the network. */
import type { Register } from '../context.ts';

export const registerWalletCommands: Register = () => undefined;
