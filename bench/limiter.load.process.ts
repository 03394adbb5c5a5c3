import { answerParent } from './child.ts';
import { openConnection, type ClientConnection } from './http.client.ts';

// Sends as many GETs as are answered, from a process of its own.

interface Order {
  port: number;
  connections: number;
  measureMs: number;
}

const REQUEST = Buffer.from('GET /api/v1/noop HTTP/1.1\r\nHost: localhost\r\n\r\n');

/** The connections to one server. They stay open from one order to the next, as those of a busy client do. */
class Lanes {
  readonly #connections: ClientConnection[] = [];
  #answered = 0;
  #outstanding = 0;
  #isOver = true;
  #onIdle: () => void = () => undefined;
  #onError: (error: Error) => void = () => undefined;

  async open(port: number, count: number): Promise<void> {
    while (this.#connections.length < count) {
      const connection: ClientConnection = await openConnection(
        port,
        (status) => this.#take(connection, status),
        (error) => this.#onError(error),
      );
      this.#connections.push(connection);
    }
  }

  async drive(measureMs: number): Promise<{ requests: number; ms: number }> {
    const failed = new Promise<never>((_resolve, reject) => (this.#onError = reject));
    this.#answered = 0;
    this.#isOver = false;
    const began = performance.now();
    for (const connection of this.#connections) this.#send(connection);
    await Promise.race([new Promise((resolve) => setTimeout(resolve, measureMs)), failed]);
    this.#isOver = true;
    await Promise.race([new Promise<void>((resolve) => (this.#onIdle = resolve)), failed]);
    return { requests: this.#answered, ms: performance.now() - began };
  }

  #send(connection: ClientConnection): void {
    this.#outstanding += 1;
    connection.send(REQUEST, false);
  }

  #take(connection: ClientConnection, status: number): void {
    this.#outstanding -= 1;
    this.#answered += 1;
    if (status !== 200) this.#onError(new Error(`answered ${status}`));
    else if (!this.#isOver) this.#send(connection);
    else if (this.#outstanding === 0) this.#onIdle();
  }
}

const byPort = new Map<number, Lanes>();

async function drive({ port, connections, measureMs }: Order): Promise<{ requests: number; ms: number }> {
  const lanes = byPort.get(port) ?? new Lanes();
  byPort.set(port, lanes);
  await lanes.open(port, connections);
  return lanes.drive(measureMs);
}

answerParent(
  (order) => drive(order as Order),
  () => process.exit(0),
);
