/**
 * Hints between instances: "look again", never what there is to see. A hint may come twice, come without a reason, or,
 * while its carrier is away, not at all; whoever reads one goes and asks the database.
 */
export interface Signals {
  /**
   * Tells all instances, this one too, and returns at once: no caller ever waits for it, and it never fails.
   *
   * @param channel such as `events`, or `settings.<kind>` where settings of a kind were changed
   * @param payload up to 1,000 characters
   */
  publish(channel: string, payload?: string): void;
  /**
   * @param onSignal hears of each hint, those of this instance included
   * @param onGap hints may have been missed: whatever was learned by them has to be asked for
   * @returns ends it
   */
  on(channel: string, onSignal: (payload: string) => void, onGap?: () => void): () => void;
  /** Whether the hints of other instances arrive now. While they do not, ask the database more often. */
  readonly isLive: boolean;
  /** What carries them now. */
  readonly carriedBy: CarrierName | 'nothing';
}

export type CarrierName = 'redis' | 'postgres';

/** A pipe between instances for short texts. It connects, and connects again, by itself, from `open` to `close`. */
export interface Carrier {
  readonly name: CarrierName;
  /** Whether what others send arrives now, as far as anyone can know. */
  readonly isLive: boolean;
  open(ears: CarrierEars): void;
  /**
   * Resolves once the message was handed over.
   *
   * @param message at most {@link MESSAGE_MAX_BYTES}
   */
  send(message: string): Promise<void>;
  close(): Promise<void>;
}

export interface CarrierEars {
  /** Also of messages that this instance has sent. */
  onMessage(message: string): void;
  /** It carries from now on; what was sent before may be lost. */
  onUp(): void;
  onDown(reason: unknown): void;
  /** It will never carry here, and says why. */
  onUnfit(reason: string): void;
}

/** PostgreSQL takes less than 8,000 bytes in one NOTIFY. */
export const MESSAGE_MAX_BYTES = 7_900;
