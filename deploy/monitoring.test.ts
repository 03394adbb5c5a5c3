import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../packages/server/test/app.ts';
import { makeDirectory, until } from '../packages/server/test/holdfast.process.ts';
import { createMetrics } from '../packages/server/src/platform/metrics/index.ts';
import { given, programPath, root, textOf, yamlOf } from './files.fixture.ts';

const run = promisify(execFile);

/** Emitted only where REDIS_URL is set. */
const WITH_REDIS = ['holdfast_redis_up'];
/** Of the instances and of the workers that go with them. */
const OF_BOTH = 'job=~"$job(-worker)?"';
/** Prometheus' own. */
const OF_PROMETHEUS = ['up'];

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; datasource: { uid: string } }[];
}

interface Dashboard {
  uid: string;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; query: string | { query: string } }[] };
  annotations: { list: { expr: string }[] };
}

const { groups } = yamlOf('prometheus/alerts.yaml') as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(textOf('grafana/holdfast.json')) as Dashboard;
const queries = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }) => expr),
];

/** Selectors hold words that are no metrics, and so do `by (…)` and what stands in quotes. */
function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\boffset \d+\w/g, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const words = [...bare.matchAll(/[a-z_][a-z0-9_:]*\b(?!\s*\()/gi)].map(([word]) => word);
  return words.filter((word) => !['and', 'or', 'unless', 'offset', 'by', 'without', 'bool'].includes(word));
}

/** The labels that an expression chooses or sums by, with the metric in front of each selector. */
function selectorsIn(expression: string): { metric: string; labels: string[] }[] {
  return [...expression.matchAll(/([a-z_:][\w:]*)\{([^}]*)\}/gi)].map(([, metric = '', inside = '']) => ({
    metric,
    labels: [...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  }));
}

describe('the metrics that the alerts and the dashboard go by', () => {
  let app: TestApp;
  /** By name, as Prometheus sees it, the labels. */
  const emitted = new Map<string, Set<string>>();

  beforeAll(async () => {
    app = await startTestApp();
    const { app: http } = app;
    // A machine with other work to do may have it refuse some.
    const ask = async (method: 'GET' | 'POST', url: string, payload?: object): Promise<string> => {
      let body = '';
      await until(`${method} ${url}`, async () => {
        const answer = await http.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
        body = answer.body;
        return answer.statusCode < 300;
      });
      return body;
    };
    await ask('POST', '/api/v1/products', { sku: 'SHIRT', name: 'Shirt', reorderPoint: 5 });
    await ask('POST', '/api/v1/locations', { code: 'WH1', name: 'Warehouse', type: 'warehouse' });
    await ask('POST', '/api/v1/inventory/SHIRT/adjust', { location: 'WH1', type: 'add', quantity: 6 });
    await ask('POST', '/api/v1/inventory/SHIRT/reserve', { quantity: 2 });
    const body = await ask('GET', '/metrics');
    const runtime = await createMetrics({ runtime: true }).render();
    for (const text of [body, runtime]) note(text);
  });
  afterAll(() => app.close());

  function note(text: string): void {
    for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
      const series = type === 'histogram' || type === 'summary' ? ['_bucket', '_sum', '_count'] : [''];
      for (const suffix of series) emitted.set(`${name}${suffix}`, emitted.get(`${name}${suffix}`) ?? new Set());
    }
    for (const [, name = '', inside = ''] of text.matchAll(/^(\w+)\{([^}]*)\} /gm)) {
      for (const [, label = ''] of inside.matchAll(/(\w+)="/g)) emitted.get(name)?.add(label);
    }
  }

  test('are emitted by the server', () => {
    const used = new Set([...rules.map(({ expr }) => expr), ...queries].flatMap(metricsIn));
    expect(used.size).toBeGreaterThan(20);
    const unknown = [...used].filter((name) => !emitted.has(name));
    expect(unknown.filter((name) => ![...WITH_REDIS, ...OF_PROMETHEUS].includes(name))).toEqual([]);
  });

  test('have the labels that they are chosen by', () => {
    const ofPrometheus = new Set(['job', 'instance']);
    const wrong = [...rules.map(({ expr }) => expr), ...queries].flatMap(selectorsIn).flatMap(({ metric, labels }) => {
      const known = emitted.get(metric);
      if (known === undefined) return [];
      return labels.filter((label) => !ofPrometheus.has(label) && !known.has(label)).map((label) => [metric, label]);
    });
    expect(wrong).toEqual([]);
  });

  test('are found in an expression', () => {
    const expression =
      'sum by (le) (rate(a_bucket{job="b", route!~"c.*"}[5m])) / on (d) e_total > 0 and absent(f{g="h"})';
    expect(metricsIn(expression)).toEqual(['a_bucket', 'e_total', 'f']);
    expect(selectorsIn(expression)).toEqual([
      { metric: 'a_bucket', labels: ['job', 'route'] },
      { metric: 'f', labels: ['g'] },
    ]);
  });
});

describe('the alerts', () => {
  test('have a name each, say how bad it is, and are explained in the guide', () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    const explained = new Set(
      [...readFileSync(join(root, 'docs/guides/monitoring.md'), 'utf8').matchAll(/^### (\w+)$/gm)].map(
        ([, name]) => name,
      ),
    );
    expect([...explained]).toEqual(names);
    for (const rule of rules) {
      expect(['page', 'ticket']).toContain(rule.labels.severity);
      expect(rule.annotations.summary).toMatch(/^[A-Z]/);
      expect(rule.annotations.description).toMatch(/\.$/);
    }
  });

  test('are each tried, both to fire and to be silent', () => {
    const { tests } = yamlOf('prometheus/alerts.test.yaml') as {
      tests: { alert_rule_test: { alertname: string; exp_alerts?: object[] }[] }[];
    };
    const tried = tests.flatMap((one) => one.alert_rule_test);
    const firing = new Set(
      tried.filter(({ exp_alerts = [] }) => exp_alerts.length > 0).map(({ alertname }) => alertname),
    );
    expect(rules.map(({ alert }) => alert).filter((name) => !firing.has(name))).toEqual([]);
    expect(tried.some(({ exp_alerts }) => exp_alerts === undefined)).toBe(true);
  });

  test.skipIf(programPath('promtool') === null)(`are what promtool says${given('promtool')}`, async () => {
    const cwd = join(root, 'deploy/prometheus');
    const promtool = programPath('promtool') ?? '';
    await run(promtool, ['check', 'config', '--syntax-only', 'prometheus.yaml'], { cwd });
    await run(promtool, ['check', 'rules', 'alerts.yaml'], { cwd });
    await run(promtool, ['test', 'rules', 'alerts.test.yaml'], { cwd });
  });
});

describe('the dashboard', () => {
  test('has panels with an id each that lie beside one another', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const taken = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x} ${y}`)).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  test('asks the data source, the job and the instances that one chooses', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance']);
    for (const { targets = [], type } of dashboard.panels) {
      expect(targets.length > 0).toBe(type !== 'row');
      for (const { datasource, expr } of targets) {
        expect(datasource.uid).toBe('${datasource}');
        // What attempts were made is a question to instances and workers.
        expect(expr).toContain(expr.includes('(job_attempt') || expr.includes('(job_late') ? OF_BOTH : 'job="$job"');
      }
    }
  });

  test.skipIf(programPath('promtool') === null)(`asks in PromQL${given('promtool')}`, async () => {
    const filled = queries.map((expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', 'holdfast'));
    const asRules = {
      groups: [{ name: 'panels', rules: filled.map((expr, index) => ({ record: `panel:${index}`, expr })) }],
    };
    const directory = await makeDirectory();
    const file = join(directory.path, 'panels.json');
    await writeFile(file, JSON.stringify(asRules));
    const { stdout } = await run(programPath('promtool') ?? '', ['check', 'rules', file]);
    expect(stdout).toContain(`${queries.length} rules found`);
    await directory.remove();
  });
});
