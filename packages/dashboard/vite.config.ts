import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { listPages } from './build/page.list.plugin.ts';
import { usedPalettes } from './build/palettes.plugin.ts';
import { precompress } from './build/precompress.plugin.ts';

/** Where `npm run dev` finds the API: a Holdfast that was started by `npm start`. */
const API = process.env['HOLDFAST_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), listPages(), usedPalettes(), precompress()],
  resolve: { conditions: ['holdfast-source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: process.env['HOLDFAST_DASHBOARD_OUT'] ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Nothing inline: the policy of the page forbids data: URLs of scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: 'build-manifest.json',
    // What those whose code is in the bundle ask of who passes it on.
    license: { fileName: 'licenses.md' },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '^/(api|health|openapi.json|docs)': { target: API, changeOrigin: true } },
  },
});
