import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

/** Programs of which any one will do, and the Debian package that brings one. */
export interface Wanted {
  programs: readonly string[];
  package: string;
}

const INSTALL_WITHIN_MS = 180_000;

export function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs what is missing, where that can be done without a question: as root, on a Debian. Where it cannot, the suites
 * that need it say by name that they were skipped.
 */
export async function installMissing(wanted: readonly Wanted[]): Promise<void> {
  const missing = wanted.filter(({ programs }) => !programs.some(isInstalled)).map((one) => one.package);
  if (missing.length === 0 || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  console.log(`installing ${missing.join(', ')}`);
  try {
    await aptGet('install', '-qy', '--no-install-recommends', ...missing).catch(async () => {
      await aptGet('update', '-q');
      await aptGet('install', '-qy', '--no-install-recommends', ...missing);
    });
  } catch (error) {
    const [reason = 'for no reason that it told'] = String(error).split('\n');
    console.log(`not installed: ${reason}; going on without`);
  }
}

async function aptGet(...args: string[]): Promise<void> {
  // At run level 1 nothing that is installed is started: the tests bring up servers of their own.
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
  await promisify(execFile)('apt-get', args, { env, timeout: INSTALL_WITHIN_MS, maxBuffer: 16 << 20 });
}
