// A Holdfast that serves from the directory given, prints the postmaster's pid, and waits to be killed.
import { startEmbeddedPostgres } from './index.ts';

const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '', log: () => undefined });
process.stdout.write(`${postgres.pid()}\n`);
setInterval(() => undefined, 60_000);
