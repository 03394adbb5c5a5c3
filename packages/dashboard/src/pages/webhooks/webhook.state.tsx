import { useGet } from '../../api/queries.ts';
import { Icon } from '../../ui/icon.tsx';
import { whyDisabled, type Webhook } from './webhook.words.ts';
import classes from './webhooks.module.css';

/** How an endpoint is doing: a word and a shape. */
export function WebhookState({ webhook }: { webhook: Webhook }) {
  const { data } = useGet('/api/v1/webhooks/{id}/status', { path: { id: webhook.id } }, { enabled: webhook.enabled });
  if (!webhook.enabled) {
    return (
      <span className={classes['state']} data-tone="quiet" title={whyDisabled(webhook)}>
        <Icon name="minus" size={16} /> Off
      </span>
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
    <span className={classes['state']} data-tone={tone}>
      <Icon name={icon} size={16} /> {word}
    </span>
  );
}
