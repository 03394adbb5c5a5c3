// Installs what is missing, so that a fresh clone needs one command; costs a few milliseconds when nothing is.
// It runs before anything is installed and under the machine's own Node: plain JavaScript, Node's modules only.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimes, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, 'package-lock.json');
const stampFile = join(root, 'node_modules', '.holdfast-setup');
const guardFile = join(root, '.cache', 'setup.lock');
const bundledNode = join(root, 'node_modules', '.bin', 'node');

const OLDEST_INSTALLING_NODE = [20, 0];
/** The first Node that runs TypeScript without a flag. */
const OLDEST_RUNNING_NODE = [22, 18];
const GUARD_TOUCH_MS = 5_000;
const GUARD_STALE_MS = 60_000;
const GUARD_SETTLE_MS = 100;
const guardText = `${process.pid} ${hostname()}`;

const NPM_OPTIONS = [
  // Without these, NODE_ENV=production would leave out what the scripts run on.
  '--include=dev',
  '--include=optional',
  '--prefer-offline',
  // Half a minute without a network is enough to know it; npm's own settings take minutes.
  '--fetch-retry-maxtimeout=10000',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--loglevel=error',
];
const NETWORK_ERRORS =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTCACHED)\b/;

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function fail(message) {
  console.error(`holdfast: ${message}`);
  process.exit(1);
}

function isOlder(version, [major, minor]) {
  const [ownMajor, ownMinor] = version.replace(/^v/, '').split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** What an up-to-date install is recognised by: this lock file, on this kind of machine. */
function wantedStamp() {
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  return `${process.platform}-${process.arch} ${hash}`;
}

function isStamped(wanted) {
  try {
    return readFileSync(stampFile, 'utf8') === wanted;
  } catch {
    return false;
  }
}

function stamp(wanted) {
  try {
    writeFileSync(stampFile, wanted);
  } catch {
    // A tree that belongs to somebody else: it works, and is only compared again next time.
  }
}

/** npm leaves out what is built for other machines, and what only such a package needs. */
function mayBeAbsent({ os, cpu, libc, optional, devOptional, peer }) {
  if (!optional && !devOptional && !peer) return false;
  const builtForThis = os?.includes(process.platform) && cpu?.includes(process.arch) && !libc;
  return !builtForThis;
}

/**
 * Whether what npm last put into node_modules (it keeps a list of it there) is what package-lock.json asks for.
 * So a developer's own `npm install` counts, and is not thrown away for an `npm ci`.
 */
function installedMatchesLock() {
  let installed;
  try {
    installed = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  } catch {
    return false;
  }
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!/(^|\/)node_modules\//.test(path)) return true;
    const found = installed[path];
    return found ? found.version === entry.version && existsSync(join(root, path)) : mayBeAbsent(entry);
  });
}

function readGuard() {
  try {
    return readFileSync(guardFile, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether the holder of the guard file is gone: its process died on this machine, or it stopped touching the file. */
function guardIsStale() {
  const [pid, host] = readGuard().split(' ');
  if (host === hostname() && !isAlive(Number(pid))) return true;
  return Date.now() - (statSync(guardFile, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > GUARD_STALE_MS;
}

async function tryGuard() {
  mkdirSync(dirname(guardFile), { recursive: true });
  try {
    writeFileSync(guardFile, guardText, { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST')
      fail(`cannot write to ${dirname(guardFile)} (${error.code}); run this as the owner of the folder`);
    if (!guardIsStale()) return false;
    rmSync(guardFile, { force: true });
    return tryGuard();
  }
  // Another that judged the same old guard stale may be about to remove ours instead of it.
  await delay(GUARD_SETTLE_MS);
  return readGuard() === guardText;
}

function releaseGuard() {
  if (readGuard() === guardText) rmSync(guardFile, { force: true });
}

/** Runs `work` while no other setup works in this folder: two `npm ci` at once would delete one another's files. */
async function alone(work) {
  let told = false;
  while (!(await tryGuard())) {
    if (!told) console.error('holdfast: another setup is at work in this folder, waiting for it');
    told = true;
    await delay(200);
  }
  const touching = setInterval(() => utimes(guardFile, new Date(), new Date(), () => {}), GUARD_TOUCH_MS);
  process.once('exit', releaseGuard);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    releaseGuard();
    process.off('exit', releaseGuard);
  }
}

/** npm as it was started with, so that its Node is not the one inside the node_modules that it is about to replace. */
function npmCommand() {
  const { npm_execpath: cli, npm_node_execpath: node } = process.env;
  if (cli && cli.endsWith('npm-cli.js') && existsSync(cli))
    return [node && existsSync(node) ? node : process.execPath, cli];
  return ['npm'];
}

/** Gives npm's exit code, and whether it failed for want of a network. */
async function runNpm(args) {
  const { spawn } = await import('node:child_process');
  const [command, ...first] = npmCommand();
  const child = spawn(command, [...first, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    process.stderr.write(chunk);
    complaint += chunk;
  });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`holdfast: npm did not start: ${error.message}`);
      resolve({ code: 1, offline: false });
    });
    child.once('close', (code) => resolve({ code: code ?? 1, offline: NETWORK_ERRORS.test(complaint) }));
  });
}

async function install() {
  console.error('holdfast: installing dependencies (once, and again when package-lock.json changes)');
  const first = await runNpm(['ci', ...NPM_OPTIONS]);
  if (first.code === 0) return;
  if (!first.offline && !process.env.CI) {
    console.error('holdfast: npm ci refused; trying npm install, which leaves package-lock.json as it is');
    if ((await runNpm(['install', '--no-save', ...NPM_OPTIONS])).code === 0) return;
  }
  fail(
    first.offline
      ? 'npm cannot reach its registry, and does not have all that is needed in its cache.\n' +
          'Check the network, `npm config get registry` and the proxy settings, then run the same command again.'
      : 'the dependencies could not be installed; what npm said is above.',
  );
}

/** Node 24 comes as a package for Linux; elsewhere the machine's own must be new enough to run TypeScript. */
async function checkNode() {
  if (existsSync(bundledNode)) {
    const { spawnSync } = await import('node:child_process');
    if (spawnSync(bundledNode, ['-e', '0']).status === 0) return;
    // A libc that it was not built for. Off the PATH with it, the machine's Node may do.
    rmSync(bundledNode);
  }
  if (!isOlder(process.version, OLDEST_RUNNING_NODE)) return;
  fail(
    `there is no packaged Node 24 for this machine (${process.platform}-${process.arch}), and its own Node ${process.version} ` +
      `is older than ${OLDEST_RUNNING_NODE.join('.')}, the first to run TypeScript. Please install Node 24.`,
  );
}

if (isOlder(process.version, OLDEST_INSTALLING_NODE)) fail(`Node 20 or newer is needed; this is ${process.version}.`);
if (!isStamped(wantedStamp())) {
  if (!installedMatchesLock()) {
    await alone(async () => {
      // Whoever held the guard before may have done it.
      if (!isStamped(wantedStamp()) && !installedMatchesLock()) await install();
      await checkNode();
      stamp(wantedStamp());
    });
  } else {
    await checkNode();
    stamp(wantedStamp());
  }
}

// The commands that serve pages, or test them.
const SHOWS_PAGES = new Set(['start', 'holdfast', 'demo', 'test']);
const dashboardScript = join(root, 'scripts', 'dashboard.mjs');
if (SHOWS_PAGES.has(process.env.npm_lifecycle_event ?? '') && existsSync(dashboardScript)) {
  const { buildDashboard, dashboardIsStale } = await import('./dashboard.mjs');
  if (dashboardIsStale()) {
    await alone(async () => {
      if (!dashboardIsStale()) return;
      console.error('holdfast: building the dashboard (when its sources change)');
      if (!(await buildDashboard())) {
        console.error(
          'holdfast: the dashboard could not be built; what vite said is above. Going on with what there is.',
        );
      }
    });
  }
}
