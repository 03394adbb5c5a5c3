import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientConfig } from 'pg';

/** What DATABASE_URL holds for such a connection; a host that is a directory is that of a Unix socket. */
export function databaseUrl({ host = '', port = 5432, user = '', database = '' }: ClientConfig): string {
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
}

/** Sent again while the server turns callers away because the machine has much to do: then nothing was done. */
export async function postJson(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  for (;;) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (answer.status !== 503 || !(await answer.clone().text()).includes('"overloaded"')) return answer;
    await sleep(200);
  }
}
