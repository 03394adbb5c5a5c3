// What `npm ci` would refuse on a machine unlike the one that wrote package-lock.json, found here: a manifest that went
// on without the lock file, a dependency with no entry (optional platform packages get lost, and `npm install` is silent
// about it), and addresses of a registry that others cannot reach.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const asText = (ranges) =>
  Object.entries(ranges ?? {})
    .map(([name, range]) => `${name}@${range}`)
    .toSorted()
    .join();

/** Where Node would find `name` from the package at `path`: its own node_modules, then each parent's. */
function isFound(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (packages[folder ? `${folder}/node_modules/${name}` : `node_modules/${name}`]) return true;
    if (!folder) return false;
  }
}

function* faultsOf(packages, path, entry) {
  if (entry.resolved?.includes('://')) yield `${path}: resolved names a registry (${entry.resolved})`;
  if (entry.link) return;
  if (path.includes('node_modules/') && !entry.integrity) yield `${path}: no integrity`;
  for (const kind of KINDS) {
    for (const name of Object.keys(entry[kind] ?? {})) {
      if (!isFound(packages, path, name)) yield `${path || 'package.json'}: ${kind} ${name} has no entry`;
    }
  }
  for (const name of Object.keys(entry.peerDependencies ?? {})) {
    const optional = entry.peerDependenciesMeta?.[name]?.optional;
    if (!optional && !isFound(packages, path, name)) yield `${path}: peer ${name} has no entry`;
  }
  if (path.includes('node_modules/')) return;
  const manifestPath = join(path, 'package.json');
  if (!existsSync(join(root, manifestPath))) return yield `${manifestPath} is in the lock file and not on disk`;
  const manifest = readJson(manifestPath);
  for (const kind of KINDS) {
    if (asText(manifest[kind]) !== asText(entry[kind]))
      yield `${manifestPath}: its ${kind} are not those of the lock file`;
  }
}

const { packages } = readJson('package-lock.json');
const faults = Object.entries(packages).flatMap(([path, entry]) => [...faultsOf(packages, path, entry)]);
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error('\nRun npm install; if entries stay lost, delete node_modules and package-lock.json first.');
  process.exit(1);
}
