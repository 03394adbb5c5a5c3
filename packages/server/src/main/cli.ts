#!/usr/bin/env node
import { loadConfig } from '../platform/config/index.ts';
import { serve } from './serve.ts';

const served = await serve(loadConfig(process.env, { port: process.argv[process.argv.indexOf('--port') + 1] }));
process.stdout.write(`Holdfast serves at ${served.address}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    void served.close().then(() => process.exit(0));
  });
}
