import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/** What the benchmark asks its processes over the IPC channel; of its database and profiles only the server under test. */
export type ServerQuestion =
  { do: 'address' | 'usage' | 'database' | 'profile-start' } | { do: 'profile-stop'; file: string };

export interface ServerUsage {
  pid: number;
  rssMb: number;
  peakRssMb: number;
  /** Processor time of this process since its start, all threads. */
  cpuMs: number;
}

/** Every process of the benchmark answers this one. */
export function isUsageQuestion(question: unknown): boolean {
  return (question as { do?: string }).do === 'usage';
}

export function readUsage(): ServerUsage {
  const { user, system } = process.cpuUsage();
  return {
    pid: process.pid,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
    // Kilobytes, as getrusage(2) gives them.
    peakRssMb: process.resourceUsage().maxRSS / 2 ** 10,
    cpuMs: (user + system) / 1000,
  };
}

const SAMPLE_US = 250;

/** Profiles this process between two questions, so that starting and seeding are not in the profile. */
export class Profiler {
  private readonly session = new Session();

  async start(): Promise<void> {
    this.session.connect();
    await this.session.post('Profiler.enable');
    await this.session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await this.session.post('Profiler.start');
  }

  async stop(file: string): Promise<void> {
    const { profile } = await this.session.post('Profiler.stop');
    this.session.disconnect();
    writeFileSync(file, JSON.stringify(profile));
  }
}
