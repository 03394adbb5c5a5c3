import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { RunLostError } from '../../platform/jobs/index.ts';
import { gate, startWorkersApp, type WorkersApp } from './jobs.fixture.ts';

let jobs: WorkersApp;
beforeAll(async () => {
  jobs = await startWorkersApp();
});
afterAll(() => jobs.close());
afterEach(() => jobs.clear());

describe('files of a run', () => {
  it('are as they were written last, however large', async () => {
    const bytes = Buffer.alloc(3 * 1_048_576, 'thirty-one bytes, so no boundary');
    const pieces = function* (): Generator<Buffer> {
      for (let at = 0; at < bytes.length; at += 100_001) yield bytes.subarray(at, at + 100_001);
    };
    const id = await jobs.runOf(async ({ writeFile, attempt }) => {
      await writeFile({ name: 'report.txt', mediaType: 'text/plain' }, [`attempt ${attempt}, `, 'ä'.repeat(attempt)]);
      await writeFile(
        { name: 'large.bin', mediaType: 'application/octet-stream' },
        attempt === 1 ? ['small'] : pieces(),
      );
      if (attempt === 1) throw new Error('behind its files');
    });
    const worker = jobs.workerOf();
    await worker.runOnce();
    const fetch = async (name: string) => jobs.app.inject({ url: `/api/v1/runs/${id}/files/${name}` });
    expect((await fetch('report.txt')).body).toBe('attempt 1, ä');
    expect((await fetch('large.bin')).body).toBe('small');
    await worker.runOnce();
    expect((await jobs.read(id)).files).toEqual([
      { name: 'large.bin', mediaType: 'application/octet-stream', size: bytes.length },
      { name: 'report.txt', mediaType: 'text/plain', size: 15 },
    ]);
    expect((await fetch('report.txt')).body).toBe('attempt 2, ää');
    const large = await fetch('large.bin');
    expect(large.headers['content-type']).toBe('application/octet-stream');
    expect(sha256(large.rawPayload)).toBe(sha256(bytes));
    const kept = await jobs.sql<{ pieces: number; fences: number }>(
      `SELECT count(*)::int AS pieces, count(DISTINCT fence)::int AS fences FROM run_file_piece WHERE run_id = $1 AND name = 'large.bin'`,
      [id],
    );
    expect(kept).toEqual([{ pieces: 12, fences: 1 }]);
  });

  it('stay whole when they are written again and that fails, or two write one at a time', async () => {
    const goOn = new Map<string, () => void>();
    const slow = async function* (text: string): AsyncGenerator<string> {
      yield text.repeat(300_000);
      await new Promise<void>((resolve) => goOn.set(text, resolve));
      yield text;
    };
    const failing = function* (): Generator<string> {
      yield 'b'.repeat(300_000);
      throw new Error('nothing follows');
    };
    const id = await jobs.runOf(async ({ writeFile }) => {
      const again = { name: 'again.txt', mediaType: 'text/plain' };
      await writeFile(again, ['a'.repeat(600_000)]);
      await writeFile(again, failing()).catch(() => undefined);
      const both = { name: 'both.txt', mediaType: 'text/plain' };
      const [first, second] = [writeFile(both, slow('c')), writeFile(both, slow('d'))];
      await vi.waitUntil(() => goOn.size === 2, 30_000);
      goOn.get('d')?.();
      await second;
      goOn.get('c')?.();
      await first;
    });
    await jobs.workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded' });
    const fetch = async (name: string) => (await jobs.app.inject({ url: `/api/v1/runs/${id}/files/${name}` })).body;
    expect(await fetch('again.txt')).toBe('a'.repeat(600_000));
    expect(await fetch('both.txt')).toBe('d'.repeat(300_001));
  });

  it.each(['', 'csv', 'text/plain; title=“x”', 'text/csv\r\nx-more: yes', 'undefined', `text/${'x'.repeat(200)}`])(
    'of the type %j, which no header could carry, are refused',
    async (mediaType) => {
      const id = await jobs.runOf(({ writeFile }) => writeFile({ name: 'odd.txt', mediaType }, ['odd']));
      await jobs.workerOf().runOnce();
      const message = `${JSON.stringify(mediaType)} is no media type, such as text/csv.`;
      expect(await jobs.read(id)).toMatchObject({ status: 'failed', error: { code: 'permanent', message }, files: [] });
    },
  );

  it.each(['', '.hidden', '../up', 'a/b', 'two\nlines', '“quoted”', 'x'.repeat(200)])(
    'of the name %j, which no header could carry either, are refused',
    async (name) => {
      const id = await jobs.runOf(({ writeFile }) => writeFile({ name, mediaType: 'text/plain' }, ['odd']));
      await jobs.workerOf().runOnce();
      const error = { code: 'permanent', message: `${JSON.stringify(name)} is no name for a file.` };
      expect(await jobs.read(id)).toMatchObject({ status: 'failed', error, files: [] });
    },
  );

  it.each(['text/csv', 'text/csv; charset=utf-8', 'application/vnd.a+json;v="1.0, b"'])(
    'of the type %j are sent as that',
    async (mediaType) => {
      const id = await jobs.runOf(({ writeFile }) => writeFile({ name: 'file', mediaType }, ['text']));
      await jobs.workerOf().runOnce();
      const { headers } = await jobs.app.inject({ url: `/api/v1/runs/${id}/files/file` });
      expect(headers['content-type']).toBe(mediaType);
    },
  );

  it('are described as being of any type', async () => {
    const document = (await jobs.app.inject({ url: '/openapi.json' })).json<{
      paths: Record<string, { get: { responses: Record<string, { content: object }> } }>;
    }>();
    const answer = document.paths['/api/v1/runs/{id}/files/{name}']?.get.responses['200'];
    expect(Object.keys(answer?.content ?? {})).toEqual(['*/*']);
  });

  it('of an attempt that has lost its run are refused', async () => {
    const { work, begun, open, contexts } = gate();
    const id = await jobs.runOf(async (context) => {
      if (contexts.length === 0) await work(context);
      else await context.writeFile({ name: 'whose.txt', mediaType: 'text/plain' }, ['of the second']);
    });
    const first = jobs.workerOf().runOnce();
    const context = await begun;
    await jobs.missHolders();
    await jobs.workerOf().runOnce();
    const late = context.writeFile({ name: 'whose.txt', mediaType: 'text/plain' }, ['of the first']);
    await expect(late).rejects.toThrow(RunLostError);
    open();
    await first;
    expect((await jobs.app.inject({ url: `/api/v1/runs/${id}/files/whose.txt` })).body).toBe('of the second');
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
