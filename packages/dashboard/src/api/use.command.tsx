import { useEffect, useRef } from 'react';
import { useMutation, useQueryClient, type UseMutationResult } from '@tanstack/react-query';
import { showDone, showProblem } from '../ui/toasts.tsx';
import { askAnew } from './ask.anew.ts';
import { forgetUnsettled } from './command.keys.ts';
import type { ReadPath } from './queries.ts';

interface CommandOptions<Input, Output> {
  /** Calls the server: `(quantity) => holdfast.POST(…)`. */
  run: (input: Input) => Promise<Output>;
  /** What was done, in a word or two, for the toast: `Received 12 of MUG`. Null shows none. */
  done?: (output: Output, input: Input) => string | null;
  /** What takes it back: another command. The toast offers it. */
  undo?: (output: Output, input: Input) => () => Promise<unknown>;
  /** What is asked for again at once; events tell the rest. */
  stale?: readonly (ReadPath | (string & {}))[];
  /** The caller shows refusals itself, beside the form. */
  showsRefusals?: boolean;
}

/** A command to the server: says what was done, offers to undo it, and shows why it was refused. */
export function useCommand<Output, Input = void>(
  options: CommandOptions<Input, Output>,
): UseMutationResult<Output, Error, Input> {
  const client = useQueryClient();
  useEffect(() => forgetUnsettled, []);
  const running = useRef(new Set<string>());
  const mutation = useMutation({
    // As it was asked for: by the time of the answer, what it changed may be shown already, and be the caller's new options.
    onMutate: () => options,
    mutationFn: async (input: Input) => {
      try {
        return await options.run(input);
      } finally {
        running.current.delete(nameOf(input));
      }
    },
    onSuccess: (output, input, { done, undo, stale = [] }) => {
      const askStale = (): void => {
        for (const path of stale) void askAnew(client, { queryKey: [path] });
      };
      askStale();
      const text = done?.(output, input) ?? null;
      if (text === null) return;
      const takeBack = undo?.(output, input);
      if (takeBack === undefined) return showDone(text);
      showDone(text, async () => {
        await takeBack();
        askStale();
      });
    },
    onError: (error) => {
      if (options.showsRefusals !== true) showProblem(error);
    },
  });
  // A double click is one command: its second half comes before the button is drawn as busy.
  const mutate: typeof mutation.mutate = (...command) => {
    const name = nameOf(command[0]);
    if (running.current.has(name)) return;
    running.current.add(name);
    mutation.mutate(...command);
  };
  return { ...mutation, mutate };
}

function nameOf(input: unknown): string {
  return JSON.stringify(input) ?? '';
}
