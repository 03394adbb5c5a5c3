import { expect, it } from 'vitest';
import { Problem, problems } from '../../kernel/problem.ts';
import { EgressError, type Egress, type EgressRequest } from '../../platform/egress/index.ts';
import { createSender, type Sent } from './webhook.sender.ts';

const NOW_MS = Date.parse('2027-01-15T08:00:00.900Z');

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** What an attempt comes to whose call is answered, or fails, so; and the call. */
async function sent(outcome: Answer | Error): Promise<Sent & { call: EgressRequest }> {
  const calls: EgressRequest[] = [];
  const egress: Pick<Egress, 'request'> = {
    request: (call) => {
      calls.push(call);
      if (outcome instanceof Error) return Promise.reject(outcome);
      const { status, headers = {}, body = '' } = outcome;
      return Promise.resolve({ status, headers, body: Buffer.from(body), isComplete: true, durationMs: 1 });
    },
  };
  const send = createSender({ egress: egress as Egress, clock: { now: () => NOW_MS, monotonic: () => 5 } });
  const to = { url: 'https://shop.example/hooks', secrets: [Buffer.from('new'), Buffer.from('old')] };
  const result = await send(to, { id: 'evt_7', body: '{}' });
  return { ...result, call: calls[0] as EgressRequest };
}

it('is signed by each secret, at the second in which it is sent, and bounded', async () => {
  const { call } = await sent({ status: 200 });
  expect(call).toMatchObject({ method: 'POST', body: '{}', bodyTimeoutMs: 1_000, maxResponseBytes: 2_048 });
  expect(call.headers).toMatchObject({
    'webhook-id': 'evt_7',
    'webhook-timestamp': '1800000000',
    // echo -n 'evt_7.1800000000.{}' | openssl dgst -sha256 -hmac new -binary | base64
    'webhook-signature':
      'v1,YHMJ3FbRYOzkXz6i5wYMI9Yq72QjoPzHFiusNprNxoM= v1,jkOGECegXtqpCA+g/pp+ht+l5lwrrq57O1DkP9X7Rbw=',
  });
});

it.each([
  [199, 'failed', false],
  [200, 'delivered', false],
  [299, 'delivered', false],
  [301, 'failed', false],
  [400, 'failed', false],
  [410, 'gone', false],
  [429, 'failed', true],
  [500, 'failed', false],
  [502, 'failed', true],
  [503, 'failed', true],
  [504, 'failed', true],
] as const)('%d is %s; of the endpoint, and with its Retry-After heeded: %j', async (status, result, isOfEndpoint) => {
  const attempt = await sent({ status, headers: { 'retry-after': '7' }, body: 'why' });
  expect(attempt).toMatchObject({ result, isOfEndpoint, retryAfterMs: isOfEndpoint ? 7_000 : 0 });
  const isRedirect = status === 301 ? '; redirects are not followed' : '';
  expect(attempt.attempt).toEqual({
    at: '2027-01-15T08:00:00.900Z',
    durationMs: 0,
    responseStatus: status,
    error: result === 'delivered' ? null : `the endpoint answered ${status}${isRedirect}`,
    response: 'why',
  });
});

it('without an answer is of the endpoint; broken off by us it says nothing of it', async () => {
  const nothing = { isOfEndpoint: true, retryAfterMs: 0 };
  expect(await sent(new EgressError('timeout'))).toMatchObject({ ...nothing, result: 'failed' });
  expect(await sent(new Problem(problems.forbiddenTarget, 'No.'))).toMatchObject({ ...nothing, result: 'failed' });
  expect(await sent(new EgressError('aborted'))).toMatchObject({ ...nothing, result: 'broken_off' });
  await expect(sent(new TypeError('a defect'))).rejects.toThrow('a defect');
});

it.each([
  ['', null],
  ['x'.repeat(600), 'x'.repeat(500)],
  [`${'x'.repeat(499)}😀`, `${'x'.repeat(499)}\ufffd`],
  ['a\0b\u009fc\r\n\td', 'a\ufffdb\ufffdc\ufffd\n\td'],
  [Buffer.from([0xff, 0x61]), '\ufffda'],
])('of what it answers the beginning is kept, as text that can be stored: %j', async (body, response) => {
  expect((await sent({ status: 500, body })).attempt.response).toBe(response);
});
