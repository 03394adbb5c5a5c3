// Who may import whom, checked: the rules of .dependency-cruiser.cjs, and that dependency-cruiser really saw every source
// file. With a TypeScript that it cannot use it sees none of them, finds no breach and is content.
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cruise } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const workspace = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['packages', 'bench', 'torture', 'scripts'];

export interface Breach {
  rule: string;
  from: string;
  to: string;
}

export interface BoundaryReport {
  breaches: Breach[];
  /** Source files that were not looked at. */
  unseen: string[];
  seenCount: number;
}

/** Checks the tree under `root`, which is laid out like this workspace. Paths in the answer are relative to `root`. */
export async function checkBoundaries(root: string): Promise<BoundaryReport> {
  const options = await extractDepcruiseOptions(join(workspace, '.dependency-cruiser.cjs'));
  const folders = FOLDERS.filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(folders, { ...options, baseDir: root }, undefined, {
    tsConfig: extractTSConfig(join(workspace, 'tsconfig.json')),
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of a result');
  const seen = new Set(output.modules.map((module) => module.source));
  const sources = globSync('{packages/*/{src,test},bench,torture,scripts}/**/*.{ts,tsx}', { cwd: root });
  return {
    breaches: output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
    unseen: sources.filter((path) => !path.includes('node_modules') && !seen.has(path)),
    seenCount: sources.length,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { breaches, unseen, seenCount } = await checkBoundaries(workspace);
  for (const { rule, from, to } of breaches) console.error(`${rule}: ${from} -> ${to}`);
  for (const path of unseen) console.error(`not seen: ${path}`);
  if (breaches.length > 0 || unseen.length > 0) process.exit(1);
  console.log(`${seenCount} files, no breach`);
}
