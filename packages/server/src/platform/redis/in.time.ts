/** What was asked for did not come in time. */
export class TooLate extends Error {
  override name = 'TooLate';
}

/**
 * The outcome of some work, if it comes in time. An event loop that was busy runs its timers before it reads what has
 * arrived meanwhile: so once the time is over, what is there is read, and only then is it too late.
 *
 * @throws TooLate; what the work throws
 */
export async function inTime<Value>(work: Promise<Value>, withinMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      setImmediate(() => reject(new TooLate(`no answer within ${withinMs} ms`)));
    }, withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
