import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, makeDirectory, statusOf, until } from '../packages/server/test/holdfast.process.ts';
import { programPath, textOf } from './files.fixture.ts';

/** The proxies that deploy/proxy has a configuration for. */
export type ProxyName = 'haproxy' | 'nginx';

/** A proxy on loopback under the configuration that is shipped. */
export interface Proxy {
  url: string;
  stop(): Promise<void>;
}

/** Starts one in front of two ports, and waits until it passes something on. */
export async function startProxy(name: ProxyName, upstreams: readonly [number, number]): Promise<Proxy> {
  const directory = await makeDirectory();
  const port = await freePort();
  const { args, env } =
    name === 'haproxy'
      ? await haproxyCommand(directory.path, port, upstreams)
      : await nginxCommand(directory.path, port, upstreams);
  const { PATH = '' } = process.env;
  const child = spawn(programPath(name) ?? name, args, { env: { PATH, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  child.once('error', (error) => (complaint += error.message));
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await directory.remove();
  };
  try {
    await until(`${name} passes requests on`, async () => (await statusOf(`${url}/health/live`)) === 200);
  } catch (error) {
    await stop();
    throw new Error(`${name} does not serve: ${complaint}`, { cause: error });
  }
  return { url, stop };
}

interface Command {
  args: string[];
  env: Record<string, string>;
}

async function haproxyCommand(directory: string, port: number, [one, other]: readonly number[]): Promise<Command> {
  const file = join(directory, 'haproxy.cfg');
  await writeFile(file, textOf('proxy/haproxy.cfg'));
  const env = {
    PROXY_PORT: String(port),
    HOLDFAST_1: `127.0.0.1:${one}`,
    HOLDFAST_2: `127.0.0.1:${other}`,
  };
  return { args: ['-db', '-q', '-f', file], env };
}

/** nginx reads no environment: the addresses of the file are put where they must be, and nothing else is changed. */
async function nginxCommand(directory: string, port: number, [one, other]: readonly number[]): Promise<Command> {
  const site = textOf('proxy/nginx.conf')
    .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    .replace('127.0.0.1:8081', `127.0.0.1:${one}`)
    .replace('127.0.0.1:8082', `127.0.0.1:${other}`);
  await mkdir(join(directory, 'temp'), { mode: 0o777 });
  await writeFile(join(directory, 'site.conf'), site);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path temp/${kind};`);
  const lines = [
    'daemon off;',
    'pid nginx.pid;',
    'error_log stderr error;',
    'events {}',
    `http { access_log off; ${temp.join(' ')} include site.conf; }`,
  ];
  const file = join(directory, 'nginx.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  return { args: ['-p', directory, '-e', 'stderr', '-c', file], env: {} };
}
