import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createResolver } from './resolver.ts';

const NAME_ERROR = 3;
const A = 1;
const AAAA = 28;

/** Knows addresses of these names, nothing of others, and is silent about `slow.example`. */
const NAMES: Readonly<Record<string, number[]>> = {
  'shop.example': [93, 184, 216, 34],
  'inside.example': [10, 0, 0, 7],
  'six.example': [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
};

let nameserver: Socket;
let servers: string[];
beforeAll(async () => {
  nameserver = createSocket('udp4', (query, from) => {
    const answer = answerTo(query);
    if (answer !== null) nameserver.send(answer, from.port, from.address);
  });
  nameserver.bind(0, '127.0.0.1');
  await once(nameserver, 'listening');
  servers = [`127.0.0.1:${nameserver.address().port}`];
});
afterAll(() => nameserver.close());

/** RFC 1035, 4.1: the header, the question as it came, and one record that points to its name. */
function answerTo(query: Buffer): Buffer | null {
  const labels: string[] = [];
  let end = 12;
  for (let size = query[end] ?? 0; size > 0; size = query[end] ?? 0) {
    labels.push(query.toString('ascii', end + 1, end + 1 + size));
    end += size + 1;
  }
  const name = labels.join('.').toLowerCase();
  if (name === 'slow.example') return null;
  const type = query.readUInt16BE(end + 1);
  const known = NAMES[name];
  const address = (known?.length === 4 ? A : AAAA) === type ? known : undefined;
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (name in NAMES ? 0 : NAME_ERROR), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(address === undefined ? 0 : 1, 6);
  const record = address === undefined ? [] : [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length, ...address];
  return Buffer.concat([header, query.subarray(12, end + 5), Buffer.from(record)]);
}

it('asks the nameservers', async () => {
  const resolve = createResolver({ asksMachine: false, servers });
  expect(await resolve('shop.example')).toEqual(['93.184.216.34']);
  expect(await resolve('inside.example')).toEqual(['10.0.0.7']);
  expect(await resolve('six.example')).toEqual(['2001:db8::1']);
  await expect(resolve('nowhere.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

it('asks the machine for what they do not know, where private targets are allowed at all', async () => {
  await expect(createResolver({ asksMachine: false, servers })('localhost.nowhere.example')).rejects.toMatchObject({
    code: 'ENOTFOUND',
  });
  const found = await createResolver({ asksMachine: true, servers })('localhost');
  expect(found.every((address) => address === '127.0.0.1' || address === '::1')).toBe(true);
  expect(found.length).toBeGreaterThan(0);
});

it('does not wait long for one that is silent', async () => {
  const beganMs = performance.now();
  await expect(createResolver({ asksMachine: false, servers })('slow.example')).rejects.toMatchObject({
    code: 'ETIMEOUT',
  });
  expect(performance.now() - beganMs).toBeLessThan(10_000);
});
