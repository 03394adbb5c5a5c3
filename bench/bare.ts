import { fastify } from 'fastify';
import { answerParent } from './child.ts';
import { isUsageQuestion, readUsage } from './server.questions.ts';
import { SAMPLE_RESERVATION } from './sample.ts';

/**
 * The fastest that this HTTP stack can be here, for reference: a Fastify with no hooks, no validation and no
 * serialiser, that parses a body of the same size and answers with one of the same size.
 */
const app = fastify({ logger: false });
app.post('/noop', (_request, reply) => reply.code(201).send(SAMPLE_RESERVATION));
app.get('/noop', () => SAMPLE_RESERVATION);
const address = await app.listen({ host: '127.0.0.1', port: 0 });

answerParent(
  (question) => Promise.resolve(isUsageQuestion(question) ? readUsage() : { port: Number(new URL(address).port) }),
  () => process.exit(0),
);
process.on('SIGTERM', () => process.exit(0));
