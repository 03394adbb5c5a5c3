import type { Command } from 'commander';
import { registerDocument } from './document.command.ts';

export function register(program: Command): void {
  registerDocument(program, {
    name: 'asyncapi',
    kind: 'AsyncAPI 3',
    served: '/asyncapi.json.',
    make: async () => (await import('./asyncapi.ts')).eventDocument(),
  });
}
