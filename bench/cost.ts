import type { DatabaseWork } from './cost.sql.ts';
import { databaseProcesses, threadsCpuUs } from './database.process.ts';
import { othersShare, type Rig, type Usage } from './rig.ts';
import { scenarioAsked, type WarmRig, withWarmRig } from './single.ts';

const HELP = `Usage: node --conditions=holdfast-source bench/cost.ts [--scenario c-spread] [--seconds 8] [--rounds 3]

Runs one scenario and prints the processor time that each process takes per operation. Linux only.
`;

const asked = scenarioAsked(HELP, { seconds: 8, rounds: 3 });
if (asked !== null) await withWarmRig(asked.scenario, (warm) => measureCosts(warm, asked.numbers));

async function measureCosts(
  { rig, dataDirectory, run }: WarmRig,
  { seconds, rounds }: { seconds: number; rounds: number },
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    await rig.settle();
    const before = await look(rig, dataDirectory);
    if (round === 1) console.error(`server ${before.usage.pid}; ${pidsOf(before)}`);
    const load = await run(seconds * 1000);
    const after = await look(rig, dataDirectory);
    console.log(`\nround ${round}: ${Math.round(load.operationsPerSecond)}/s, p99 ${load.latency.p99Ms.toFixed(1)} ms`);
    printCosts(before, after, load.operationsInAll);
    printMachine(before.usage, after.usage);
  }
}

/** All that is counted, at one moment. */
interface Look {
  usage: Usage;
  work: DatabaseWork;
  /** Microseconds of processor time by what took them. */
  cpuUs: Map<string, number>;
  batches: number;
  commands: number;
}

async function look(rig: Rig, dataDirectory: string): Promise<Look> {
  const work = (await rig.ask({ do: 'database' })) as DatabaseWork;
  const usage = await rig.usage();
  const names = new Map(work.names.map(({ pid, name }) => [pid, name]));
  const cpuUs = new Map<string, number>();
  const add = (name: string, us: number): void => void cpuUs.set(name, (cpuUs.get(name) ?? 0) + us);
  const { pid: server } = usage;
  for (const [thread, us] of threadsCpuUs(server)) {
    add(thread === server ? 'server, event loop' : 'server, other threads', us);
  }
  for (const { pid, title, cpuUs: us } of databaseProcesses(dataDirectory)) {
    add(`postgres, ${(names.get(pid) ?? title).replace(/ \d+$/, '')}`, us);
  }
  add('load and this process', usage.restCpuMs * 1000);
  const metrics = await (await fetch(`http://127.0.0.1:${rig.appPort}/metrics`)).text();
  const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? 0);
  const [batches, commands] = [metric('holdfast_batch_commands_count'), metric('holdfast_batch_commands_sum')];
  return { usage, work, cpuUs, batches, commands };
}

function pidsOf({ work }: Look): string {
  return work.names.map(({ pid, name }) => `${name} ${pid}`).join(', ');
}

function printCosts(before: Look, after: Look, operations: number): void {
  const costs = [...after.cpuUs].map(([name, us]) => ({ name, us: (us - (before.cpuUs.get(name) ?? 0)) / operations }));
  const sum = (prefix: string): number =>
    costs.filter(({ name }) => name.startsWith(prefix)).reduce((total, { us }) => total + us, 0);
  for (const { name, us } of costs.toSorted((a, b) => b.us - a.us)) if (us >= 0.05) printLine(us, name);
  printLine(sum('server'), 'server in all');
  printLine(sum('postgres'), 'postgres in all');
  const per = (now: number, then: number): string => ((now - then) / operations).toFixed(0);
  const batches = after.batches - before.batches;
  console.log(`${per(after.work.walBytes, before.work.walBytes).padStart(8)} bytes of WAL`);
  const pages = ((after.work.fullPages - before.work.fullPages) / operations).toFixed(3);
  console.log(`${pages.padStart(8)} whole pages in the WAL`);
  if (batches === 0) return;
  console.log(`${((after.commands - before.commands) / batches).toFixed(1).padStart(8)} commands per batch`);
  console.log(
    `${((after.work.walSyncs - before.work.walSyncs) / batches).toFixed(2).padStart(8)} syncs of the WAL per batch`,
  );
}

function printLine(us: number, name: string): void {
  console.log(`${us.toFixed(1).padStart(8)} µs  ${name}`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}%`.padStart(8);
}

/** Where the processors idle, it is not processor time that bounds the scenario, but waiting for one another. */
function printMachine(before: Usage, after: Usage): void {
  const idleMs = after.machineIdleMs - before.machineIdleMs;
  const allMs = idleMs + after.machineBusyMs - before.machineBusyMs;
  console.log(`${percent(idleMs / allMs)} of the processors idle`);
  console.log(`${percent(othersShare(before, after) ?? 0)} of them taken by other programs`);
}
