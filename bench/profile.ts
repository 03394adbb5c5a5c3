import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ApiClient } from './api.client.ts';
import { type ProfileLine, reportProfile } from './profile.report.ts';
import { startRig } from './rig.ts';
import { SCENARIOS } from './scenarios.ts';
import { seedStock } from './seed.ts';

const HELP = `Usage: node bench/profile.ts [--scenario c-spread] [--seconds 8] [--top 25]

Runs one scenario and prints where the server process spends its time. The profile is written to
bench/results/<scenario>.cpuprofile, for a browser's developer tools.
`;

const STOCK = { products: 10_000, locations: 10 };
const CONNECTIONS = 64;
const WARM_UP_MS = 3_000;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'c-spread' },
    seconds: { type: 'string', default: '8' },
    top: { type: 'string', default: '25' },
    help: { type: 'boolean', default: false },
  },
});
const scenario = SCENARIOS.find(({ name, isKeyed }) => name === values.scenario && !isKeyed);
if (values.help || scenario === undefined || scenario.server !== 'app') {
  const known = SCENARIOS.filter(({ isKeyed, server }) => !isKeyed && server === 'app').map(({ name }) => name);
  console.log(`${HELP}\nScenarios: ${known.join(', ')}`);
} else {
  await profile(scenario, Number(values.seconds) * 1000, Number(values.top));
}

async function profile({ name, traffic }: (typeof SCENARIOS)[number], measureMs: number, top: number): Promise<void> {
  const results = fileURLToPath(new URL('results', import.meta.url));
  mkdirSync(results, { recursive: true });
  const file = join(results, `${name}.cpuprofile`);
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  chmodSync(directory, 0o755);
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const rig = await startRig(join(directory, 'data')).catch((error: unknown) => {
    remove();
    throw error;
  });
  try {
    await seedStock(new ApiClient(rig.appPort), STOCK);
    const order = { ...traffic, port: rig.appPort, connections: CONNECTIONS, stock: STOCK, isIdempotent: false };
    const shared = { ...order, apiKey: undefined, warmUpMs: 0 };
    await rig.runLoad({ ...shared, measureMs: WARM_UP_MS, runNumber: 1 });
    await rig.settle();
    const before = await rig.usage();
    await rig.ask({ do: 'profile-start' });
    const load = await rig.runLoad({ ...shared, measureMs, runNumber: 2 });
    await rig.ask({ do: 'profile-stop', file });
    const after = await rig.usage();
    const report = reportProfile(JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile);
    const perOperation = (ms: number): string => `${((ms * 1000) / load.operationsInAll).toFixed(1)} µs`;
    console.log(
      `${name}: ${Math.round(load.operationsPerSecond)}/s while profiled, p99 ${load.latency.p99Ms.toFixed(1)} ms`,
    );
    console.log(
      `processor time per operation: server ${perOperation(after.cpuMs - before.cpuMs)}, database ${perOperation((after.databaseCpuMs ?? 0) - (before.databaseCpuMs ?? 0))}, load ${perOperation(load.loadCpuMs)}`,
    );
    console.log(`the event loop's thread was busy ${percent(report.busyShare)} of the time; of that, self time:\n`);
    print(report.places, 15);
    print(report.functions, top);
    console.log(`written to ${file}`);
  } finally {
    await rig.stop();
    remove();
  }
}

function print(lines: readonly ProfileLine[], top: number): void {
  for (const { share, name } of lines.slice(0, top)) console.log(`${percent(share).padStart(7)}  ${name}`);
  console.log('');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
