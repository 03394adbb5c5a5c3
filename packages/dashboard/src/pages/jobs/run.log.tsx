import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from 'react';
import { get, type Answer } from '../../api/queries.ts';
import { Icon } from '../../ui/icon.tsx';
import { formatTime } from '../../ui/time.format.ts';
import { isOver, type RunWhole } from './job.words.ts';
import classes from './jobs.module.css';
import detail from './detail.module.css';

type Line = Answer<'/api/v1/runs/{id}/log'>['items'][number];

const EVERY_MS = 1_000;
const PAGE = 500;
/** More than these slow a browser down, and nobody reads them. */
const SHOWN_MAX = 2_000;
/** So near the end one follows it. */
const NEAR_PX = 24;

/** What a run says, as it says it. It follows the end until one scrolls up to read. */
export function RunLog({ run }: { run: RunWhole }) {
  const { lines, hasEarlier, showEarlier } = useLog(run);
  const [isFollowing, setIsFollowing] = useState(true);
  const box = useRef<HTMLOListElement>(null);
  useLayoutEffect(() => {
    if (isFollowing) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [lines, isFollowing]);
  const onScroll = (): void => {
    const element = box.current;
    if (element === null) return;
    setIsFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX);
  };
  const isLive = !isOver(run);
  return (
    <section className={detail['section']} aria-label="Log">
      <div className={detail['headRow']}>
        <h3 className={detail['heading']}>Log</h3>
        {isLive && lines.length > 0 && (
          <button
            type="button"
            className={detail['follow']}
            aria-pressed={isFollowing}
            onClick={() => setIsFollowing(!isFollowing)}
          >
            <Icon name={isFollowing ? 'pause' : 'play'} size={14} /> {isFollowing ? 'Pause' : 'Follow'}
          </button>
        )}
      </div>
      {lines.length === 0 ? (
        <p className={classes['quiet']}>{isLive ? 'It has said nothing yet.' : 'It said nothing.'}</p>
      ) : (
        <ol ref={box} className={detail['log']} tabIndex={0} aria-label="Lines of the log" onScroll={onScroll}>
          {hasEarlier && (
            <li>
              <button type="button" className={detail['follow']} onClick={showEarlier}>
                Show earlier lines
              </button>
            </li>
          )}
          {lines.map((line) => (
            <LogLine key={line.line} line={line} />
          ))}
        </ol>
      )}
    </section>
  );
}

const LEVELS: Record<Line['level'], string | null> = { info: null, warn: 'warning', error: 'error' };
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

function LogLine({ line: { at, level, message } }: { line: Line }) {
  const word = LEVELS[level];
  return (
    <li data-level={level}>
      <time dateTime={at} title={formatTime(at)}>
        {clock.format(new Date(at))}
      </time>{' '}
      {word !== null && <b>{word} </b>}
      {message}
    </li>
  );
}

interface Log {
  lines: readonly Line[];
  hasEarlier: boolean;
  showEarlier: () => void;
}

interface Known {
  id: string;
  lines: readonly Line[];
  /** The first that was asked for. */
  after: number;
}

/** The last lines, and what is added to them while the run goes on. */
function useLog(run: RunWhole): Log {
  const fresh: Known = { id: run.id, lines: [], after: Math.max(0, run.logLines - PAGE) };
  const [state, setState] = useState<Known>(fresh);
  const known = state.id === run.id ? state : fresh;
  const lastLine = known.lines.at(-1)?.line ?? known.after;
  const isBehind = lastLine < run.logLines;
  const isLive = !isOver(run);
  const readOn = useEffectEvent(async (signal: AbortSignal): Promise<void> => {
    const asked = { path: { id: run.id }, query: { after: lastLine, limit: PAGE } };
    // What it misses now it asks for the next time.
    const answer = await get('/api/v1/runs/{id}/log', asked, signal).catch(() => null);
    if (answer === null || signal.aborted || answer.items.length === 0) return;
    setState((now) => {
      const base = now.id === run.id ? now : known;
      return { ...base, lines: added(base.lines, answer.items) };
    });
  });
  useEffect(() => {
    if (!isLive && !isBehind) return;
    const stop = new AbortController();
    void readOn(stop.signal);
    const timer = setInterval(() => void readOn(stop.signal), EVERY_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [run.id, isLive, isBehind]);
  const showEarlier = async (): Promise<void> => {
    const first = known.lines[0]?.line ?? 1;
    const after = Math.max(0, first - 1 - PAGE);
    const query = { after, limit: Math.min(PAGE, first - 1 - after) };
    const { items } = await get('/api/v1/runs/{id}/log', { path: { id: run.id }, query });
    setState({ ...known, after, lines: [...items, ...known.lines] });
  };
  return {
    lines: known.lines,
    hasEarlier: (known.lines[0]?.line ?? 1) > 1,
    showEarlier: () => void showEarlier().catch(() => undefined),
  };
}

function added(known: readonly Line[], items: readonly Line[]): readonly Line[] {
  const last = known.at(-1)?.line ?? 0;
  return [...known, ...items.filter(({ line }) => line > last)].slice(-SHOWN_MAX);
}
