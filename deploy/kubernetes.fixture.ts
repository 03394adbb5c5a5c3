import type { Manifest } from './files.fixture.ts';

export interface ConfigMap extends Manifest {
  data: Record<string, string>;
}

export interface Secret extends Manifest {
  stringData: Record<string, string>;
}

interface Probe {
  httpGet: { path: string; port: string };
  periodSeconds: number;
  failureThreshold: number;
}

interface Container {
  name: string;
  image: string;
  args?: string[];
  ports?: { name: string; containerPort: number }[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  lifecycle?: { preStop: { exec: { command: string[] } } };
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: Record<string, unknown>;
  volumeMounts?: { name: string; mountPath: string }[];
}

interface PodTemplate {
  metadata: { labels: Record<string, string> };
  spec: {
    serviceAccountName: string;
    automountServiceAccountToken: boolean;
    terminationGracePeriodSeconds?: number;
    securityContext: Record<string, unknown>;
    topologySpreadConstraints?: { labelSelector: Selector }[];
    containers: Container[];
    volumes?: { name: string }[];
  };
}

interface Selector {
  matchLabels: Record<string, string>;
}

export interface Deployment extends Manifest {
  spec: {
    replicas?: number;
    selector: Selector;
    strategy: { type: string; rollingUpdate: { maxSurge: number; maxUnavailable: number } };
    template: PodTemplate;
  };
}

export interface Job extends Manifest {
  spec: { backoffLimit: number; template: PodTemplate };
}

export interface Service extends Manifest {
  spec: { selector: Record<string, string>; ports: { name: string; port: number; targetPort: string }[] };
}

/** What points at pods by their labels. */
export interface Selecting extends Manifest {
  spec: { selector?: Selector; podSelector?: Selector };
}

export interface Autoscaler extends Manifest {
  spec: { scaleTargetRef: { kind: string; name: string }; minReplicas: number; maxReplicas: number };
}

export interface DisruptionBudget extends Manifest {
  spec: { maxUnavailable: number; selector: Selector };
}

export interface Ingress extends Manifest {
  spec: { rules: { http: { paths: { backend: { service: { name: string } } }[] } }[] };
}

export interface Egress extends Manifest {
  spec: { egress: object[] };
}
