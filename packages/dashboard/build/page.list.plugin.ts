import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const HOME = 'home';

/** Writes `pages.json`: the first part of every page's path, which is the name of its folder, for the server to know. */
export function listPages(): Plugin {
  let root = '';
  return {
    name: 'holdfast-page-list',
    apply: 'build',
    configResolved: (config) => void (root = config.root),
    generateBundle() {
      const folders = readdirSync(join(root, 'src/pages'), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => (name === HOME ? '' : name));
      this.emitFile({ type: 'asset', fileName: 'pages.json', source: JSON.stringify(folders.sort()) });
    },
  };
}
