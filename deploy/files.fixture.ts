import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

export const root = fileURLToPath(new URL('../', import.meta.url));

/** The text of a file of this folder. */
export function textOf(path: string): string {
  return readFileSync(join(root, 'deploy', path), 'utf8');
}

export function yamlOf(path: string): unknown {
  return parse(textOf(path), { merge: true });
}

/** Every document of every YAML file below a folder that names a kind. */
export function manifestsIn(folder: string): (Manifest & { file: string })[] {
  return readdirSync(join(root, 'deploy', folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.yaml'))
    .flatMap((path) => {
      const file = join(folder, path);
      return parseAllDocuments(textOf(file)).map((document) => ({ ...(document.toJS() as Manifest), file }));
    });
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
}

/** Where a program is, also for who has no sbin on the PATH; null where it is not installed. */
export function programPath(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For a test's name: why it was skipped, where it was. */
export function given(name: string): string {
  return programPath(name) === null ? ` (skipped: ${name} is not installed)` : '';
}
