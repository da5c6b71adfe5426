/** What every command is given: how to speak, where the network is, and the world's clock and chance. */
import type { Command } from 'commander';
import type { Clock, Random } from '../ports.ts';
import type { Output } from './output.ts';

/** The streams and variables of the process; tests give their own. */
export interface CliIo {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Known once the command line is read: use it inside actions, not while registering. */
export interface CliContext {
  readonly out: Output;
  /** Folder of the local network: `--data`, TONLE_DATA or `.tonle`. */
  readonly data: string;
  /** The node to talk to: `--url`, TONLE_URL, or null for one of the local network. */
  readonly url: string | null;
  readonly io: CliIo;
  readonly clock: Clock;
  readonly random: Random;
}

/** Adds commands to the program. An action that throws ends the program with the error's code; one that returns, with 0. */
export type Register = (program: Command, cli: CliContext) => void;
