import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const FIRST_LOAD_MAX_BYTES = 250_000;

interface Chunk {
  file: string;
  imports?: string[];
  css?: string[];
}

describe.skipIf(!existsSync(`${dist}index.html`))('the build', () => {
  const manifest = (): Record<string, Chunk> =>
    JSON.parse(readFileSync(`${dist}build-manifest.json`, 'utf8')) as Record<string, Chunk>;

  /** A chunk and all that it is loaded with. */
  function filesOf(chunks: Record<string, Chunk>, ...entries: string[]): Set<string> {
    const files = new Set<string>();
    const visit = (name: string): void => {
      const chunk = chunks[name];
      if (chunk === undefined || files.has(chunk.file)) return;
      for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(file);
      for (const imported of chunk.imports ?? []) visit(imported);
    };
    for (const entry of entries) visit(entry);
    return files;
  }

  test.each(['home', 'inventory'])('the first load of %s is under 250 kB of scripts and styles', (page) => {
    const files = filesOf(manifest(), 'index.html', `src/pages/${page}/${page}.view.tsx`);
    expect(files.size).toBeGreaterThan(2);
    const bytes = [...files].map((file) => gzipSync(readFileSync(dist + file), { level: 9 }).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_LOAD_MAX_BYTES);
  });

  test('nothing is inline, and nothing comes from elsewhere', () => {
    const html = readFileSync(`${dist}index.html`, 'utf8');
    expect(html).not.toMatch(/<style|style=|<script>|javascript:|https?:\/\//);
    expect(html.match(/<script/g)?.length).toBe(html.match(/<script[^>]* src="\//g)?.length);
  });

  test('what is large enough is there compressed', () => {
    const files = readdirSync(`${dist}assets`);
    const large = files.filter(
      (name) => /\.(js|css)$/.test(name) && readFileSync(`${dist}assets/${name}`).length > 2_000,
    );
    expect(large.length).toBeGreaterThan(2);
    expect(large.filter((name) => !files.includes(`${name}.br`) || !files.includes(`${name}.gz`))).toEqual([]);
  });
});
