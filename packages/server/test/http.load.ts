import type { ClientConfig } from 'pg';

/** What DATABASE_URL holds for such a connection; a host that is a directory is that of a Unix socket. */
export function databaseUrl({ host = '', port = 5432, user = '', database = '' }: ClientConfig): string {
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
}

export async function postJson(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}
