import { describe, expect, it } from 'vitest';
import { parseAccounts } from './account.choice.ts';
import { renderSettings } from './cluster.settings.ts';
import { parsePidFile } from './lock.files.ts';
import { isPostmasterOf, processState, stateFromStat } from './process.state.ts';

const GIB = 1 << 30;
const input = { pgdata: '/d/postgres', socketDirectory: '/d/run', memoryBytes: 8 * GIB, extra: {} };

describe('holdfast.conf', () => {
  it('lets the user’s settings win, and quotes them', () => {
    const text = renderSettings({ ...input, extra: { jit: 'on', search_path: `"it's", a\\b` } });
    expect(text).toContain("\njit = 'on'\n");
    expect(text.match(/^jit /gm)).toHaveLength(1);
    expect(text).toContain(`\nsearch_path = '"it''s", a\\\\b'\n`);
  });

  it('sizes its buffers by the machine', () => {
    expect(renderSettings(input)).toContain("shared_buffers = '256MB'");
    expect(renderSettings({ ...input, memoryBytes: GIB / 2 })).toContain("shared_buffers = '128MB'");
  });

  it('refuses what would be more than one setting', () => {
    expect(() => renderSettings({ ...input, extra: { work_mem: '1MB\nfsync = off' } })).toThrow(RangeError);
    expect(() => renderSettings({ ...input, extra: { 'fsync = off\nx': '1' } })).toThrow(RangeError);
  });
});

describe('a process', () => {
  it('is dead as a zombie, whatever its name holds', () => {
    expect(stateFromStat('4711 (postgres) S 1 4711 4711 0')).toBe('alive');
    expect(stateFromStat('4711 (postgres) Z 1 4711 4711 0')).toBe('zombie');
    expect(stateFromStat('4711 (a) Z (b) R 1 4711 4711 0')).toBe('alive');
    expect(stateFromStat('4711 (a) R (b) Z 1 4711 4711 0')).toBe('zombie');
  });

  it('is found alive or gone, and told from a postmaster', async () => {
    expect(await processState(process.pid)).toBe('alive');
    expect(await processState(2 ** 22 - 3)).toBe('gone');
    expect(await isPostmasterOf(process.pid, process.cwd())).toBe('no');
  });
});

describe('postmaster.pid', () => {
  it('is read by line', () => {
    expect(parsePidFile('4711\n/d/postgres\n1700000000\n5432\n/d/run\n\n 1 2\nready   \n')).toEqual({
      pid: 4711,
      port: 5432,
      socketDirectory: '/d/run',
    });
    expect(parsePidFile('4711\n/d/postgres\n1700000000\n5432\n')?.socketDirectory).toBe('');
    expect(parsePidFile('')).toBeUndefined();
    expect(parsePidFile('-4711\n')).toBeUndefined();
  });
});

describe('passwd', () => {
  it('gives accounts, and skips what is none', () => {
    expect(parseAccounts('root:x:0:0::/:/bin/sh\n# note\n+@nis\nnobody:x:65534:65533:n:/:/x\n')).toEqual([
      { name: 'root', uid: 0, gid: 0 },
      { name: 'nobody', uid: 65_534, gid: 65_533 },
    ]);
  });
});
