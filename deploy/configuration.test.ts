import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig, SETTINGS } from '../packages/server/src/platform/config/index.ts';
import { instructionsOf, settingsOf, type ComposeFile } from './docker.fixture.ts';
import { manifestsIn, root, textOf, yamlOf } from './files.fixture.ts';
import type { ConfigMap, Deployment, Job, Secret, Service } from './kubernetes.fixture.ts';

/** Variables that are not ours, and that a file may set for Node and the C library below it. */
const NOT_OURS = new Set(['NODE_ENV', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'MALLOC_ARENA_MAX']);
const known = new Set<string>(SETTINGS.map(({ name }) => name));

type Environment = Record<string, string>;

const compose = yamlOf('docker/compose.yaml') as ComposeFile;
const manifests = manifestsIn('kubernetes');
const ofKind = <Kind>(kind: string): Kind[] => manifests.filter((one) => one.kind === kind) as unknown as Kind[];

/** What each place gives to a Holdfast, beside the image's own. */
const image = settingsOf(instructionsOf(textOf('docker/Dockerfile')));
const environments: Record<string, Environment> = {
  'docker/Dockerfile': image,
  ...Object.fromEntries(
    Object.entries(compose.services)
      .filter(([, service]) => service.build !== undefined)
      .map(([name, { environment = {} }]) => [`docker/compose.yaml ${name}`, { ...image, ...filledIn(environment) }]),
  ),
  'kubernetes, the Deployment': Object.assign(
    { ...image },
    ...ofKind<ConfigMap>('ConfigMap').map(({ data }) => data),
    ...ofKind<Secret>('Secret').map(({ stringData }) => stringData),
    ...ofKind<Deployment>('Deployment')
      .filter(({ metadata }) => metadata.name === 'holdfast')
      .map((one) => variablesOf(one)),
  ) as Environment,
  'kubernetes, the workers': Object.assign(
    { ...image },
    ...ofKind<ConfigMap>('ConfigMap').map(({ data }) => data),
    ...ofKind<Secret>('Secret').map(({ stringData }) => stringData),
    ...ofKind<Deployment>('Deployment')
      .filter(({ metadata }) => metadata.name === 'holdfast-worker')
      .map((one) => variablesOf(one)),
  ) as Environment,
  'kubernetes, the Job': Object.assign(
    { ...image },
    ...ofKind<Job>('Job').map((one) => variablesOf(one)),
  ) as Environment,
  ...Object.fromEntries(
    ['systemd/holdfast.service', 'systemd/holdfast-work.service'].map((unit) => [unit, environmentOf(textOf(unit))]),
  ),
  'systemd/holdfast.env.example': Object.fromEntries(
    [...textOf('systemd/holdfast.env.example').matchAll(/^(?:# )?([A-Z_]+)=(\S*)$/gm)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  ),
};

function environmentOf(unit: string): Environment {
  return Object.fromEntries(
    [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) =>
      line.split(' ').map((pair) => pair.split('=') as [string, string]),
    ),
  );
}

/** As Compose does it; what has no default is somebody's secret. */
function filledIn(environment: Environment): Environment {
  const secret = 'a0b1c2d3e4f5a6b7c8d9';
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{\w+(?::-([^}]*))?(?::\?[^}]*)?\}/g, (_all, byDefault?: string) => byDefault ?? secret),
    ]),
  );
}

function variablesOf({ spec }: Deployment | Job): Environment {
  const variables = spec.template.spec.containers.flatMap(({ env = [] }) => env);
  return Object.fromEntries(variables.map(({ name, value = 'postgres://owner@db/shop' }) => [name, value]));
}

describe.each(Object.entries(environments))('%s', (_place, environment) => {
  test('sets only what Holdfast knows', () => {
    const names = Object.keys(environment).filter((name) => !NOT_OURS.has(name));
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  test('sets it to what Holdfast takes', () => {
    expect(() => loadConfig(environment)).not.toThrow();
  });
});

test('an instance that others can reach has a key, and knows whose word to take for who calls', () => {
  for (const place of [
    'docker/compose.yaml holdfast-1',
    'docker/compose.yaml holdfast-2',
    'kubernetes, the Deployment',
  ]) {
    const config = loadConfig(environments[place] ?? {});
    expect(config).toMatchObject({ host: '0.0.0.0', http: { trustProxy: [expect.any(String)] } });
    expect(config.adminKey).not.toBeNull();
  }
});

describe('the port', () => {
  const port = Number(image['PORT']);

  test('is the same in the image, the compose file, the manifests and the scrape', () => {
    expect(instructionsOf(textOf('docker/Dockerfile')).filter(({ name }) => name === 'EXPOSE')).toEqual([
      { name: 'EXPOSE', value: String(port) },
    ]);
    const { proxy } = compose.services;
    expect(proxy?.environment).toMatchObject({ HOLDFAST_1: `holdfast-1:${port}`, HOLDFAST_2: `holdfast-2:${port}` });
    expect(JSON.stringify(compose.services['holdfast-1']?.healthcheck)).toContain(`127.0.0.1:${port}/health/ready`);
    expect(image['HOLDFAST_WORK_PORT']).toBe(image['PORT']);
    for (const { spec } of ofKind<Deployment>('Deployment')) {
      expect(spec.template.spec.containers[0]?.ports).toEqual([{ name: 'http', containerPort: port }]);
    }
    const scrape = yamlOf('prometheus/prometheus.yaml') as {
      scrape_configs: {
        static_configs?: { targets: string[] }[];
        dns_sd_configs?: { names: string[]; port: number }[];
      }[];
    };
    const [instances, workers, ...others] = scrape.scrape_configs;
    expect(instances?.static_configs).toEqual([{ targets: [`holdfast-1:${port}`, `holdfast-2:${port}`] }]);
    expect(workers?.dns_sd_configs).toEqual([{ names: ['worker'], type: 'A', port }]);
    expect(Object.keys(compose.services)).toContain('worker');
    expect(others).toEqual([]);
  });

  test('of a worker is the one that its pods listen on, and beside the server where they share a machine', () => {
    const workers = loadConfig(environments['kubernetes, the workers'] ?? {});
    expect(workers).toMatchObject({ host: '0.0.0.0', workPort: port });
    const unit = loadConfig(environments['systemd/holdfast-work.service'] ?? {});
    expect(unit.workPort).not.toBeNull();
    expect(unit.workPort).not.toBe(loadConfig(environments['systemd/holdfast.env.example'] ?? {}).port);
  });

  test('by its name leads from the Ingress through the Service to the container', () => {
    for (const { spec } of ofKind<Service>('Service')) {
      expect(spec.ports).toEqual([{ name: 'http', port: 80, targetPort: 'http' }]);
    }
    expect(textOf('kubernetes/ingress.yaml')).toMatch(/port:\n\s+name: http\n/);
    for (const file of ['network-policy.yaml', 'components/worker/network-policy.yaml']) {
      expect(textOf(`kubernetes/${file}`)).toMatch(/- port: http\n/);
    }
  });

  test("of the proxy is the one that is published, on the host's loopback where nothing else is asked for", () => {
    const { ports = [], environment = {} } = compose.services['proxy'] ?? {};
    expect(ports).toEqual([`\${LISTEN:-127.0.0.1:8080}:${environment['PROXY_PORT']}`]);
  });
});

test("the proxy's network is the one whose X-Forwarded-* are believed", () => {
  const subnets = compose.networks['front']?.ipam?.config.map(({ subnet }) => subnet);
  expect(subnets).toEqual([compose.services['holdfast-1']?.environment?.['TRUST_PROXY']]);
  expect(compose.services['proxy']?.networks).toEqual(['front']);
});

test('every value that the compose file asks for is in .env.example', () => {
  const asked = [...textOf('docker/compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  const offered = new Set([...textOf('docker/.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name));
  expect(asked.filter((name) => !offered.has(name))).toEqual([]);
  const secrets = textOf('docker/.env.example').match(/^\w*(?:PASSWORD|KEY)\w*=.*$/gm) ?? [];
  expect(secrets.filter((line) => !line.endsWith('='))).toEqual([]);
});

test('the image has the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'packages/server/package.json'), 'utf8')) as {
    version: string;
  };
  expect(textOf('kubernetes/kustomization.yaml')).toContain(`newTag: ${version}\n`);
});
