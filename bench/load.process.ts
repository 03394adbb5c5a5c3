import { answerParent } from './child.ts';
import { type LoadOrder, runLoad } from './load.ts';
import { isUsageQuestion, readUsage } from './server.questions.ts';

// A process of its own, so that making the load shares no event loop with what is measured.
answerParent(
  (question) => (isUsageQuestion(question) ? Promise.resolve(readUsage()) : runLoad(question as LoadOrder)),
  () => process.exit(0),
);
