import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, onTestFinished } from 'vitest';
import { checkBoundaries } from './boundaries.ts';

const workspace = fileURLToPath(new URL('..', import.meta.url));
const server = 'packages/server/src';

/** Each breaks the one rule that it is listed under. */
const planted: Record<string, Record<string, string>> = {
  'layer-kernel': { [`${server}/kernel/bad.ts`]: "import type { P } from '../platform/ok.ts'; export type K = P;" },
  'layer-platform': { [`${server}/platform/bad.ts`]: "import { e } from '../engine/ok.ts'; export const b = e;" },
  'layer-engine': { [`${server}/engine/bad.ts`]: "import { s } from '../modules/stock/index.ts'; export const b = s;" },
  'layer-modules': { [`${server}/modules/stock/bad.ts`]: "import { c } from '../../main/ok.ts'; export const b = c;" },
  'layer-app': { [`${server}/app.ts`]: "import { c } from './main/ok.ts'; export const app = c;" },
  'app-is-for-main': { [`${server}/stray.ts`]: "import { app } from './app.ts'; export const b = app;" },
  'module-by-its-door': {
    [`${server}/modules/carts/bad.ts`]: "import { i } from '../stock/inside.ts'; export const b = i;",
  },
  'modules-by-their-door': {
    [`${server}/main/bad.ts`]: "import { i } from '../modules/stock/inside.ts'; export const b = i;",
  },
  'nobody-imports-a-reactor': {
    [`${server}/modules/carts/worse.ts`]: "import { w } from '../webhooks/index.ts'; export const b = w;",
  },
  'fastify-at-the-edge': {
    [`${server}/modules/stock/stock.service.ts`]:
      "import type { FastifyInstance } from 'fastify'; export type F = FastifyInstance;",
  },
  'pg-in-sql-files': { [`${server}/engine/worse.ts`]: "import pg from 'pg'; export const b = pg;" },
  'sql-in-sql-files': {
    [`${server}/modules/stock/worse.ts`]:
      "import { sql, type Kysely } from 'kysely'; export const b: Kysely<unknown>[] = [sql];",
  },
  'client-stands-alone': {
    'packages/client/src/bad.ts': "import type { P } from '../../server/src/platform/ok.ts'; export type C = P;",
  },
  'dashboard-uses-the-client': {
    'packages/dashboard/src/api/bad.tsx':
      "import type { P } from '../../../server/src/platform/ok.ts'; export type C = P;",
  },
  'pages-stand-alone': {
    'packages/dashboard/src/pages/home/bad.tsx': "import { s } from '../stock/ok.tsx'; export const b = s;",
  },
  'torture-uses-the-client': {
    'torture/bad.ts': "import type { P } from '../packages/server/src/platform/ok.ts'; export type C = P;",
  },
  'nobody-imports-a-test': { [`${server}/kernel/worse.ts`]: "import { t } from './ok.test.ts'; export const b = t;" },
  'no-circle': {
    [`${server}/kernel/egg.ts`]: "import { hen } from './hen.ts'; export const egg = (): unknown => hen;",
  },
  resolvable: { [`${server}/kernel/lost.ts`]: "import { n } from './nowhere.ts'; export const b = n;" },
  'declared-dependency': {
    [`${server}/kernel/undeclared.ts`]: "import { test } from 'vitest'; export const b = test;",
  },
};

/** What these rules must let through (and the hen, whose circle is reported at the egg). */
const allowed: Record<string, string> = {
  [`${server}/kernel/hen.ts`]: "import { egg } from './egg.ts'; export const hen = (): unknown => egg;",
  [`${server}/kernel/ok.ts`]: 'export const k = 1;',
  [`${server}/kernel/ok.test.ts`]:
    "import { test } from 'vitest'; import { c } from '../main/ok.ts'; export const t = [test, c];",
  [`${server}/platform/ok.ts`]: "import { k } from '../kernel/ok.ts'; export type P = typeof k;",
  [`${server}/platform/http/ok.ts`]: "import fastify from 'fastify'; export const h = fastify;",
  [`${server}/platform/database/ok.ts`]: "import pg from 'pg'; export const d = pg;",
  [`${server}/engine/ok.ts`]: "import type { P } from '../platform/ok.ts'; export const e: P = 1;",
  [`${server}/engine/ok.sql.ts`]:
    "import type { Pool } from 'pg'; import { sql } from 'kysely'; export const s: Pool = sql;",
  [`${server}/modules/stock/ok.service.ts`]:
    "import type { Transaction } from 'kysely'; export type T = Transaction<unknown>;",
  [`${server}/modules/stock/inside.ts`]: "import { e } from '../../engine/ok.ts'; export const i = e;",
  [`${server}/modules/stock/index.ts`]: "import { i } from './inside.ts'; export const s = i;",
  [`${server}/modules/stock/stock.routes.ts`]:
    "import type { FastifyInstance } from 'fastify'; export type R = FastifyInstance;",
  [`${server}/modules/carts/index.ts`]: "import { s } from '../stock/index.ts'; export const c = s;",
  [`${server}/modules/webhooks/index.ts`]: 'export const w = 1;',
  [`${server}/main/ok.ts`]: "import { s } from '../modules/stock/index.ts'; export const c = s;",
  [`${server}/main/serve.ts`]: "import { app } from '../app.ts'; export const b = app;",
  'packages/client/src/index.ts': "import createClient from 'openapi-fetch'; export const client = createClient;",
  'packages/dashboard/src/api/ok.ts':
    "import { client } from '../../../client/src/index.ts'; import { createElement } from 'react'; export const a = [client, createElement];",
  'packages/dashboard/src/pages/stock/ok.tsx': "import { a } from '../../api/ok.ts'; export const s = a;",
  'torture/ok.ts':
    "import { client } from '../packages/client/src/index.ts'; import { join } from 'node:path'; export const b = [client, join];",
};

function plant(root: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

test('every boundary rule catches its planted breach, and nothing else is caught', async () => {
  // Inside the workspace, so that the packages that the planted files name are found.
  mkdirSync(join(workspace, '.cache'), { recursive: true });
  const root = mkdtempSync(join(workspace, '.cache', 'planted-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const name of ['server', 'client', 'dashboard']) {
    const manifest = `packages/${name}/package.json`;
    plant(root, { [manifest]: readFileSync(join(workspace, manifest), 'utf8') });
  }
  plant(root, allowed);
  for (const files of Object.values(planted)) plant(root, files);

  const { breaches, unseen } = await checkBoundaries(root);

  const caught = [...new Set(breaches.map(({ rule, from }) => `${rule}: ${from}`))].toSorted();
  const expected = Object.entries(planted).flatMap(([rule, files]) =>
    Object.keys(files).map((path) => `${rule}: ${path}`),
  );
  expect(caught).toEqual(expected.toSorted());
  expect(unseen).toEqual([]);
});

test('no boundary rule is without its planted breach', () => {
  const config = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as { forbidden: { name: string }[] };
  expect(Object.keys(planted).toSorted()).toEqual(config.forbidden.map((rule) => rule.name).toSorted());
});
