import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { refusalOfAddress } from './address.rules.ts';
import { createEgressGuard } from './egress.guard.ts';

/** A DNS that knows these names alone. */
function dns(names: Record<string, string[]>) {
  return (host: string): Promise<string[]> => {
    const found = names[host];
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(Object.assign(new Error(`no ${host}`), { code: 'ENOTFOUND' }));
  };
}

function guardWith(names: Record<string, string[]> = {}, allow: string[] = []) {
  return createEgressGuard({ allow, resolve: dns(names) });
}

const forbidden = expect.objectContaining({ code: 'forbidden_target', status: 400 });
const invalid = expect.objectContaining({ code: 'validation_failed', status: 400 });

type Octets = [number, number, number, number];
const octet = fc.integer({ min: 0, max: 255 });
const privateOctets: fc.Arbitrary<Octets> = fc.oneof(
  fc.tuple(fc.constant(127), octet, octet, octet),
  fc.tuple(fc.constant(10), octet, octet, octet),
  fc.tuple(fc.constant(0), octet, octet, octet),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
  fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
);

const radixes = fc.array(fc.constantFrom(8, 10, 16), { minLength: 4, maxLength: 4 });
const inRadix = (value: number, radix: number | undefined): string =>
  radix === 16 ? `0x${value.toString(16)}` : radix === 8 ? `0${value.toString(8)}` : String(value);
const numberOf = (parts: readonly number[]): number => parts.reduce((sum, part) => sum * 256 + part, 0);
const fullWidth = (text: string): string =>
  text.replaceAll(/[0-9a-z]/g, (character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0));
const escaped = (text: string): string =>
  text.replaceAll(/./g, (character) => `%${(character.codePointAt(0) ?? 0).toString(16)}`);

/** An IPv4 address as attackers write it: one to four parts, each in its own radix, in odd characters, dotted at the end. */
const ipv4Notation = fc
  .tuple(privateOctets, radixes, fc.integer({ min: 1, max: 4 }), fc.constantFrom('', '.'))
  .chain(([octets, radix, parts, dot]) => {
    const last = numberOf(octets.slice(parts - 1));
    const text = [...octets.slice(0, parts - 1), last].map((part, index) => inRadix(part, radix[index])).join('.');
    return fc.constantFrom(`${text}${dot}`, fullWidth(text), escaped(text), text.toUpperCase().replaceAll('X', 'x'));
  });

const hextet = (high: number, low: number): string => ((high << 8) | low).toString(16);

/** The IPv6 addresses that embed an IPv4 address. */
const embedded = privateOctets.chain(([a, b, c, d]) => {
  const [high, low] = [hextet(a, b), hextet(c, d)];
  const dotted = `${a}.${b}.${c}.${d}`;
  return fc.constantFrom(
    `::ffff:${dotted}`,
    `::ffff:${high}:${low}`,
    `0:0:0:0:0:FFFF:${high}:${low}`,
    `::${dotted}`,
    `::ffff:0:${high}:${low}`,
    `64:ff9b::${dotted}`,
    `64:ff9b::${high}:${low}`,
    `64:ff9b:1::${high}:${low}`,
    `2002:${high}:${low}::1`,
    `2001:0:${high}:${low}:0:0:f5ff:fffe`,
  );
});

describe('private targets', () => {
  const guard = guardWith();

  it('are refused in every notation of IPv4', () => {
    fc.assert(
      fc.property(
        ipv4Notation,
        fc.constantFrom('http', 'https'),
        fc.constantFrom('', ':8080'),
        (host, scheme, port) => {
          expect(() => guard.parse(`${scheme}://${host}${port}/hooks`)).toThrow(forbidden);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('are refused inside of IPv6', () => {
    fc.assert(
      fc.property(embedded, (address) => {
        expect(() => guard.parse(`http://[${address}]/`)).toThrow(forbidden);
        expect(refusalOfAddress(address)).not.toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['2606:4700:4700::1111%eth0', 'scoped'],
    ['localhost', 'no address'],
  ])('%s is refused as an address, too', (text, refusal) => {
    expect(refusalOfAddress(text)).toBe(refusal);
  });

  it.each([
    'http://[::1]/',
    'http://[::]:80/',
    'http://[fe80::1]/',
    'http://[fe80::1%25eth0]/',
    'http://[fe80::1%eth0]:8080/x',
    'http://[fc00::1]/',
    'http://[fd00:ec2::254]/latest/meta-data',
    'http://[fec0::1]/',
    'http://[ff02::1]/',
    'http://[2001:db8::1]/',
    'http://[3fff::1]/',
    'http://[100::1]/',
    'http://[5f00::1]/',
    'http://[4000::1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.100.100.200/',
    'http://168.63.129.16/',
    'http://192.0.0.192/',
    'http://192.0.2.1/',
    'http://198.51.100.7/',
    'http://203.0.113.9/',
    'http://198.18.0.1/',
    'http://255.255.255.255/',
    'http://192.88.99.1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://127.1/',
    'http://0/',
  ])('%s is refused', (url) => {
    expect(() => guard.parse(url)).toThrow(forbidden);
  });

  it.each([
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://[64:ff9b::8.8.8.8]/',
    'http://1.1.1.1:8443/',
  ])('%s is public', (url) => {
    expect(() => guard.parse(url)).not.toThrow();
  });

  it.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'localhost..',
    'ｌocalhost',
    '%6c%6f%63%61%6c%68%6f%73%74',
    'shop.localhost',
    'metadata.google.internal',
    'metadata',
    'printer.local',
    'router.home.arpa',
    'intranet',
    'localdomain',
    'db.localdomain',
    'wiki.intranet',
    'db.private',
    'mail.corp',
    'nas.home',
    'tv.lan',
  ])('%s is refused by its name', async (host) => {
    await expect(guard.check(`http://${host}/`)).rejects.toThrow(forbidden);
  });
});

describe('names', () => {
  it('are refused when any of their addresses is forbidden', async () => {
    const guard = guardWith({
      'good.example': ['93.184.216.34', '2606:2800:220:1::1'],
      'bad.example': ['93.184.216.34', '10.0.0.7'],
      'worse.example': ['::ffff:127.0.0.1'],
    });
    await guard.check('https://good.example/hooks');
    await expect(guard.check('https://bad.example/')).rejects.toThrow(forbidden);
    await expect(guard.check('https://bad.example./')).rejects.toThrow(forbidden);
    await expect(guard.check('https://worse.example/')).rejects.toThrow(forbidden);
  });

  it('that only a private network should know are refused, wherever they lead', async () => {
    const guard = guardWith({ 'erp.internal': ['93.184.216.34'], 'empty.internal': [] });
    for (const host of ['erp.internal', 'empty.internal']) {
      await expect(guard.check(`http://${host}/`)).rejects.toThrow(forbidden);
    }
    const dialled = await new Promise((resolve) => guard.lookup('erp.internal', {}, resolve));
    expect(dialled).toMatchObject({ code: 'forbidden_target' });
  });

  it('are dialled as what their addresses are', async () => {
    const addresses = ['93.184.216.34', '2606:2800:220:1::1'];
    const guard = guardWith({ 'good.example': addresses });
    const found = await new Promise((resolve) =>
      guard.lookup('good.example', { all: true }, (_error, all) => resolve(all)),
    );
    expect(found).toEqual(addresses.map((address, index) => ({ address, family: index === 0 ? 4 : 6 })));
  });

  it('whose nameserver hangs are taken after 2.5 s', async () => {
    vi.useFakeTimers();
    try {
      const checked = createEgressGuard({ allow: [], resolve: () => new Promise(() => undefined) }).check(
        'https://slow.example/',
      );
      await vi.advanceTimersByTimeAsync(2_500);
      await checked;
    } finally {
      vi.useRealTimers();
    }
  });

  it('that do not resolve yet are taken, to be judged when they are called', async () => {
    await guardWith().check('https://later.example/');
  });

  it('that only end like private ones are public', async () => {
    await guardWith({ 'shop.notlocal': ['93.184.216.34'] }).check('https://shop.notlocal/');
  });

  it('that look like others are their own, in punycode', () => {
    // With a Cyrillic o.
    expect(guardWith().parse('https://l\u043ecalhost.example/').host).toBe('xn--lcalhost-nbh.example');
  });

  it('tell nothing of the addresses inside', async () => {
    const refused = await guardWith({ 'bad.example': ['10.11.12.13'] })
      .check('https://bad.example/')
      .catch((error: unknown) => error);
    expect(JSON.stringify(refused)).not.toContain('10.11.12.13');
  });
});

describe('what an operator allows', () => {
  const names = { 'erp.internal': ['10.1.2.3'], 'crm.example': ['10.9.9.9'], erp: ['192.168.7.7'] };

  it('is reached by name, and by names below a name', async () => {
    await guardWith(names, ['erp.internal']).check('http://erp.internal:9000/');
    await guardWith(names, ['*.internal']).check('http://erp.internal/');
    await guardWith({}, ['erp.internal']).check('http://erp.internal/');
    await expect(guardWith({}, ['*.internal']).check('http://erpinternal/')).rejects.toThrow(forbidden);
    await expect(guardWith(names, ['*.internal']).check('http://internal/')).rejects.toThrow(forbidden);
    await expect(guardWith(names, ['internal']).check('http://erp.internal/')).rejects.toThrow(forbidden);
  });

  it('is reached by address and by block, however the address is written', async () => {
    const guard = guardWith(names, ['127.0.0.1', '10.0.0.0/8', 'fd00::/8', 'fe80::7', '192.168.7.7']);
    for (const host of ['127.0.0.1', '0x7f.1', '[::ffff:127.0.0.1]', '10.255.0.1', '[fd12::1]', '[fe80::7]'])
      guard.parse(`http://${host}/`);
    for (const host of ['crm.example', 'erp', 'erp.internal']) await guard.check(`http://${host}/`);
    expect(() => guard.parse('http://127.0.0.2/')).toThrow(forbidden);
    expect(() => guard.parse('http://[::1]/')).toThrow(forbidden);
    expect(() => guard.parse('http://[fe80::8]/')).toThrow(forbidden);
    expect(() => guard.parse('http://192.168.7.8/')).toThrow(forbidden);
  });
});

describe('what is no target', () => {
  it.each([
    'ftp://shop.example/',
    'file:///etc/passwd',
    'gopher://shop.example/',
    'javascript:alert(1)',
    'https://',
    'shop.example/hooks',
    '//shop.example/',
    'https://./',
    'https://user@shop.example/',
    'https://:pass@shop.example/',
    'https://user:pass@shop.example/',
    'https://shop.example/a b',
    'https://shop.example\\@127.0.0.1/',
    'https://shop.example/\r\nHost: x',
    'https://shop.example:99999/',
    `https://shop.example/${'x'.repeat(3_000)}`,
  ])('%s', (url) => {
    expect(() => guardWith().parse(url)).toThrow(invalid);
  });
});
