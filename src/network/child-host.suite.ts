/** A process that is one host of a test network, to be frozen and killed: `node child-host.suite.ts <address of host 0>`. */
import { membersUpTo, participantAt, TcpWorld } from './tcp-world.suite.ts';

const [address = ''] = process.argv.slice(2);
const world = new TcpWorld(await membersUpTo(2));
await world.start(
  1,
  {
    onGossip: () => Promise.resolve('accept'),
    onBatch: () => Promise.resolve('accept'),
    onQuestion: () => Promise.resolve([]),
    onPeer: () => {},
  },
  { dial: [{ participant: participantAt(0), address }] },
);
process.send?.('started');
