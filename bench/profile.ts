import { mkdirSync, readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ProfileLine, reportProfile } from './profile.report.ts';
import { scenarioAsked, type WarmRig, withWarmRig } from './single.ts';

const HELP = `Usage: node bench/profile.ts [--scenario c-spread] [--seconds 8] [--top 25]

Runs one scenario and prints where the server process spends its time. The profile is written to
bench/results/<scenario>.cpuprofile, for a browser's developer tools.
`;

const asked = scenarioAsked(HELP, { seconds: 8, top: 25 });
if (asked !== null) {
  const { scenario, numbers } = asked;
  await withWarmRig(scenario, (warm) => profile(scenario.name, warm, numbers));
}

async function profile(
  name: string,
  { rig, run }: WarmRig,
  { seconds, top }: { seconds: number; top: number },
): Promise<void> {
  const results = fileURLToPath(new URL('results', import.meta.url));
  mkdirSync(results, { recursive: true });
  const file = join(results, `${name}.cpuprofile`);
  await rig.settle();
  const before = await rig.usage();
  await rig.ask({ do: 'profile-start' });
  const load = await run(seconds * 1000);
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
}

function print(lines: readonly ProfileLine[], top: number): void {
  for (const { share, name } of lines.slice(0, top)) console.log(`${percent(share).padStart(7)}  ${name}`);
  console.log('');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
