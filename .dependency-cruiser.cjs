// Import directions of docs/architecture.md: data flows left to right, and only server, cli and loadtest compose.
const ours = '^(pipeline|models|gpu|sfu|db|server|client|cli|loadtest|test)/';
const only = (folder, allowed, comment) => ({
  name: `${folder}-imports`,
  comment,
  severity: 'error',
  from: { path: `^${folder}/`, pathNot: '[.]test[.]ts$' },
  to: { path: ours, pathNot: `^(${[folder, ...allowed].join('|')})/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('pipeline', [], 'The domain knows no socket, no engine, no server: it imports nothing of ours.'),
    only('models', ['pipeline'], "Engines stand behind pipeline's contracts."),
    only('gpu', ['pipeline'], "Kernels and rings stand behind pipeline's contracts."),
    only('sfu', ['pipeline'], "The SFU knows RTP and pipeline's contracts, no engine and no server."),
    only('db', ['pipeline'], 'Repositories import contract types only.'),
    {
      name: 'client-imports',
      comment: 'The browser gets contract types, and no code of the server.',
      severity: 'error',
      from: { path: '^client/' },
      to: { path: ours, pathNot: '^client/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-composers-compose',
      comment: 'Nobody imports the server or the command line but those who put the parts together.',
      severity: 'error',
      from: { path: ours, pathNot: '^(server|cli|loadtest|test|client)/|[.]test[.]ts$' },
      to: { path: '^(server|cli|loadtest)/' },
    },
    {
      name: 'no-cycles',
      comment: 'A cycle has no order in which it can be read or tested.',
      severity: 'error',
      from: { path: ours },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'product-imports-no-dev-packages',
      comment: 'What runs in production must be among the dependencies.',
      severity: 'error',
      from: { path: '^(pipeline|models|gpu|sfu|db|server|cli)/', pathNot: '[.]test[.]ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: { extensions: ['.ts', '.mts', '.mjs', '.js', '.json'] },
  },
};
