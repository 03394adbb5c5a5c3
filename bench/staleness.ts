import { Agent, request, type IncomingMessage } from 'node:http';

export interface StalenessOrder {
  /** Where commits are made; addresses such as http://127.0.0.1:8080 */
  writer: string;
  readers: { same: string; other: string };
  adjustPath: string;
  readPath: string;
  location: string;
  measureMs: number;
}

/** For how long after a commit was answered reads were still sent that did not show it, over all commits. */
export interface Staleness {
  commits: number;
  reads: number;
  hits: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

interface Commit {
  version: number;
  answeredMs: number;
}

interface Read {
  sentMs: number;
  version: number;
  isHit: boolean;
}

const READERS = 4;
/** Between two commits of the writer: some are close on one another, and in some pauses the cache is warm. */
const PAUSES_MS = [0, 1, 3, 10, 30];

/**
 * One writer raises the version of a level; readers ask for it all the time, on both instances. A read that was sent after
 * a commit was answered, and does not show it, is stale by the time between.
 */
export async function measureStaleness(order: StalenessOrder): Promise<{ same: Staleness; other: Staleness }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 * READERS });
  const state = { isOver: false };
  const readAll = (address: string): Promise<Read[]> =>
    Promise.all(Array.from({ length: READERS }, () => readOn(agent, `${address}${order.readPath}`, state))).then(
      (lists) => lists.flat(),
    );
  const same = readAll(order.readers.same);
  const other = readAll(order.readers.other);
  const commits = await commitOn(agent, order);
  state.isOver = true;
  const staleness = { same: stalenessOf(commits, await same), other: stalenessOf(commits, await other) };
  agent.destroy();
  return staleness;
}

async function commitOn(agent: Agent, order: StalenessOrder): Promise<Commit[]> {
  const commits: Commit[] = [];
  const untilMs = performance.now() + order.measureMs;
  const body = JSON.stringify({ location: order.location, type: 'add', quantity: 1 });
  for (let round = 0; performance.now() < untilMs; round += 1) {
    const { json } = await call(agent, `${order.writer}${order.adjustPath}`, body);
    commits.push({ version: (json as { level: { version: number } }).level.version, answeredMs: performance.now() });
    await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[round % PAUSES_MS.length]));
  }
  return commits;
}

async function readOn(agent: Agent, url: string, state: { isOver: boolean }): Promise<Read[]> {
  const reads: Read[] = [];
  while (!state.isOver) {
    const sentMs = performance.now();
    const { json, headers } = await call(agent, url);
    const isHit = String(headers['cache-status']).includes('hit');
    reads.push({ sentMs, version: (json as { version: number }).version, isHit });
  }
  return reads;
}

/** Of each commit: how long after its answer the last read was sent that did not show it. */
function stalenessOf(commits: readonly Commit[], reads: readonly Read[]): Staleness {
  const staleMs = commits.map(({ version, answeredMs }) => {
    const missed = reads.filter((read) => read.version < version && read.sentMs > answeredMs);
    return missed.reduce((longest, { sentMs }) => Math.max(longest, sentMs - answeredMs), 0);
  });
  const sorted = staleMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {
    commits: commits.length,
    reads: reads.length,
    hits: reads.filter(({ isHit }) => isHit).length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: sorted.at(-1) ?? 0,
  };
}

function call(
  agent: Agent,
  url: string,
  body?: string,
): Promise<{ json: unknown; headers: IncomingMessage['headers'] }> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(url, { agent, method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200) resolve({ json: JSON.parse(text) as unknown, headers: answer.headers });
        else reject(new Error(`${method} ${url} answered ${answer.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
