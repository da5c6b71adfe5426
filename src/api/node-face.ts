/** What the API knows of a node: tests can stand in for it, and nothing here reaches behind it. */
import type { Node } from '../node/node.ts';

export type NodeFace = Pick<
  Node,
  'submit' | 'submitAll' | 'room' | 'standing' | 'settled' | 'queries' | 'status' | 'subscribe'
>;
