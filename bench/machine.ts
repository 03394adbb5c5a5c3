import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';

/** What the numbers depend on besides the code. */
export interface Machine {
  node: string;
  system: string;
  processors: number;
  processor: string;
  memoryGb: number;
  /** The median time that the disk below the database takes to make 8 KiB durable. */
  fsyncMs: number;
  /** Memory only: an fsync costs nothing there, and the numbers are not those of a disk. */
  isMemoryDisk: boolean;
}

const SYNCS = 51;
const TMPFS_MAGIC = 0x01021994;

export function describeMachine(directory: string): Machine {
  return {
    node: process.version,
    system: `${platform()} ${arch()}`,
    processors: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    fsyncMs: measureFsyncMs(directory),
    isMemoryDisk: statfsSync(directory).type === TMPFS_MAGIC,
  };
}

function measureFsyncMs(directory: string): number {
  const folder = mkdtempSync(join(directory, 'fsync-'));
  const file = openSync(join(folder, 'probe'), 'w');
  const page = Buffer.alloc(8192, 1);
  const times: number[] = [];
  try {
    for (let sync = 0; sync < SYNCS; sync += 1) {
      const startedAt = performance.now();
      writeSync(file, page);
      fdatasyncSync(file);
      times.push(performance.now() - startedAt);
    }
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
  return times.toSorted((a, b) => a - b)[Math.floor(SYNCS / 2)] ?? 0;
}
