import { answerParent } from './child.ts';
import { type LoadOrder, runLoad } from './load.ts';

// A process of its own, so that making the load shares no event loop with what is measured.
answerParent(
  (order) => runLoad(order as LoadOrder),
  () => process.exit(0),
);
