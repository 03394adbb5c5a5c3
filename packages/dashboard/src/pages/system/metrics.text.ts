/** One sample of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads Prometheus' text exposition format, version 0.0.4; what is no sample is passed over. */
export function parseMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line);
    if (match === null) return [];
    const [, name = '', inBraces = '', value = ''] = match;
    const labels = Object.fromEntries(
      [...inBraces.matchAll(LABEL)].map(([, label = '', quoted = '']) => [label, quoted.replaceAll(/\\(.)/g, '$1')]),
    );
    return [{ name, labels, value: value === '+Inf' ? Infinity : Number(value) }];
  });
}

/** The sum of all samples of a name, null where there is none. */
export function sumOf(samples: readonly Sample[], name: string, where: Record<string, string> = {}): number | null {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(where).every(([label, value]) => sample.labels[label] === value),
  );
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

/** A counter's rise a second between two readings; a server that began anew starts from 0. */
export function rateOf(before: number | null, after: number | null, seconds: number): number | null {
  if (before === null || after === null || seconds <= 0) return null;
  return Math.max(0, after >= before ? after - before : after) / seconds;
}

/** The mean of a histogram between two readings. */
export function meanOf(before: readonly Sample[], after: readonly Sample[], name: string): number | null {
  const counted = rateOf(sumOf(before, `${name}_count`), sumOf(after, `${name}_count`), 1);
  const summed = rateOf(sumOf(before, `${name}_sum`), sumOf(after, `${name}_sum`), 1);
  return counted === null || summed === null || counted === 0 ? null : summed / counted;
}
