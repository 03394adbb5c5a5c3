import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { removeAbandonedData } from './abandoned.drafts.ts';
import { runningAsRoot } from './account.choice.ts';
import { readEntries, writeEntries } from './backup.directory.ts';
import { bytesEntry, directoryEntry, textEntry, textOf, type BackupEntry } from './backup.entry.ts';
import { FileSums, parseManifest, type BackupManifest } from './backup.manifest.ts';
import { restoreInto } from './backup.restore.ts';
import { readTar, writeTar } from './backup.tar.ts';
import { openGround, type Ground } from './embedded.fixture.ts';
import { processState } from './process.state.ts';

let ground: Ground;
beforeAll(async () => void (ground = await openGround()));
afterAll(() => ground.close());

const CONTENT: [string, Buffer][] = [
  ['postgres/PG_VERSION', Buffer.from('18\n')],
  ['postgres/base/empty', Buffer.alloc(0)],
  ['postgres/base/block', Buffer.alloc(512, 1)],
  ['postgres/base/large', Buffer.alloc(3_000_001, 2)],
  ['backup.json', Buffer.from('{}')],
];

async function* content(): AsyncGenerator<BackupEntry> {
  yield directoryEntry('postgres/pg_wal/archive_status');
  for (const [path, bytes] of CONTENT) yield bytesEntry(path, bytes);
}

async function* of(...entries: BackupEntry[]): AsyncGenerator<BackupEntry> {
  yield* entries;
}

describe('an archive', () => {
  test.each(['one.tar', 'one.tar.gz', 'one.tgz'])('%s gives back what was put in', async (name) => {
    const path = join(ground.dir, name);
    await writeTar(path, content());
    const found: [string, string, Buffer][] = [];
    for await (const { path: entry, kind, chunks } of readTar(path)) {
      const parts: Buffer[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      found.push([entry, kind, Buffer.concat(parts)]);
    }
    expect(found).toEqual([
      ['postgres/pg_wal/archive_status', 'directory', Buffer.alloc(0)],
      ...CONTENT.map(([entry, bytes]) => [entry, 'file', bytes]),
    ]);
  });

  test('entries whose content nobody took are passed over', async () => {
    const path = join(ground.dir, 'skipped.tar');
    await writeTar(path, content());
    const texts: string[] = [];
    for await (const entry of readTar(path)) if (entry.path === 'backup.json') texts.push(await textOf(entry));
    expect(texts).toEqual(['{}']);
  });

  test('a file that is no archive, and one that was cut short', async () => {
    const stranger = join(ground.dir, 'stranger.tar');
    await writeFile(stranger, Buffer.alloc(1_024, 7));
    await expect(drain(readTar(stranger))).rejects.toThrow('is no tar archive, or is damaged.');
    const whole = join(ground.dir, 'whole.tar');
    await writeTar(whole, content());
    const cut = join(ground.dir, 'cut.tar');
    await writeFile(cut, (await readFile(whole)).subarray(0, 2_000_000));
    await expect(drain(readTar(cut))).rejects.toThrow('The archive ends too early: it was cut short.');
  });

  test('nothing is written over an archive that exists', async () => {
    const path = join(ground.dir, 'there.tar');
    await writeTar(path, content());
    await expect(writeTar(path, content())).rejects.toThrow('EEXIST');
  });
});

describe('a directory', () => {
  test('gives back what was put in', async () => {
    const root = join(ground.dir, 'tree');
    await mkdir(root);
    await writeEntries(root, content());
    const paths: string[] = [];
    for await (const entry of readEntries(root)) if (entry.kind === 'file') paths.push(entry.path);
    expect(paths.sort()).toEqual(CONTENT.map(([path]) => path).sort());
  });

  test.each(['../evil', 'postgres/../../evil', '/evil', '', 'a\0b'])(
    'a path such as %j leads nowhere',
    async (path) => {
      const root = join(ground.dir, 'jail');
      await mkdir(root, { recursive: true });
      await expect(writeEntries(root, of(textEntry(path, 'x')))).rejects.toThrow('leads out of it');
      expect(await readdir(root)).toEqual([]);
    },
  );
});

describe('a manifest', () => {
  const summed = async (...entries: BackupEntry[]): Promise<FileSums> => {
    const sums = new FileSums();
    for await (const entry of sums.watch(of(...entries), () => undefined)) for await (const _chunk of entry.chunks);
    return sums;
  };
  const manifestOf = ({ files }: FileSums): BackupManifest =>
    parseManifest(JSON.stringify({ format: 'holdfast-backup-1', postgres: '18.4', files }));

  test('finds what is missing, changed or added', async () => {
    const manifest = manifestOf(await summed(textEntry('a', '1'), textEntry('b', '2')));
    (await summed(textEntry('a', '1'), textEntry('b', '2'))).check(manifest);
    const refused = async (...entries: BackupEntry[]): Promise<string> => {
      const sums = await summed(...entries);
      try {
        sums.check(manifest);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(await refused(textEntry('a', '1'))).toBe('The backup is damaged: b is missing.');
    expect(await refused(textEntry('a', '1'), textEntry('b', '3'))).toContain('b is not what was backed up');
    expect(await refused(textEntry('a', '1'), textEntry('b', '2'), textEntry('c', ''))).toContain('c does not belong');
  });

  test('of something else is no manifest', () => {
    expect(() => parseManifest(null)).toThrow('This is no backup of Holdfast, or an unfinished one');
    for (const text of [
      '',
      '[]',
      'null',
      '{"format":"holdfast-backup-2","postgres":"18.4","files":{}}',
      '{"format":"holdfast-backup-1","postgres":"18.4","files":null}',
      '{"format":"holdfast-backup-1","files":{}}',
    ]) {
      expect(() => parseManifest(text)).toThrow('This is no backup that this Holdfast knows');
    }
  });

  test('of no data at all leaves what is there in its place', async () => {
    const source = join(ground.dir, 'hollow');
    const dataDir = join(ground.dir, 'precious');
    await mkdir(source);
    await writeFile(join(source, 'backup.json'), '{"format":"holdfast-backup-1","postgres":"18.4","files":{}}');
    await mkdir(join(dataDir, 'postgres'), { recursive: true });
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '18\n');
    const restored = restoreInto({ source, dataDir, force: true, log: () => undefined }, ground.surroundings);
    await expect(restored).rejects.toThrow('The backup holds no PostgreSQL data.');
    expect(await readdir(dataDir)).toEqual(['postgres']);
    expect(await readdir(join(dataDir, 'postgres'))).toEqual(['PG_VERSION']);
  });
});

describe('a restore', () => {
  const PG_VERSION = '18\n';
  const sha256 = createHash('sha256').update(PG_VERSION).digest('hex');
  let source: string;
  beforeAll(async () => {
    source = join(ground.dir, 'small');
    await mkdir(join(source, 'postgres'), { recursive: true });
    await writeFile(join(source, 'postgres', 'PG_VERSION'), PG_VERSION);
    const files = { 'postgres/PG_VERSION': { bytes: PG_VERSION.length, sha256 } };
    await writeFile(
      join(source, 'backup.json'),
      JSON.stringify({ format: 'holdfast-backup-1', postgres: '18.4', files }),
    );
  });
  const restore = (dataDir: string, force: boolean) =>
    restoreInto({ source, dataDir, force, log: () => undefined }, ground.surroundings);

  test('goes where the data are, though that is another disk', async () => {
    // A file system of its own on Linux.
    const shm = await access('/dev/shm', constants.W_OK).then(
      () => '/dev/shm',
      () => ground.dir,
    );
    const disk = await mkdtemp(join(shm, 'hf-'));
    try {
      const dataDir = join(ground.dir, 'linked');
      await mkdir(join(disk, 'data'));
      await writeFile(join(disk, 'data', 'old'), '');
      await mkdir(dataDir);
      await symlink(join(disk, 'data'), join(dataDir, 'postgres'));
      const { movedTo } = await restore(dataDir, true);
      expect((await readdir(join(dataDir, 'postgres'))).sort()).toEqual(['PG_VERSION', 'holdfast.restored']);
      expect(await readdir(movedTo ?? '')).toEqual(['old']);
      expect(await readdir(dataDir)).toEqual(['postgres']);
      await rm(join(disk, 'data'), { recursive: true });
      await expect(restore(dataDir, true)).rejects.toThrow(`is a link to ${join(disk, 'data')}, which is not there.`);
    } finally {
      await rm(disk, { recursive: true });
    }
  });

  test('takes away what one that was killed left, and leaves one that is on its way', async () => {
    const dataDir = join(ground.dir, 'left');
    const theirs = `postgres.restore-${process.ppid}-abcdef`;
    // No system gives such a pid.
    await mkdir(join(dataDir, 'postgres.restore-999999999-abcdef', 'postgres'), { recursive: true });
    await mkdir(join(dataDir, theirs));
    await restore(dataDir, false);
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', theirs]);
  });

  test('leaves nothing for long, though it was only tried and then killed', async () => {
    const name = 'holdfast-check-999999999-abcdef';
    const postgres = await ground.serve(join(ground.dir, name), { supervise: false });
    const names = { before: 'holdfast-check-', after: '-' };
    await removeAbandonedData(ground.dir, names, { log: () => undefined, surroundings: ground.surroundings });
    expect(await readdir(ground.dir)).not.toContain(name);
    expect(await processState(postgres.pid())).not.toBe('alive');
  });

  test.runIf(runningAsRoot())('by root gives the data to whom they belonged, or the directory belongs', async () => {
    const dataDir = join(ground.dir, 'of-a-service');
    await mkdir(dataDir);
    await chown(dataDir, 4_711, 4_712);
    for (const [force, uid] of [
      [false, 4_711],
      [true, 4_713],
    ] as const) {
      if (force) await chown(join(dataDir, 'postgres'), uid, 4_712);
      await restore(dataDir, force);
      expect(await stat(join(dataDir, 'postgres', 'PG_VERSION'))).toMatchObject({ uid, gid: 4_712 });
      expect(await stat(join(dataDir, 'postgres'))).toMatchObject({ uid, gid: 4_712 });
    }
  });
});

async function drain(entries: AsyncIterable<BackupEntry>): Promise<void> {
  for await (const { chunks } of entries) for await (const _chunk of chunks);
}
