import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of users' types. */
export interface TypeDirectory {
  path: string;
  write(name: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

export async function typeDirectory(files: Record<string, string> = {}): Promise<TypeDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-types-'));
  const write = (name: string, text: string): Promise<void> => writeFile(join(path, name), text);
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return { path, write, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The text of a type: what its `run` does, and what else is not as in the others. */
export function typeText(name: string, run: string, more = ''): string {
  return `export default {
  name: '${name}', title: 'Test', description: 'Tests.',
  config: { type: 'object', properties: { sku: { type: 'string', description: 'A product.' } } },
  ${more}
  async run(context) { ${run} },
};`;
}
