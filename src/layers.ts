/**
 * Who may import whom: the import table of the design, in the one place that the tests read it from.
 * A layer is a folder of `src/`, one within it that has a row of its own, or a file beside them. `tidy.test.ts` fails on an
 * import that is not allowed here.
 */

export interface LayerRule {
  /** Other layers it may import; always ones that stand above it in the table, so that layers cannot form a cycle. */
  readonly mayImport: readonly string[];
  /** Packages and Node modules it may import. `x` covers `x` and `x/…`, `@scope/*` a scope, `*` everything. */
  readonly packages: readonly string[];
}

/** The core: pure computation, no input or output. */
const core = ['errors', 'types', 'codec', 'crypto', 'ledger', 'consensus', 'mempool'];

const rules: readonly (readonly [layer: string, rule: LayerRule])[] = [
  ['errors', { mayImport: [], packages: [] }],
  ['types', { mayImport: [], packages: [] }],
  ['ports', { mayImport: ['types'], packages: [] }],
  ['codec', { mayImport: ['errors', 'types'], packages: ['@noble/hashes/utils.js'] }],
  [
    'crypto',
    {
      mayImport: ['errors', 'types', 'ports', 'codec'],
      packages: [
        '@noble/*',
        'node:buffer',
        'node:crypto',
        'node:module',
        'node:os',
        'node:process',
        'node:worker_threads',
      ],
    },
  ],
  ['ledger', { mayImport: ['errors', 'types', 'ports', 'codec', 'crypto'], packages: [] }],
  ['consensus', { mayImport: ['errors', 'types'], packages: [] }],
  ['mempool', { mayImport: ['errors', 'types', 'codec'], packages: [] }],
  ['node', { mayImport: [...core, 'ports'], packages: [] }],
  [
    'network',
    {
      mayImport: ['errors', 'types', 'codec', 'crypto', 'ports'],
      packages: ['libp2p', '@libp2p/*', '@multiformats/*', 'node:crypto'],
    },
  ],
  [
    'storage',
    {
      mayImport: ['errors', 'types', 'codec', 'ports'],
      packages: ['level', 'abstract-level', 'node:fs', 'node:path', 'node:zlib'],
    },
  ],
  ['simulator', { mayImport: [...core, 'ports', 'node', 'storage'], packages: ['node:fs', 'node:util'] }],
  [
    'simulator/exhaustive',
    {
      mayImport: ['errors', 'types', 'crypto', 'node', 'storage', 'simulator'],
      packages: ['node:child_process', 'node:crypto', 'node:util'],
    },
  ],
  [
    'simulator/mutants',
    {
      mayImport: ['errors', 'simulator'],
      packages: ['node:child_process', 'node:fs', 'node:module', 'node:url', 'node:util'],
    },
  ],
  ['testing', { mayImport: [...core, 'ports', 'node', 'storage', 'simulator'], packages: ['fast-check'] }],
  ['khqr', { mayImport: ['errors', 'types'], packages: [] }],
  [
    'api',
    {
      mayImport: ['errors', 'types', 'codec', 'crypto', 'ledger', 'ports', 'node', 'khqr'],
      packages: [
        'fastify',
        '@fastify/*',
        'libphonenumber-js',
        'node:module',
        'node:crypto',
        'node:http',
        'node:net',
        'node:stream',
        'pino',
        'prom-client',
      ],
    },
  ],
  [
    'scenario',
    {
      mayImport: ['errors', 'types', 'ports', 'codec', 'crypto', 'ledger', 'node', 'simulator', 'api'],
      packages: ['ajv', 'node:path', 'yaml'],
    },
  ],
  [
    'scenario/sim',
    {
      mayImport: ['errors', 'types', 'ports', 'codec', 'crypto', 'ledger', 'node', 'simulator', 'storage', 'scenario'],
      packages: [],
    },
  ],
  [
    'scenario/net',
    {
      mayImport: ['errors', 'types', 'ports', 'codec', 'crypto', 'api', 'scenario'],
      packages: [],
    },
  ],
  [
    'cli',
    {
      mayImport: [
        ...core,
        'ports',
        'node',
        'network',
        'storage',
        'simulator',
        'khqr',
        'api',
        'scenario',
        'scenario/sim',
        'scenario/net',
      ],
      packages: ['*'],
    },
  ],
  [
    'nemesis',
    { mayImport: ['errors', 'types', 'ports', 'codec', 'crypto', 'simulator', 'api', 'cli'], packages: ['node:*'] },
  ],
  ['layers', { mayImport: [], packages: [] }],
  ['tidy', { mayImport: ['layers'], packages: [] }],
];

export const layers: ReadonlyMap<string, LayerRule> = new Map(rules);

/** What a test may import beyond its layer: the harness, Node's own modules (vectors, temporary folders), whole networks. */
export const testsMayAlso: LayerRule = {
  mayImport: ['simulator', 'storage', 'testing'],
  packages: ['tap', 'fast-check', 'cborg', 'node:*'],
};

/** Layers that reach time, chance, timers, the console and the process through a port or not at all. */
export const withoutAmbient: ReadonlySet<string> = new Set([
  ...core,
  'ports',
  'node',
  'simulator',
  'scenario',
  'scenario/sim',
  'scenario/net',
]);
