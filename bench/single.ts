import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { ApiClient } from './api.client.ts';
import type { LoadResult } from './load.ts';
import { type Rig, startRig } from './rig.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';
import { seedStock } from './seed.ts';

// What scripts that run one scenario have in common.

const STOCK = { products: 10_000, locations: 10 };
const CONNECTIONS = 64;
const WARM_UP_MS = 4_000;

/**
 * The scenario that the command line names, and its numbers; null where the help was asked for or no such scenario is
 * known: then the help was printed.
 *
 * @param standards numbers by their option, with what they are where it is not given
 */
export function scenarioAsked<Name extends string>(
  help: string,
  standards: Readonly<Record<Name, number>>,
): { scenario: Scenario; numbers: Record<Name, number> } | null {
  const names = Object.keys(standards) as Name[];
  const options: ParseArgsOptionsConfig = {
    scenario: { type: 'string', default: 'c-spread' },
    help: { type: 'boolean', default: false },
  };
  for (const name of names) options[name] = { type: 'string' };
  const { values } = parseArgs({ options });
  const known = SCENARIOS.filter(({ isKeyed, server }) => !isKeyed && server === 'app');
  const scenario = known.find(({ name }) => name === values['scenario']);
  if (values['help'] === true || scenario === undefined) {
    console.log(`${help}\nScenarios: ${known.map(({ name }) => name).join(', ')}`);
    return null;
  }
  const numbers = Object.fromEntries(names.map((name) => [name, Number(values[name] ?? standards[name])]));
  return { scenario, numbers: numbers as Record<Name, number> };
}

export interface WarmRig {
  rig: Rig;
  dataDirectory: string;
  /** The scenario once more. */
  run: (measureMs: number) => Promise<LoadResult>;
}

/** Works with a server of its own that has stock, and has run the scenario for a while; it and its data go afterwards. */
export async function withWarmRig({ traffic }: Scenario, work: (warm: WarmRig) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  try {
    chmodSync(directory, 0o755);
    const dataDirectory = join(directory, 'data');
    const rig = await startRig(dataDirectory);
    try {
      await seedStock(new ApiClient(rig.appPort), STOCK);
      const order = { ...traffic, port: rig.appPort, connections: CONNECTIONS, stock: STOCK, isIdempotent: false };
      let runNumber = 0;
      const run = (measureMs: number): Promise<LoadResult> =>
        rig.runLoad({ ...order, apiKey: undefined, warmUpMs: 0, measureMs, runNumber: (runNumber += 1) });
      await run(WARM_UP_MS);
      await work({ rig, dataDirectory, run });
    } finally {
      await rig.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
