// Builds what npm publishes of one package: `node scripts/build.mjs server|client`, called by its prepack.
// A clone runs the sources as they are; an installed package cannot, for Node strips no types under node_modules.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDashboard, dashboardIsStale } from './dashboard.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const name = process.argv[2];
const folder = join(root, 'packages', name ?? '');
if (!name || !existsSync(join(folder, 'tsconfig.build.json'))) {
  console.error('usage: node scripts/build.mjs server|client');
  process.exit(2);
}
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** tsc alone: it writes one .js beside where each .ts was, so paths relative to import.meta.url stay true. */
function compile() {
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(folder, 'tsconfig.build.json')], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

function makeCommandsExecutable() {
  for (const path of Object.values(manifest.bin ?? {})) {
    const file = join(folder, path);
    if (!existsSync(file)) {
      console.error(`packages/${name} has no source for its command ${path}`);
      process.exit(1);
    }
    if (!readFileSync(file, 'utf8').startsWith('#!/usr/bin/env node\n')) {
      console.error(`${path} does not start with #!/usr/bin/env node, so it would not run as a command`);
      process.exit(1);
    }
    chmodSync(file, 0o755);
  }
}

/** A file that is listed and absent is left out by npm without a word. */
function checkFilesAreThere() {
  const absent = manifest.files.filter((file) => !existsSync(join(folder, file)));
  if (absent.length === 0) return;
  console.error(`packages/${name} lists files that are not there: ${absent.join(', ')}`);
  process.exit(1);
}

/** The manifest of the build is for our tests. */
const isServed = (path) => !/(build-manifest\.json|\.stamp)/.test(path);

/** The server serves it, so it is packed with the server. */
async function addDashboard() {
  if (name !== 'server') return;
  if (dashboardIsStale() && !(await buildDashboard())) process.exit(1);
  cpSync(join(root, 'packages/dashboard/dist'), join(folder, 'dist/dashboard'), { recursive: true, filter: isServed });
}

compile();
await addDashboard();
makeCommandsExecutable();
checkFilesAreThere();
