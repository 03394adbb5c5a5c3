import { expect, test } from 'vitest';
import { createEventParser, type StreamEvent } from './event.stream.ts';

function parsed(...chunks: string[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const feed = createEventParser((event) => events.push(event));
  for (const chunk of chunks) feed(chunk);
  return events;
}

test('an event is its id, its type and its data, however the bytes are cut', () => {
  const text = 'id: 7\nevent: stock.changed\ndata: {"a":1}\n\n';
  const whole = [{ id: '7', type: 'stock.changed', data: '{"a":1}' }];
  expect(parsed(text)).toEqual(whole);
  expect(parsed(...text.split(''))).toEqual(whole);
});

test('comments are no events, lines may end in CRLF, data may be on several lines', () => {
  expect(parsed(': hello\n\n', 'data: a\r\ndata: b\r\n\r\n', 'data:c\n\n')).toEqual([
    { id: null, type: 'message', data: 'a\nb' },
    { id: null, type: 'message', data: 'c' },
  ]);
});

test('the last id stands until the next one, and an event without data is none', () => {
  expect(parsed('id: 3\n\n', 'data: x\n\n', 'id: 4\ndata: y\n\n').map(({ id }) => id)).toEqual(['3', '4']);
});

test('a CRLF that is cut in two is one end of line', () => {
  expect(parsed('data: x\r', '\n\r', '\n')).toEqual([{ id: null, type: 'message', data: 'x' }]);
});
