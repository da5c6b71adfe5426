/** Ports that are said to be free are free, and lie where no outgoing connection takes them. */
import { createServer } from 'node:net';
import { test } from 'tap';
import { freePorts, isFreePort } from './free-ports.ts';
import { systemRandom } from './system.ts';

test('free ports are distinct, below the range of outgoing connections, and free', async (t) => {
  const ports = await freePorts(20, systemRandom);
  t.equal(new Set(ports).size, 20);
  t.ok(ports.every((port) => port >= 10_240 && port < 32_768));
});

test('a taken or promised port is not given out', async (t) => {
  const [port = 0] = await freePorts(1, systemRandom);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.equal(await isFreePort(port), false);
  // Chance that insists on the taken port, then on a promised one, then on a third.
  const [promised = 0, third = 0] = await freePorts(2, systemRandom);
  const wanted = [port, promised, third];
  const random = {
    bytes: () => {
      const offset = (wanted.shift() ?? third) - 10_240;
      return new Uint8Array([offset >> 8, offset & 255]);
    },
  };
  t.strictSame(await freePorts(1, random, [promised]), [third]);
  await new Promise((resolve) => server.close(resolve));
  t.equal(await isFreePort(port), true);
  await t.rejects(freePorts(2, { bytes: () => new Uint8Array(2) }), { code: 'PORT_TAKEN' });
});
