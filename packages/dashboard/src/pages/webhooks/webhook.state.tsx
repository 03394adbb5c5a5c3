import { useGet } from '../../api/queries.ts';
import { StateWord } from '../../ui/state.word.tsx';
import { whyDisabled, type Webhook } from './webhook.words.ts';

/** How an endpoint is doing: a word and a shape. */
export function WebhookState({ webhook }: { webhook: Webhook }) {
  const { data } = useGet('/api/v1/webhooks/{id}/status', { path: { id: webhook.id } }, { enabled: webhook.enabled });
  if (!webhook.enabled) {
    return (
      <StateWord icon="minus" tone="quiet" title={whyDisabled(webhook)}>
        Off
      </StateWord>
    );
  }
  const [tone, icon, word] =
    data === undefined
      ? (['quiet', 'clock', '…'] as const)
      : data.circuit === 'open'
        ? (['bad', 'close', 'Not reachable'] as const)
        : data.failuresInRow > 0 || data.setAside > 0
          ? (['warn', 'warn', 'Failing'] as const)
          : (['good', 'check', 'Healthy'] as const);
  return (
    <StateWord icon={icon} tone={tone}>
      {word}
    </StateWord>
  );
}
