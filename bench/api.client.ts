/** What seeding and checking need of the API: JSON in, JSON out, anything but 2xx is an error. */
export class ApiClient {
  private readonly base: string;
  private readonly apiKey: string | undefined;

  constructor(port: number, apiKey?: string) {
    this.base = `http://127.0.0.1:${port}/api/v1`;
    this.apiKey = apiKey;
  }

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path, undefined);
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>('POST', path, JSON.stringify(body));
  }

  private async call<T>(method: string, path: string, body: string | undefined): Promise<T> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (this.apiKey !== undefined) headers['authorization'] = `Bearer ${this.apiKey}`;
    const init = body === undefined ? { method, headers } : { method, headers, body };
    const answer = await fetch(`${this.base}${path}`, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  }
}
