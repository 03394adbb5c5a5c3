// Who may import whom: docs/ARCHITECTURE.md. kernel <- platform <- engine <- modules <- app <- main.
// scripts/boundaries.ts runs these rules, and first sees them catch a planted breach of each.

const SERVER = '^packages/server/src';
const TESTS = '\\.(test|fixture)\\.ts$';

/** A layer may import itself and the layers below it; type-only imports count, tests do not: they may use the app. */
const layer = (name, forbidden) => ({
  name: `layer-${name}`,
  comment: `${name} is below ${forbidden.join(', ')}`,
  severity: 'error',
  from: { path: `${SERVER}/${name}/`, pathNot: TESTS },
  to: { path: `${SERVER}/(${forbidden.join('|')})(/|\\.ts$)` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    layer('kernel', ['platform', 'engine', 'modules', 'app', 'main']),
    layer('platform', ['engine', 'modules', 'app', 'main']),
    layer('engine', ['modules', 'app', 'main']),
    layer('modules', ['app', 'main']),
    {
      name: 'layer-app',
      comment: 'app.ts is put together by main, and by tests',
      severity: 'error',
      from: { path: `${SERVER}/app\\.ts$` },
      to: { path: `${SERVER}/main/` },
    },
    {
      name: 'app-is-for-main',
      comment: 'only main and tests build the app',
      severity: 'error',
      from: { path: SERVER, pathNot: [`${SERVER}/main/`, TESTS] },
      to: { path: `${SERVER}/app\\.ts$` },
    },
    {
      name: 'module-by-its-door',
      comment: "another module's only door is its index.ts",
      severity: 'error',
      from: { path: `${SERVER}/modules/([^/]+)/` },
      to: {
        path: `${SERVER}/modules/([^/]+)/`,
        pathNot: [`${SERVER}/modules/$1/`, `${SERVER}/modules/[^/]+/index\\.ts$`],
      },
    },
    {
      name: 'modules-by-their-door',
      comment:
        "from outside, a module's only door is its index.ts; the benchmark's own routes repeat a feature's shapes",
      severity: 'error',
      from: { pathNot: [`${SERVER}/modules/`, '^bench/'] },
      to: { path: `${SERVER}/modules/[^/]+/`, pathNot: `${SERVER}/modules/[^/]+/index\\.ts$` },
    },
    {
      name: 'nobody-imports-a-reactor',
      comment: 'what reacts to stock reads events; app.ts alone wires it',
      severity: 'error',
      from: { path: `${SERVER}/modules/([^/]+)/` },
      to: { path: `${SERVER}/modules/(webhooks|notifications|analytics)/`, pathNot: `${SERVER}/modules/$1/` },
    },
    {
      name: 'fastify-at-the-edge',
      comment: 'only *.routes.ts, app.ts and platform/http know Fastify',
      severity: 'error',
      from: {
        path: SERVER,
        pathNot: ['\\.routes\\.ts$', `${SERVER}/app\\.ts$`, `${SERVER}/platform/http/`, TESTS],
      },
      to: { path: '(^|/)node_modules/(fastify|fastify-plugin|@fastify)/' },
    },
    {
      name: 'pg-in-sql-files',
      comment: 'only *.sql.ts, platform/database and platform/postgres talk to PostgreSQL',
      severity: 'error',
      from: {
        path: SERVER,
        pathNot: ['\\.sql\\.ts$', `${SERVER}/platform/(database|postgres)/`, TESTS],
      },
      to: { path: '(^|/)node_modules/(@types/)?pg/' },
    },
    {
      name: 'sql-in-sql-files',
      comment: 'only *.sql.ts and platform/database write SQL; others may name the type of a transaction',
      severity: 'error',
      from: {
        path: SERVER,
        pathNot: ['\\.sql\\.ts$', `${SERVER}/platform/database/`, TESTS],
      },
      to: { path: '(^|/)node_modules/kysely/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'client-stands-alone',
      comment: 'the client is a package of its own: nothing of the server',
      severity: 'error',
      from: { path: '^packages/client/' },
      to: { path: '^(packages/server|bench|torture|demo|scripts)/' },
    },
    {
      name: 'dashboard-uses-the-client',
      comment: 'the dashboard sees the server as a user does: over the wire, by the client package',
      severity: 'error',
      from: { path: '^packages/dashboard/src/' },
      to: { path: '^(packages/server|bench|torture|demo|scripts)/' },
    },
    {
      name: 'pages-stand-alone',
      comment: 'a page is a folder: it uses what is shared (app, api, live, ui), never another page',
      severity: 'error',
      from: { path: '^packages/dashboard/src/pages/([^/]+)/' },
      to: { path: '^packages/dashboard/src/pages/([^/]+)/', pathNot: '^packages/dashboard/src/pages/$1/' },
    },
    {
      name: 'torture-uses-the-client',
      comment:
        'torture sees the server as a user does: over the wire; its checker reads the tables with SQL of its own',
      severity: 'error',
      from: { path: '^torture/' },
      to: {
        dependencyTypesNot: ['core'],
        pathNot: [
          '^torture/',
          '^packages/client/',
          '(^|/)node_modules/(@holdfast/client|vitest|fast-check|pg|@types/node|@types/pg)/',
        ],
      },
    },
    {
      name: 'nobody-imports-a-test',
      severity: 'error',
      from: { pathNot: [TESTS, '^packages/[^/]+/test/'] },
      to: { path: TESTS },
    },
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      comment: 'an import that resolves to nothing is invisible to every rule above',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-dependency',
      comment: 'what the package.json beside it does not name is not there for those who install the package',
      severity: 'error',
      // The dashboard is published as its build, with what it needs inside.
      from: { path: '^packages/(server|client)/src/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Anchored: the packages that we import have a dist, too.
    exclude: { path: '^(packages/[^/]+/dist|coverage|\\.cache)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['holdfast-source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
