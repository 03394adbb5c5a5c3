// A Holdfast in a process of its own. `<directory>`: serves, prints the postmaster's pid, and waits to be killed.
// `<directory> visit`: is a command that attaches, leaves, and must come to its last line.
import { attachOrStartEmbedded, startEmbeddedPostgres } from './index.ts';

const [, , dataDir = '', mode] = process.argv;
const options = { dataDir, log: () => undefined };

if (mode === 'visit') {
  const postgres = await attachOrStartEmbedded(options);
  await postgres.stop();
  process.stdout.write('left\n');
} else {
  const postgres = await startEmbeddedPostgres(options);
  process.stdout.write(`${postgres.pid()}\n`);
  setInterval(() => undefined, 60_000);
}
