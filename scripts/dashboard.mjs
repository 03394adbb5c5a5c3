// Builds the dashboard into packages/dashboard/dist when what it is made of has changed; costs milliseconds when not.
// Called by setup.mjs before a start, by build.mjs before packing, and by hand: `node scripts/dashboard.mjs [--force]`.
// Plain JavaScript: it may run under the machine's own Node.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'packages', 'dashboard');
const dist = join(folder, 'dist');
const stampFile = join(dist, '.stamp');
const MADE_OF = ['src', 'public', 'build', 'index.html', 'vite.config.ts', 'package.json', '../client/src'];
const NOT_BUILT = /\.(test|fixture)\.tsx?$/;

function* filesOf(path) {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') yield path;
    return;
  }
  entries.sort((left, right) => (left.name < right.name ? -1 : 1));
  for (const entry of entries) yield* filesOf(join(path, entry.name));
}

/** A digest of everything that the build reads, and of the versions of what it is built with. */
function wantedStamp() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const part of MADE_OF) {
    for (const file of filesOf(join(folder, part))) {
      if (NOT_BUILT.test(file)) continue;
      hash.update(`\0${file.slice(root.length)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest('hex');
}

function isStamped(wanted) {
  try {
    return readFileSync(stampFile, 'utf8') === wanted;
  } catch {
    return false;
  }
}

/** Whether there are sources that the build beside them is not made of. */
export function dashboardIsStale() {
  return existsSync(join(folder, 'vite.config.ts')) && !isStamped(wantedStamp());
}

/** Builds aside, then swaps: a server that is running never sees half a build. Gives false where it could not. */
export async function buildDashboard() {
  const { spawn } = await import('node:child_process');
  const stamp = wantedStamp();
  const aside = join(root, '.cache', `dashboard-${process.pid}`);
  mkdirSync(dirname(aside), { recursive: true });
  const bundled = join(root, 'node_modules', '.bin', 'node');
  const node = existsSync(bundled) ? bundled : process.execPath;
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    HOLDFAST_DASHBOARD_OUT: `../../.cache/dashboard-${process.pid}`,
  };
  const child = spawn(node, [vite, 'build', '--logLevel', 'error'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', resolve);
  });
  if (code === 0) {
    writeFileSync(join(aside, '.stamp'), stamp);
    swap(aside);
  }
  rmSync(aside, { recursive: true, force: true });
  return code === 0;
}

/** Another build may be done at the same moment: then the last one stays. */
function swap(aside) {
  for (;;) {
    try {
      // The other may move in while this one clears out.
      rmSync(dist, { recursive: true, force: true });
      return renameSync(aside, dist);
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const isForced = process.argv.includes('--force');
  if ((isForced || dashboardIsStale()) && !(await buildDashboard())) process.exit(1);
}
