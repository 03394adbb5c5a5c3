import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../packages/server/src/platform/config/index.ts';
import { given, manifestsIn, programPath, root, textOf, yamlOf, type Manifest } from './files.fixture.ts';
import type {
  Autoscaler,
  ConfigMap,
  Deployment,
  DisruptionBudget,
  Egress,
  Ingress,
  Job,
  Secret,
  Selecting,
  Service,
} from './kubernetes.fixture.ts';

const run = promisify(execFile);
const manifests = manifestsIn('kubernetes').filter(({ kind }) => kind !== 'Kustomization' && kind !== 'Component');

const isOfWorkers = ({ file }: { file: string }): boolean => file.includes('components/worker/');

/** The one of its kind, the workers' apart. */
function only(kind: string): unknown {
  const found = manifests.filter((one) => one.kind === kind && !isOfWorkers(one));
  if (found.length !== 1) throw new Error(`there are ${found.length} of ${kind}`);
  return found[0];
}

const deployment = only('Deployment') as Deployment;
const job = only('Job') as Job;
const worker = manifests.find((one) => one.kind === 'Deployment' && isOfWorkers(one)) as unknown as Deployment;
const labels = deployment.spec.template.metadata.labels;
const [container] = deployment.spec.template.spec.containers;

/** Where each kind lives in Kubernetes 1.30 and later. */
const VERSIONS: Record<string, string> = {
  ConfigMap: 'v1',
  Deployment: 'apps/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  Ingress: 'networking.k8s.io/v1',
  Job: 'batch/v1',
  Namespace: 'v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  PodMonitor: 'monitoring.coreos.com/v1',
  Secret: 'v1',
  Service: 'v1',
  ServiceAccount: 'v1',
};

describe('the manifests', () => {
  test('are of the versions that clusters have', () => {
    const found = Object.fromEntries(manifests.map(({ kind, apiVersion }) => [kind, apiVersion]));
    expect(found).toEqual(VERSIONS);
  });

  test('are all applied, but for the example of a Secret', () => {
    const { resources } = yamlOf('kubernetes/kustomization.yaml') as { resources: string[] };
    const files = readdirSync(join(root, 'deploy/kubernetes')).filter((name) => name.endsWith('.yaml'));
    expect([...resources, 'kustomization.yaml', 'secret.example.yaml'].sort()).toEqual(files.sort());
    for (const component of readdirSync(join(root, 'deploy/kubernetes/components'))) {
      const folder = `kubernetes/components/${component}`;
      const { resources: own } = yamlOf(`${folder}/kustomization.yaml`) as { resources: string[] };
      expect(own.filter((file) => !existsSync(join(root, 'deploy', folder, file)))).toEqual([]);
    }
  });

  test('that choose pods choose the ones of the Deployment, and not those of the Job', () => {
    expect(deployment.spec.selector.matchLabels).toEqual(labels);
    expect((only('Service') as Service).spec.selector).toEqual(labels);
    for (const kind of ['PodDisruptionBudget', 'NetworkPolicy']) {
      const { selector, podSelector } = (only(kind) as Selecting).spec;
      expect((selector ?? podSelector)?.matchLabels).toEqual(labels);
    }
    const [key, name] = Object.entries(labels)[0] ?? [];
    const values = [name, worker.metadata.name];
    expect(only('PodMonitor')).toMatchObject({
      spec: { selector: { matchExpressions: [{ key, operator: 'In', values }] } },
    });
    const spread = deployment.spec.template.spec.topologySpreadConstraints ?? [];
    expect(spread.map(({ labelSelector }) => labelSelector.matchLabels)).toEqual([labels]);
    expect(job.spec.template.metadata.labels['app.kubernetes.io/name']).not.toBe(labels['app.kubernetes.io/name']);
  });

  test('name one another by the names that they have', () => {
    expect((only('HorizontalPodAutoscaler') as Autoscaler).spec.scaleTargetRef).toMatchObject({
      kind: 'Deployment',
      name: deployment.metadata.name,
    });
    const backends = (only('Ingress') as Ingress).spec.rules.flatMap(({ http }) =>
      http.paths.map(({ backend }) => backend),
    );
    expect(backends.map(({ service }) => service.name)).toEqual([(only('Service') as Service).metadata.name]);
    const sources = container?.envFrom?.map(({ configMapRef, secretRef }) => (configMapRef ?? secretRef)?.name);
    expect(sources).toEqual([(only('ConfigMap') as ConfigMap).metadata.name, (only('Secret') as Secret).metadata.name]);
    for (const { spec } of [deployment.spec.template, worker.spec.template, job.spec.template]) {
      expect(spec.serviceAccountName).toBe((only('ServiceAccount') as Manifest).metadata.name);
      const volumes = spec.volumes?.map(({ name }) => name);
      expect(spec.containers[0]?.volumeMounts?.map(({ name }) => name)).toEqual(volumes);
    }
  });
});

describe('the pods', () => {
  test('have nothing that they do not need', () => {
    for (const { spec } of [deployment.spec.template, worker.spec.template, job.spec.template]) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      });
      for (const one of spec.containers) {
        expect(one.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(Object.keys(one.resources.requests)).toEqual(['cpu', 'memory']);
        expect(Object.keys(one.resources.limits)).toEqual(['memory']);
      }
    }
  });

  test('take secrets from the Secret alone', () => {
    const secret = new Set<string>(SETTINGS.filter((setting) => setting.secret === true).map(({ name }) => name));
    const config = Object.keys((only('ConfigMap') as ConfigMap).data);
    expect(config.filter((name) => secret.has(name))).toEqual([]);
    const plain = [deployment, worker, job].flatMap(({ spec }) =>
      spec.template.spec.containers.flatMap(({ env = [] }) => env),
    );
    expect(plain.filter(({ name, value }) => secret.has(name) && value !== undefined)).toEqual([]);
  });

  test('are restarted when the process hangs, and get no requests when the database is away', () => {
    expect(container?.livenessProbe?.httpGet).toEqual({ path: '/health/live', port: 'http' });
    expect(container?.startupProbe?.httpGet).toEqual({ path: '/health/live', port: 'http' });
    expect(container?.readinessProbe?.httpGet).toEqual({ path: '/health/ready', port: 'http' });
    const { periodSeconds = 0, failureThreshold = 0 } = container?.startupProbe ?? {};
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(300);
  });

  test('have the time to be forgotten by who routes to them, and then to drain', () => {
    const [program, seconds] = container?.lifecycle?.preStop.exec.command ?? [];
    expect(program).toBe('sleep');
    const drainSeconds = 10;
    expect(deployment.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(Number(seconds) + drainSeconds);
  });

  test('are replaced without there being fewer of them', () => {
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    const { minReplicas, maxReplicas } = (only('HorizontalPodAutoscaler') as Autoscaler).spec;
    expect(minReplicas).toBeGreaterThan((only('PodDisruptionBudget') as DisruptionBudget).spec.maxUnavailable);
    expect(maxReplicas).toBeGreaterThan(minReplicas);
    expect(deployment.spec.replicas).toBeUndefined();
  });

  test('of workers run the jobs that the others leave to them, and are reached by Prometheus alone', () => {
    const [one] = worker.spec.template.spec.containers;
    expect(one).toMatchObject({ args: ['work'], image: container?.image, envFrom: container?.envFrom });
    // No Service and no disruption budget chooses them, and their own policy does.
    const own = { 'app.kubernetes.io/name': 'holdfast-worker' };
    expect(worker.spec.selector.matchLabels).toEqual(own);
    expect(worker.spec.template.metadata.labels).toEqual(own);
    expect(one?.ports).toEqual(container?.ports);
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
      expect(one?.[probe]?.httpGet).toEqual(container?.[probe]?.httpGet);
    }
    const policy = manifests.find((manifest) => manifest.kind === 'NetworkPolicy' && isOfWorkers(manifest));
    expect(policy).toMatchObject({ spec: { podSelector: { matchLabels: own } } });
    expect(textOf('kubernetes/components/worker/network-policy.yaml')).toMatch(/values: \[monitoring\]\n/);
    expect((policy as unknown as Egress).spec.egress).toEqual((only('NetworkPolicy') as Egress).spec.egress);
    const slots = one?.env?.find(({ name }) => name === 'HOLDFAST_JOB_SLOTS');
    expect(Number(slots?.value)).toBeGreaterThan(0);
    expect(textOf('kubernetes/components/worker/kustomization.yaml')).toMatch(/HOLDFAST_JOB_SLOTS\n\s+value: '0'/);
  });

  test('of the Job migrate, by the password that is theirs alone', () => {
    expect(job.spec.template.spec.containers[0]).toMatchObject({ args: ['migrate'], image: container?.image });
    const secrets = job.spec.template.spec.containers.flatMap(({ env = [] }) =>
      env.map(({ valueFrom }) => valueFrom?.secretKeyRef.name),
    );
    expect(secrets).toEqual(['holdfast-migrate']);
  });
});

test.skipIf(programPath('kubectl') === null)(`kustomize builds them${given('kubectl')}`, async () => {
  const { stdout } = await run(programPath('kubectl') ?? '', ['kustomize', join(root, 'deploy/kubernetes')]);
  expect(stdout.match(/^kind: /gm)).toHaveLength(9);
  expect(stdout).toMatch(/image: holdfast:\d+\.\d+\.\d+\n/);
  expect(stdout.match(/^ {2}namespace: holdfast$/gm)).toHaveLength(8);
});

test.skipIf(programPath('kubectl') === null)(`kustomize builds them with workers${given('kubectl')}`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-kustomize-'));
  await cp(join(root, 'deploy/kubernetes'), directory, { recursive: true });
  await appendFile(join(directory, 'kustomization.yaml'), 'components:\n  - components/worker\n');
  const { stdout } = await run(programPath('kubectl') ?? '', ['kustomize', directory]);
  await rm(directory, { recursive: true });
  expect(stdout.match(/^kind: /gm)).toHaveLength(11);
  expect(stdout).toMatch(/^kind: ConfigMap$/m);
  expect(stdout).toMatch(/^ {2}HOLDFAST_JOB_SLOTS: "0"$/m);
  expect(stdout.match(/image: holdfast:\d+\.\d+\.\d+\n/g)).toHaveLength(2);
});
