import { realpath } from 'node:fs/promises';
import { Socket } from 'node:net';
import pg from 'pg';
import { errnoOf, messageOf } from './embedded.problems.ts';
import { OF_NOBODY_ELSE, SUPERUSER } from './embedded.types.ts';
import type { Running } from './lock.files.ts';
import { dataDirectory } from './session.sql.ts';

/** One connection of our own to database `postgres`; its end tells us that the postmaster died. */
export interface Session {
  client: pg.Client;
  /** Resolves when the connection is gone, for whatever reason. */
  closed: Promise<void>;
  /** From now on it keeps the process alive no longer, until ref(). */
  unref(): void;
  /** Before it is used again: Node exits in the midst of an await that only an unref'd socket would end. */
  ref(): void;
  end(): Promise<void>;
}

/** 'starting' and 'stopping' are what PostgreSQL says; 'silent' is no answer at all. */
export interface NoSession {
  session: undefined;
  reason: 'starting' | 'stopping' | 'silent' | 'other';
  detail: string;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** Connects to a postmaster that was found; what PostgreSQL refuses for good is thrown. */
export async function openSession(
  running: Running,
  pgdata: string,
  name: string,
): Promise<{ session: Session } | NoSession> {
  if (running.socketDirectory === '') return { session: undefined, reason: 'starting', detail: 'it has no socket yet' };
  const socket = new Socket();
  const client = new pg.Client({
    host: running.socketDirectory,
    port: running.port,
    user: SUPERUSER,
    database: 'postgres',
    application_name: name,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...OF_NOBODY_ELSE,
    stream: () => socket,
  });
  const closed = new Promise<void>((done) => {
    client.once('end', () => done());
    // An 'error' without a listener would end the process; 'end' follows it.
    client.on('error', () => done());
  });
  try {
    await client.connect();
    if (!running.certain && (await realpath(await dataDirectory(client))) !== pgdata) {
      await client.end();
      return { session: undefined, reason: 'other', detail: `process ${running.pid} serves another directory` };
    }
  } catch (error) {
    socket.destroy();
    return classify(error);
  }
  return {
    session: {
      client,
      closed,
      unref: () => void socket.unref(),
      ref: () => void socket.ref(),
      end: async () => {
        socket.ref();
        await client.end();
      },
    },
  };
}

function classify(error: unknown): NoSession {
  const detail = messageOf(error);
  const code = errnoOf(error);
  // 57P03 cannot_connect_now, in both directions; 57P01 and 57P02 end sessions.
  if (code === '57P03')
    return { session: undefined, reason: /shutting down/.test(detail) ? 'stopping' : 'starting', detail };
  if (code === '57P01' || code === '57P02') return { session: undefined, reason: 'stopping', detail };
  // Five characters of SQLSTATE that are not 53300 (too many connections): it answered, and will answer so again.
  if (/^[0-9A-Z]{5}$/.test(code) && code !== '53300' && !/^E[A-Z]+$/.test(code)) throw error;
  return { session: undefined, reason: 'silent', detail };
}
