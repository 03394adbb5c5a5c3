import { SignJWT } from 'jose';
import type { TestApp } from '../../../test/app.ts';

export const ADA = { login: 'ada@shop.example', name: 'Ada Lovelace', password: 'three tired herons by the canal' };

export const BEN = { login: 'Ben', name: 'Ben', password: 'nine quiet otters in the reeds' };

const SECRET = 'an entirely sufficient secret: 32 bytes';

/** The environment of a server with an identity provider, whose tokens {@link tokenFor} makes. */
export const IDENTITY_PROVIDER = {
  HOLDFAST_JWT_SECRET: SECRET,
  HOLDFAST_JWT_ISSUER: 'https://id.example',
  HOLDFAST_JWT_AUDIENCE: 'holdfast',
};

/** @param exp seconds since the epoch */
export function tokenFor(sub: string, scope: string, exp: number): Promise<string> {
  return new SignJWT({ sub, scope, exp, iss: IDENTITY_PROVIDER.HOLDFAST_JWT_ISSUER, aud: 'holdfast' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRET));
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface Asked {
  body?: object | undefined;
  headers?: Record<string, string>;
}

/** A browser: it keeps its cookies, and says where its requests come from, as browsers do. */
export class Browser {
  readonly #test: () => TestApp;
  readonly cookies = new Map<string, string>();
  /** Added to each request. */
  headers: Record<string, string> = { 'sec-fetch-site': 'same-origin', 'x-requested-with': 'dashboard' };
  address = '127.0.0.1';

  constructor(test: () => TestApp) {
    this.#test = test;
  }

  async ask(method: Method, path: string, { body, headers = {} }: Asked = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#test().app.inject({
      method,
      url: `/api/v1${path}`,
      remoteAddress: this.address,
      headers: { host: 'localhost:8080', ...this.headers, ...(cookie === '' ? {} : { cookie }), ...headers },
      ...(body === undefined ? {} : { payload: body }),
    });
    for (const set of [answer.headers['set-cookie'] ?? []].flat()) this.#keep(set);
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body === '' ? null : answer.json(),
    };
  }

  signIn(login = ADA.login, password = ADA.password) {
    return this.ask('POST', '/session', { body: { login, password } });
  }

  #keep(set: string): void {
    const [pair = ''] = set.split(';');
    const [name = '', value = ''] = pair.split('=');
    if (/Max-Age=0/.test(set)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

let addresses = 0;

/** On another machine, at an address that nobody else has: failures of one test do not hold another. */
export function browserElsewhere(test: () => TestApp): Browser {
  const one = new Browser(test);
  addresses += 1;
  one.address = `198.51.${Math.floor(addresses / 250)}.${addresses % 250}`;
  one.headers = { ...one.headers, host: 'stock.example' };
  return one;
}

/** Makes Ada the first person, and signs her in. */
export async function signInAda(test: () => TestApp): Promise<{ ada: Browser; adaId: string }> {
  const ada = new Browser(test);
  const adaId = await makePersonAs(ada, { ...ADA, scopes: ['admin'] });
  await ada.signIn();
  return { ada, adaId };
}

export async function makePersonAs(admin: Browser, body: object): Promise<string> {
  const made = await admin.ask('POST', '/people', { body });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return made.body.id as string;
}
