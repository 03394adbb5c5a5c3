import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { noteLive } from '../api/connection.store.ts';
import { send } from '../api/holdfast.ts';
import { readiness } from '../api/readiness.ts';
import { NoStream, PositionGone, readEventStream, type StreamEvent } from './event.stream.ts';
import { publish } from './live.bus.ts';
import { LiveQueries } from './live.queries.ts';
import type { HoldfastEvent } from './live.rules.ts';

const STREAM = '/api/v1/events/stream';
/** Three heartbeats. */
const SILENCE_MS = 45_000;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 10_000;
/** Where there is no stream, everything that is shown is asked for again, and the stream now and then. */
const POLL_MS = 4_000;
const STREAM_AGAIN_MS = 60_000;

/** Keeps one stream of events open while the dashboard is signed in and looked at. Shows nothing. */
export function LiveFeed(): null {
  const client = useQueryClient();
  useEffect(() => {
    const queries = new LiveQueries(client);
    const feed = follow(queries);
    const deafen = readiness.onBack((missed) => {
      void client.invalidateQueries();
      // A connection that lived through a silence may be dead, and would be found so within three heartbeats.
      if (missed === 'silent') feed.restart();
      else feed.connect();
    });
    return () => {
      deafen();
      feed.stop();
      queries.stop();
      noteLive(false);
    };
  }, [client]);
  return null;
}

interface Feed {
  /** At once, where it waits to try again. */
  connect: () => void;
  /** By another connection, which goes on where this one was. */
  restart: () => void;
  stop: () => void;
}

function follow(queries: LiveQueries): Feed {
  let stopped = false;
  let connection: AbortController | null = null;
  let lastEventId: string | null = null;
  let wait: ReturnType<typeof setTimeout> | undefined;
  let poll: ReturnType<typeof setInterval> | undefined;
  let failures = 0;

  const take = (event: StreamEvent): void => {
    // Why the server ends this connection; what follows is another one.
    if (event.type === 'error') {
      if (event.data.includes('position_gone')) lastEventId = null;
      return;
    }
    lastEventId = event.id;
    const heard = readEvent(event);
    if (heard === null) return;
    queries.take(heard);
    publish(heard);
  };
  const onOpen = (): void => {
    failures = 0;
    clearInterval(poll);
    noteLive(true);
    // Without an id to go on from, what happened until now is not told. A page that opens has asked for little yet.
    if (lastEventId === null) queries.askAll();
  };
  const connect = (): void => {
    clearTimeout(wait);
    // A browser has six connections to a server. A tab that nobody looks at has none of them: one of those that were opened
    // in the background would wait for ever for another's to end.
    if (stopped || document.hidden || connection !== null) return;
    const own = new AbortController();
    connection = own;
    const url = new URL(STREAM, location.origin);
    const over = (error?: unknown): void => {
      // Another one has taken its place.
      if (connection !== null && connection !== own) return;
      connection = null;
      noteLive(false);
      if (stopped || own.signal.aborted) return;
      failures += 1;
      const isMissing = error instanceof NoStream;
      if (error instanceof PositionGone) lastEventId = null;
      if (isMissing) {
        clearInterval(poll);
        poll = setInterval(() => queries.askAll(), POLL_MS);
      }
      wait = setTimeout(connect, isMissing ? STREAM_AGAIN_MS : Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** (failures - 1)));
    };
    readEventStream({ send, url, lastEventId, signal: own.signal, onOpen, onEvent: take, silenceMs: SILENCE_MS }).then(
      () => over(),
      over,
    );
  };
  const drop = (): void => {
    connection?.abort();
    connection = null;
  };
  const restart = (): void => {
    drop();
    connect();
  };
  const onVisibility = (): void => (document.hidden ? drop() : connect());
  document.addEventListener('visibilitychange', onVisibility);
  connect();
  const stop = (): void => {
    stopped = true;
    document.removeEventListener('visibilitychange', onVisibility);
    clearTimeout(wait);
    clearInterval(poll);
    connection?.abort();
  };
  return { connect, restart, stop };
}

function readEvent({ type, data }: StreamEvent): HoldfastEvent | null {
  try {
    const event = JSON.parse(data) as Partial<HoldfastEvent>;
    return { type: event.type ?? type, subject: event.subject ?? null, time: event.time ?? '', data: event.data ?? {} };
  } catch {
    return null;
  }
}
