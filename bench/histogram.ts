/**
 * Counts of durations in buckets that widen with the duration, as HdrHistogram's do (hdrhistogram.org): each power of
 * two of microseconds is cut into 64, so that a quantile is at most 1.6% too high, and recording is an addition.
 */
const SUB_BUCKETS = 64;
const SUB_BITS = 6;
/** Up to 2^31 microseconds, which is 35 minutes: longer than any benchmark. */
const BUCKETS = (32 - SUB_BITS) * SUB_BUCKETS;
const LONGEST_US = 2 ** 31 - 1;

export interface LatencySummary {
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
}

export class Histogram {
  private readonly counts = new Uint32Array(BUCKETS);
  private total = 0;
  private longestUs = 0;

  record(durationMs: number): void {
    const us = Math.min(LONGEST_US, Math.max(0, Math.round(durationMs * 1000)));
    const bucket = bucketOf(us);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.total += 1;
    if (us > this.longestUs) this.longestUs = us;
  }

  get count(): number {
    return this.total;
  }

  /** The duration in milliseconds that the given share of the recorded ones did not exceed; 0 when there are none. */
  quantileMs(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.counts[bucket] ?? 0;
      if (seen >= wanted) return Math.min(highestOf(bucket), this.longestUs) / 1000;
    }
    return 0;
  }

  summary(): LatencySummary {
    return {
      p50Ms: this.quantileMs(0.5),
      p99Ms: this.quantileMs(0.99),
      p999Ms: this.quantileMs(0.999),
      maxMs: this.longestUs / 1000,
    };
  }
}

function bucketOf(us: number): number {
  if (us < SUB_BUCKETS * 2) return us;
  const shift = 31 - Math.clz32(us) - SUB_BITS;
  return shift * SUB_BUCKETS + (us >>> shift);
}

function highestOf(bucket: number): number {
  if (bucket < SUB_BUCKETS * 2) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  const mantissa = bucket - shift * SUB_BUCKETS;
  return (mantissa + 1) * 2 ** shift - 1;
}
