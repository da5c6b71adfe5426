/**
 * The composition root: opens what a home folder holds, puts the real world behind the node's ports, and starts it. The
 * order matters: nothing is touched before the folder is known to be this node's; LevelDB's lock on the state comes first
 * of what is opened; the chain is verified before the network is; and the node is ready only when it can be reached.
 */
import { CodecError } from '../codec/schema.ts';
import { createVerifier, type ThreadedVerifier } from '../crypto/verifier.ts';
import { CodedError } from '../errors.ts';
import { createNetwork, type LibP2pNetwork } from '../network/index.ts';
import { Chain } from '../node/chain.ts';
import { Node } from '../node/node.ts';
import type { BlockLog, Clock, CustomerStore, Disk, Logger, Random, SignState, StateStore } from '../ports.ts';
import {
  BLOCK_LOG_FILE,
  openBlockLog,
  openFileDisk,
  openSignState,
  openStateStore,
  SIGN_STATE_FILE,
  setAsideStateStore,
} from '../storage/index.ts';
import { type Home, homePaths } from './home.ts';
import { logEvent } from './log.ts';

export interface RunNodeOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The node has stopped for good; what is open must not be written to any more. */
  readonly onFatal: (error: unknown) => void;
}

export interface RunningNode {
  /** `http://127.0.0.1:7400`. */
  readonly apiUrl: string;
  /** TCP multiaddrs with the peer's id. */
  readonly p2pAddresses: readonly string[];
  stop(): Promise<void>;
}
