// `npm run check`: everything that is judged without running the product. `npm run check -- types lint` runs some of it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binFolder = join(root, 'node_modules', '.bin');
const PARALLEL_MAX = 4;

const CLI = 'packages/server/src/main/cli.ts';
const OPENAPI = 'packages/server/openapi.json';
const CLIENT_TYPES = 'packages/client/src/openapi.ts';

/** The slowest first, so that they run beside the quick ones. `needs` names the file without which a step says nothing. */
const steps = [
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'types-pages', command: ['tsc', '-p', 'packages/dashboard/tsconfig.json'] },
  { name: 'lint', command: ['oxlint', '--max-warnings=0', '.'] },
  { name: 'openapi-lint', command: ['redocly', 'lint', '--format=stylish', OPENAPI], needs: OPENAPI },
  { name: 'openapi-drift', command: ['node', CLI, 'openapi', '--check'], needs: CLI },
  { name: 'asyncapi-drift', command: ['node', CLI, 'asyncapi', '--check'], needs: CLI },
  {
    name: 'client-drift',
    command: ['openapi-typescript', OPENAPI, '-o', CLIENT_TYPES, '--default-non-nullable=false', '--check'],
    needs: OPENAPI,
  },
  { name: 'unused', command: ['knip', '--no-progress', '--no-config-hints'] },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'boundaries', command: ['node', 'scripts/boundaries.ts'] },
  { name: 'lock-file', command: ['node', 'scripts/lock-file.mjs'] },
];

/** Runs one step; the tool's output is kept for when it fails. */
function run({ command: [program, ...args] }) {
  // The tools are scripts that start with `#!/usr/bin/env node`: this very Node must be the one that they find.
  const env = { ...process.env, PATH: [dirname(process.execPath), binFolder, process.env.PATH].join(delimiter) };
  // Tools that look for news or send telemetry would make the check depend on the network.
  Object.assign(env, { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_UPDATE_NOTIFIER: '1' });
  const file = program === 'node' ? process.execPath : join(binFolder, program);
  const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ passed: false, output: `${file} did not start: ${error.message}` }));
    child.once('close', (code, signal) => {
      const end = signal ? `\n(ended by ${signal})` : '';
      resolve({ passed: code === 0, output: Buffer.concat(output).toString('utf8') + end });
    });
  });
}

async function runAndTell(step) {
  const { name, needs } = step;
  if (needs && !existsSync(join(root, needs))) {
    console.log(`-  ${name.padEnd(14)} there is no ${needs}`);
    return true;
  }
  const startedAt = performance.now();
  const { passed, output } = await run(step);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${passed ? 'ok' : 'NO'} ${name.padEnd(14)} ${seconds.padStart(5)} s`);
  if (!passed) console.log(`\n${output.trimEnd()}\n`);
  return passed;
}

function chosenSteps(names) {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(`no such check: ${unknown.join(', ')}; there are ${steps.map((step) => step.name).join(', ')}`);
    process.exit(2);
  }
  return names.length > 0 ? steps.filter((step) => names.includes(step.name)) : [...steps];
}

const startedAt = performance.now();
const waiting = chosenSteps(process.argv.slice(2));
const failed = [];
const worker = async () => {
  for (let step = waiting.shift(); step; step = waiting.shift()) {
    if (!(await runAndTell(step))) failed.push(step.name);
  }
};
const workers = Math.min(availableParallelism(), PARALLEL_MAX);
await Promise.all(Array.from({ length: workers }, worker));
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
console.log(failed.length > 0 ? `check failed in ${seconds} s: ${failed.join(', ')}` : `check passed in ${seconds} s`);
process.exitCode = failed.length > 0 ? 1 : 0;
