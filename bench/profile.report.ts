import type { Profiler } from 'node:inspector';

export interface ProfileLine {
  /** Share of all samples, 0 to 1. */
  share: number;
  name: string;
}

export interface ProfileReport {
  /** Of the samples in which the process did something. */
  busyShare: number;
  functions: ProfileLine[];
  /** By npm package, folder of the server, or Node itself. */
  places: ProfileLine[];
}

const IDLE = '(idle)';

/** The self time of functions, as shares of the time in which the process was not idle. */
export function reportProfile(profile: Profiler.Profile): ProfileReport {
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  let all = 0;
  let idle = 0;
  for (const { callFrame, hitCount = 0 } of profile.nodes) {
    all += hitCount;
    if (callFrame.functionName === IDLE) {
      idle += hitCount;
      continue;
    }
    const place = placeOf(callFrame.url);
    const isMeta = callFrame.functionName.startsWith('(') && callFrame.url === '';
    const where = isMeta ? '' : `  ${place}${fileOf(callFrame.url, callFrame.lineNumber)}`;
    add(functions, `${callFrame.functionName || '(anonymous)'}${where}`, hitCount);
    add(places, isMeta ? callFrame.functionName : place, hitCount);
  }
  const busy = Math.max(1, all - idle);
  return { busyShare: busy / Math.max(1, all), functions: linesOf(functions, busy), places: linesOf(places, busy) };
}

function add(counts: Map<string, number>, key: string, hits: number): void {
  counts.set(key, (counts.get(key) ?? 0) + hits);
}

function linesOf(counts: Map<string, number>, busy: number): ProfileLine[] {
  const lines = [...counts].map(([name, hits]) => ({ name, share: hits / busy }));
  return lines.filter(({ share }) => share > 0).toSorted((a, b) => b.share - a.share);
}

function placeOf(url: string): string {
  if (url === '') return '(native)';
  if (url.startsWith('node:')) return 'node';
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(url);
  if (dependency?.[1] !== undefined) return dependency[1];
  return /\/src\/((?:[^/]+\/)*)/.exec(url)?.[1]?.replace(/\/$/, '') ?? 'bench';
}

function fileOf(url: string, line: number): string {
  const file = url.startsWith('node:') ? url.slice('node:'.length) : url.slice(url.lastIndexOf('/') + 1);
  return file === '' ? '' : ` ${file}:${line + 1}`;
}
