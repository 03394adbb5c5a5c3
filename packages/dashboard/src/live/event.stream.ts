/** An event as the HTML standard has it: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface StreamEvent {
  id: string | null;
  type: string;
  data: string;
}

/** Gives a function that takes text as it arrives, and calls `onEvent` for each event that is whole. */
export function createEventParser(onEvent: (event: StreamEvent) => void): (chunk: string) => void {
  let rest = '';
  let id: string | null = null;
  let type = '';
  let data: string[] = [];
  const takeLine = (line: string): void => {
    if (line === '') {
      if (data.length > 0) onEvent({ id, type: type === '' ? 'message' : type, data: data.join('\n') });
      type = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'event') type = value;
    else if (field === 'data') data.push(value);
  };
  return (chunk) => {
    const text = rest + chunk;
    // A CR at the end may be half of a CRLF.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) takeLine(line);
  };
}

/** What was to be gone on from is not kept any more: begin from now, and ask for everything anew. */
export class PositionGone extends Error {
  override name = 'PositionGone';
}

/** The stream is not there, or not for us: asking again would not help. */
export class NoStream extends Error {
  override name = 'NoStream';
}

interface ReadOptions {
  send: (request: Request) => Promise<Response>;
  url: URL;
  /** To go on after: what the server called the last event that was seen. */
  lastEventId: string | null;
  signal: AbortSignal;
  onOpen: () => void;
  onEvent: (event: StreamEvent) => void;
  /** No byte for so long, not even a heartbeat: the connection is dead, whatever the system says. */
  silenceMs: number;
}

/**
 * Reads one connection to its end. EventSource cannot send a key; this can.
 *
 * @throws NoStream where there is none; PositionGone; what fetch throws; AbortError
 */
export async function readEventStream(options: ReadOptions): Promise<void> {
  const { send, url, lastEventId, signal, onOpen, onEvent, silenceMs } = options;
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (lastEventId !== null) headers['last-event-id'] = lastEventId;
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), silenceMs);
  try {
    const response = await send(new Request(url, { headers, signal: either, cache: 'no-store' }));
    if ([401, 403, 404].includes(response.status)) throw new NoStream(`the stream answered ${response.status}`);
    if (response.status === 410) throw new PositionGone(`the stream answered ${response.status}`);
    if (!response.ok || response.body === null) throw new Error(`the stream answered ${response.status}`);
    onOpen();
    const feed = createEventParser(onEvent);
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      feed(decoder.decode(next.value, { stream: true }));
    }
  } finally {
    clearTimeout(timer);
  }
}
