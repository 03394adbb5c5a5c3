import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../src/kernel/clock.ts';
import { exportJobTypes } from '../src/modules/exports/index.ts';
import { httpRequestJobTypes } from '../src/modules/http-requests/index.ts';
import { importJobTypes } from '../src/modules/imports/index.ts';
import { reportJobTypes } from '../src/modules/reports/index.ts';
import { retentionJobTypes } from '../src/modules/retention/index.ts';
import { createEgress } from '../src/platform/egress/index.ts';
import type { JobType } from '../src/platform/jobs/index.ts';
import { configOf } from '../src/platform/jobs/run.context.fixture.ts';
import { startTestApp, type TestApp } from './app.ts';

const GUIDE = readFileSync(new URL('../../../docs/guides/job-types.md', import.meta.url), 'utf8');
const NAMES = [
  'import_products',
  'import_stock',
  'export_ledger',
  'stock_snapshot',
  'reorder_report',
  'cycle_count_plan',
  'http_request',
  'data_retention',
];

let app: TestApp;
let types: JobType[];

beforeAll(async () => {
  app = await startTestApp();
  const { database, server } = app;
  // Nothing is asked of the network: names are judged when a job is made, and example.com is public.
  const egress = createEgress({ allow: [], resolve: () => Promise.resolve(['93.184.215.14']) });
  types = [
    ...importJobTypes({ database, engine: server.engine, egress, clock: systemClock }),
    ...exportJobTypes({ database }),
    ...reportJobTypes({ database, currency: 'EUR' }),
    ...httpRequestJobTypes({ egress }),
    ...retentionJobTypes({ database }),
  ];
});

afterAll(() => app.close());

function sectionOf(name: string): string {
  const from = GUIDE.indexOf(`\n## ${name}\n`);
  if (from < 0) throw new Error(`the guide has no section ${name}`);
  const to = GUIDE.indexOf('\n## ', from + 1);
  return GUIDE.slice(from, to < 0 ? undefined : to);
}

test('the guide and the modules have the same types', () => {
  expect(types.map(({ name }) => name)).toEqual(NAMES);
});

test.each(NAMES)('%s: its example can be made, and its table has each member with its default', async (name) => {
  const type = types.find((each) => each.name === name);
  if (type === undefined) throw new Error(name);
  const section = sectionOf(name);
  const example: { type: string; config: object } = JSON.parse(/```json\n(.*?)```/s.exec(section)?.[1] ?? '');
  expect(example.type).toBe(name);
  await type.check?.(configOf(type, example.config));

  const rows = [...section.matchAll(/^\| `(\w+)`\s*\|.*\|\s*([^|]*?)\s*\|$/gm)];
  const table = new Map(rows.map(([, member = '', shown = '']) => [member, shown]));
  expect([...table.keys()].sort()).toEqual(Object.keys(type.config.properties).sort());
  for (const [member, schema] of Object.entries(type.config.properties)) {
    const { default: value } = schema as { default?: string | number | boolean | string[] };
    if (value === undefined || Array.isArray(value)) continue;
    expect(`${member} ${table.get(member)?.replaceAll('`', '')}`).toBe(`${member} ${value}`);
  }
});

test.each(NAMES)('%s: every member of its config is described and bounded', (name) => {
  const type = types.find((each) => each.name === name);
  const unbounded = Object.entries(type?.config.properties ?? {}).filter(
    ([member, schema]) => !isBounded(schema) && !BOUNDED_BY_CHECK.has(`${name}.${member}`),
  );
  expect(unbounded.map(([member]) => member)).toEqual([]);
});

/** Any JSON: no schema bounds its bytes. */
const BOUNDED_BY_CHECK = new Set(['http_request.body']);

interface Node {
  type?: string;
  enum?: unknown;
  description?: string;
  [keyword: string]: unknown;
}

function isBounded(schema: object): boolean {
  const node: Node = { ...schema };
  if (node.description === undefined) return false;
  if (node.enum !== undefined || node.type === 'boolean') return true;
  const needed: Record<string, string[]> = {
    string: ['maxLength'],
    integer: ['minimum', 'maximum'],
    array: ['maxItems'],
    object: ['additionalProperties'],
  };
  return needed[node.type ?? '']?.every((keyword) => node[keyword] !== undefined) ?? false;
}
