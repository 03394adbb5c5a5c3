import { expect, test } from 'vitest';
import { SignalHub } from './signal.hub.ts';

/** Two instances over one carrier, which a test can take away and give back. */
export interface SignalsRig {
  a: SignalHub;
  b: SignalHub;
  /** Nothing reaches anybody any more. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

const WITHIN_MS = 8_000;

type Story = (rig: SignalsRig) => Promise<void>;

const STORIES: [name: string, story: Story][] = [
  [
    'a hint reaches every instance, the one that published it too, once',
    async ({ a, b }) => {
      const heard: string[] = [];
      a.on('events', (payload) => heard.push(`a ${payload}`));
      b.on('events', (payload) => heard.push(`b ${payload}`));
      b.on('settings', () => heard.push('a hint of another channel'));
      a.publish('events', '17');
      await until(() => heard.length >= 2);
      b.publish('events', 'the end');
      await until(() => heard.length >= 4);
      expect(heard.toSorted()).toEqual(['a 17', 'a the end', 'b 17', 'b the end']);
    },
  ],

  [
    'a storm of equal hints travels as few, and of different ones none is lost',
    async ({ a, b }) => {
      const heard: string[] = [];
      b.on('events', (payload) => heard.push(payload));
      for (let hint = 0; hint < 1_000; hint += 1) a.publish('events', `p${hint % 10}`);
      const long = Array.from({ length: 20 }, (_, index) => `${index}é`.padEnd(900, 'é'));
      for (const payload of long) a.publish('events', payload);
      a.publish('events', 'the end');
      await until(() => heard.includes('the end'));
      expect(heard.length).toBeLessThan(40);
      expect(new Set(heard)).toEqual(new Set([...long, 'the end', ...Array.from({ length: 10 }, (_, n) => `p${n}`)]));
    },
  ],

  [
    'what was missed while the carrier was away is told as a gap, and hints go on',
    async (rig) => {
      const { a, b } = rig;
      const heard: string[] = [];
      b.on(
        'events',
        (payload) => heard.push(payload),
        () => heard.push('gap'),
      );
      await rig.cut();
      await until(() => !a.isLive && !b.isLive);
      heard.length = 0;
      a.publish('events', 'lost');
      await rig.mend();
      await until(() => a.isLive && b.isLive && heard.includes('gap'));
      heard.length = 0;
      await until(() => {
        a.publish('events', 'again');
        return heard.includes('again');
      });
      expect(heard).not.toContain('lost');
    },
  ],

  [
    'a listener that throws keeps no other from hearing, and one that left hears nothing',
    async ({ a, b }) => {
      const heard: string[] = [];
      b.on('events', () => {
        throw new Error('a defect');
      });
      const leave = b.on('events', () => heard.push('one that left'));
      b.on('events', (payload) => heard.push(payload));
      leave();
      a.publish('events', 'here');
      await until(() => heard.length > 0);
      expect(heard).toEqual(['here']);
    },
  ],

  [
    'a closed instance is silent, and closes at once',
    async ({ a, b }) => {
      const heard: string[] = [];
      a.on('events', (payload) => heard.push(payload));
      const startedMs = performance.now();
      await b.close();
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      b.publish('events', 'from the grave');
      a.publish('events', 'alive');
      await until(() => heard.length > 0);
      expect(heard).toEqual(['alive']);
    },
  ],

  [
    'a hint takes a few milliseconds',
    async ({ a, b }) => {
      const tookMs: number[] = [];
      for (let round = 0; round < 50; round += 1) {
        const sentMs = performance.now();
        const heard = new Promise<void>((resolve) => {
          const leave = b.on('events', () => {
            leave();
            resolve();
          });
        });
        a.publish('events', String(round));
        await heard;
        tookMs.push(performance.now() - sentMs);
      }
      const median = tookMs.toSorted((x, y) => x - y)[25] ?? Infinity;
      // A few; the bound leaves room for a machine that does other things.
      expect(median).toBeLessThan(50);
    },
  ],
];

/** What every implementation promises. */
export function signalsSuite(open: () => Promise<SignalsRig>): void {
  test.each(STORIES)('%s', { timeout: 30_000 }, async (_name, story) => {
    expect.hasAssertions();
    const rig = await open();
    try {
      rig.a.start();
      rig.b.start();
      await until(() => rig.a.isLive && rig.b.isLive);
      await story(rig);
    } finally {
      await rig.close();
    }
  });
}

/** Looks again and again, without a fixed pause to sleep through. */
export async function until(holds: () => boolean, withinMs = WITHIN_MS): Promise<void> {
  const untilMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > untilMs)
      throw new Error(`it did not come to pass within ${withinMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
