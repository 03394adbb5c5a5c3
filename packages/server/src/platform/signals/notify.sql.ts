import type pg from 'pg';

/** NOTIFY reaches the sessions of one database: installations beside it do not hear. */
const CHANNEL = 'holdfast_signals';

/**
 * A transaction that notifies holds one lock for the whole cluster while it commits. Without a wait for the disk that is
 * a moment, and there is nothing in it that could be lost.
 */
export async function listen(session: pg.Client): Promise<void> {
  await session.query(
    `SET application_name = 'holdfast signals'; SET statement_timeout = 5000; SET synchronous_commit = off; LISTEN ${CHANNEL}`,
  );
}

export async function notify(session: pg.Client, message: string): Promise<void> {
  await session.query({ name: 'notify', text: 'SELECT pg_notify($1, $2)', values: [CHANNEL, message] });
}

export async function isThere(session: pg.Client): Promise<void> {
  await session.query('SELECT 1');
}
