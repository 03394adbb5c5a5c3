import { expect, test, vi } from 'vitest';
import { Gate } from './gate.ts';

/** Work that ends when it is told to. */
function work(done: string[], name: string) {
  let finish: (fails?: boolean) => void = () => undefined;
  const run = () =>
    new Promise<string>((resolve, reject) => {
      done.push(name);
      finish = (fails = false) => (fails ? reject(new Error(name)) : resolve(name));
    });
  return { run, finish: (fails?: boolean) => finish(fails) };
}

test('lets so many in, in the order in which they came, and sends the others away', async () => {
  const gate = new Gate({ insideMax: 2, waitingMax: 2 });
  const begun: string[] = [];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => work(begun, name));
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four are there');
  const runs = [a, b, c, d].map(({ run }) => gate.run(run));
  await expect(gate.run(() => Promise.resolve('e'))).rejects.toMatchObject({ code: 'overloaded', status: 503 });
  expect(begun).toEqual(['a', 'b']);
  b.finish();
  await runs[1];
  await expect.poll(() => begun).toEqual(['a', 'b', 'c']);
  // Who fails makes room as well.
  a.finish(true);
  await expect(runs[0]).rejects.toThrow('a');
  await expect.poll(() => begun).toEqual(['a', 'b', 'c', 'd']);
  c.finish();
  d.finish();
  expect(await Promise.all(runs.slice(1))).toEqual(['b', 'c', 'd']);
  expect(await gate.run(() => Promise.resolve('e'))).toBe('e');
});

test('sends away who has waited for 3 s, and lets in who came after', async () => {
  vi.useFakeTimers();
  try {
    const gate = new Gate({ insideMax: 1, waitingMax: 2 });
    const slow = work([], 'slow');
    const inside = gate.run(slow.run);
    const early = gate.run(() => Promise.resolve('early')).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2_000);
    const late = gate.run(() => Promise.resolve('late'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await early).toMatchObject({ code: 'overloaded', status: 503 });
    slow.finish();
    expect([await inside, await late]).toEqual(['slow', 'late']);
    expect(vi.getTimerCount()).toBe(0);
    expect(await gate.run(() => Promise.resolve('next'))).toBe('next');
  } finally {
    vi.useRealTimers();
  }
});
