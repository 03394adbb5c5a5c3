import type { CsvAnswer, CsvRead } from './csv.worker.ts';

/** Reads a CSV file in a worker. @throws Error with what is wrong with it */
export async function readCsv(file: File): Promise<CsvRead> {
  const text = await file.text();
  const worker = new Worker(new URL('./csv.worker.ts', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<CsvAnswer>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<CsvAnswer>) => resolve(data));
      worker.addEventListener('error', () => reject(new Error('The file could not be read.')));
      // A worker has no origin of its own to name.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage(text);
    });
    if (!answer.ok) throw new Error(answer.reason);
    return answer.read;
  } finally {
    worker.terminate();
  }
}
