import { answerParent } from './child.ts';
import { openConnection, type ClientConnection } from './http.client.ts';

// Sends as many GETs as are answered, from a process of its own.

interface Order {
  port: number;
  connections: number;
  measureMs: number;
}

const REQUEST = Buffer.from('GET /api/v1/noop HTTP/1.1\r\nHost: localhost\r\n\r\n');

async function drive({ port, connections, measureMs }: Order): Promise<{ requests: number; ms: number }> {
  let requests = 0;
  let isOver = false;
  const { failed, fail } = failure();
  const lanes: ClientConnection[] = [];
  for (let index = 0; index < connections; index += 1) {
    const lane: ClientConnection = await openConnection(
      port,
      (status) => {
        if (status !== 200) return fail(new Error(`answered ${status}`));
        requests += 1;
        if (!isOver) lane.send(REQUEST, false);
      },
      fail,
    );
    lanes.push(lane);
  }
  const began = performance.now();
  for (const lane of lanes) lane.send(REQUEST, false);
  await Promise.race([new Promise((resolve) => setTimeout(resolve, measureMs)), failed]);
  const ms = performance.now() - began;
  const counted = requests;
  isOver = true;
  for (const lane of lanes) lane.close();
  return { requests: counted, ms };
}

function failure(): { failed: Promise<never>; fail: (error: Error) => void } {
  let fail: ((error: Error) => void) | null = null;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  return { failed, fail: (error) => fail?.(error) };
}

answerParent(
  (order) => drive(order as Order),
  () => process.exit(0),
);
