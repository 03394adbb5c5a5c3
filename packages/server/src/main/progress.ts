import { SingleBar } from 'cli-progress';
import { systemClock } from '../kernel/clock.ts';

/** How far a long command is: a bar on a terminal, a line now and then elsewhere; on stderr, so that stdout is data. */
export interface ProgressDisplay {
  /** @param fraction from 0 to 1, or null where the end is not known */
  update(fraction: number | null, note: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 10_000;
const STEPS = 1_000;

const silent: ProgressDisplay = { update: () => undefined, stop: () => undefined };

export function startProgress(
  label: string,
  options: { quiet?: boolean; stream?: NodeJS.WriteStream } = {},
): ProgressDisplay {
  const { quiet = false, stream = process.stderr } = options;
  if (quiet) return silent;
  // A dumb terminal shows the codes that a bar is drawn with as they are.
  return stream.isTTY && process.env['TERM'] !== 'dumb' ? bar(label, stream) : lines(label, stream);
}

function bar(label: string, stream: NodeJS.WriteStream): ProgressDisplay {
  const single = new SingleBar({
    format: `${label} [{bar}] {percentage}% | {note}`,
    barsize: 30,
    stream,
    clearOnComplete: true,
    hideCursor: true,
    // A signal ends the command by its own rules.
    gracefulExit: false,
  });
  single.start(STEPS, 0, { note: '' });
  return {
    update: (fraction, note) => single.update(Math.round((fraction ?? 0) * STEPS), { note }),
    stop: () => single.stop(),
  };
}

function lines(label: string, stream: NodeJS.WriteStream): ProgressDisplay {
  let toldMs = systemClock.monotonic();
  return {
    update: (fraction, note) => {
      const nowMs = systemClock.monotonic();
      if (nowMs - toldMs < LINE_EVERY_MS) return;
      toldMs = nowMs;
      const share = fraction === null ? '' : ` ${Math.floor(fraction * 100)} %,`;
      stream.write(`${label}:${share} ${note}\n`);
    },
    stop: () => undefined,
  };
}
