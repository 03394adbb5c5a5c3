import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ClosingLine } from './scripts/closing-line.reporter.ts';
import { LongFirst } from './scripts/long-first.sequencer.ts';

/** Under this condition the client is its source, not its build (packages/client/package.json). */
const SOURCE_CONDITION = 'holdfast-source';
const DEFAULT_CONDITIONS = ['module', 'node', 'development|production'];

/** Starts the one PostgreSQL that all suites share. */
const globalSetup = './packages/server/test/global-setup.ts';
const exists = (path: string): boolean => existsSync(fileURLToPath(new URL(path, import.meta.url)));

export default defineConfig({
  resolve: { conditions: [SOURCE_CONDITION, ...DEFAULT_CONDITIONS] },
  ssr: { resolve: { conditions: [SOURCE_CONDITION, ...DEFAULT_CONDITIONS], externalConditions: [SOURCE_CONDITION] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'torture/**/*.test.ts',
      'bench/**/*.test.ts',
      'scripts/**/*.test.ts',
      'deploy/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    // Processes, not threads: a suite may start servers, change its environment and be killed.
    pool: 'forks',
    // Suites that follow one another in a process share its modules: reading the server anew for each of 250 was a fifth of
    // the processors' time. None may leave anything behind.
    isolate: false,
    // More than two cores: many suites wait for clocks, restarts and browsers.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    execArgv: [`--conditions=${SOURCE_CONDITION}`],
    testTimeout: 60_000,
    // How long something took is judged again, because the machine may have stood still: what is slow by itself is slow each
    // time. What passes only then is named at the end.
    retry: { count: 2, condition: /^expected [\d.]+ to be less than \d{3,}$/ },
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // What a browser is about to show, on a machine that has other things to do.
    expect: { poll: { timeout: 20_000, interval: 25 } },
    globalSetup: exists(globalSetup) ? [globalSetup] : [],
    reporters: ['default', new ClosingLine()],
  },
});
