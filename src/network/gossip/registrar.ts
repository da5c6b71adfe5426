/**
 * Lets this host see the streams that gossipsub opens and takes. libp2p's own hook for it, `use(protocol, middleware)`, adds
 * the handler to the stored middleware with each inbound stream, so that later streams are handled twice (libp2p 3.3).
 */
import type { GossipSubComponents } from '@libp2p/gossipsub';
import type { Connection, Stream } from '@libp2p/interface';

type Registrar = GossipSubComponents['registrar'];

export type StreamWatcher = (stream: Stream, connection: Connection) => void;

/** @returns a registrar that tells `seen` of each stream, inbound before gossipsub has it, outbound just before. */
export function watchedRegistrar(registrar: Registrar, seen: StreamWatcher): Registrar {
  const watched: Pick<Registrar, 'handle' | 'register'> = {
    handle: (protocol, handler, options) => {
      const takes: typeof handler = (stream, connection) => {
        seen(stream, connection);
        return handler(stream, watchedConnection(connection, seen));
      };
      return registrar.handle(protocol, takes, options);
    },
    register: (protocol, topology) =>
      registrar.register(protocol, {
        ...topology,
        onConnect: (peerId, connection) => topology.onConnect?.(peerId, watchedConnection(connection, seen)),
      }),
  };
  return Object.assign(Object.create(registrar), watched);
}

function watchedConnection(connection: Connection, seen: StreamWatcher): Connection {
  const watched: Pick<Connection, 'newStream'> = {
    newStream: async (protocols, options) => {
      const stream = await connection.newStream(protocols, options);
      seen(stream, connection);
      return stream;
    },
  };
  return Object.assign(Object.create(connection), watched);
}
