import { useLocation } from '@tanstack/react-router';

/** As many lists back. */
const LEFT_MAX = 30;

/** How things were left in each step of the browser's history: who goes Back finds them so. */
export class Left<State> {
  readonly #byStep = new Map<string, State>();

  get(step: string): State | undefined {
    return this.#byStep.get(step);
  }

  set(step: string, state: State): void {
    this.#byStep.delete(step);
    this.#byStep.set(step, state);
    const [oldest] = this.#byStep.keys();
    if (this.#byStep.size > LEFT_MAX && oldest !== undefined) this.#byStep.delete(oldest);
  }
}

/** The step of the history that is shown: the same one when it is come back to. */
export function useStep(): string {
  return useLocation({ select: ({ state }) => (state as { __TSR_key?: string }).__TSR_key ?? '' });
}
