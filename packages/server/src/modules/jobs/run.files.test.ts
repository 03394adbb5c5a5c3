import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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
