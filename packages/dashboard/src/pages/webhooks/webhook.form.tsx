import { useState } from 'react';
import { Checkbox, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { Choices } from '../../ui/fields.tsx';
import { FormDialog } from '../../ui/form.dialog.tsx';
import { SecretDialog } from './secret.dialog.tsx';
import { EVENT_CHOICES, type EventPattern, type Webhook } from './webhook.words.ts';

/** A new endpoint, or the one that is given, edited. Of a new one the secret is shown, this once. */
export function WebhookForm({ webhook: latest, onClose }: { webhook?: Webhook; onClose: () => void }) {
  // As it was when the form was opened: what somebody else changed since is refused, and not written over.
  const [webhook] = useState(latest);
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [events, setEvents] = useState<string[]>(webhook?.events ?? ['stock.changed', 'reservation.*']);
  const [topics, setTopics] = useState(webhook?.topics.join(', ') ?? '');
  const save = useCommand({
    run: async () => {
      const list = topics.split(/[\s,]+/).filter((topic) => topic !== '');
      const body = { url: url.trim(), events: events as EventPattern[], topics: list.length === 0 ? null : list };
      if (webhook === undefined) return (await holdfast.POST('/api/v1/webhooks', { body })).data?.secret ?? null;
      await holdfast.PATCH('/api/v1/webhooks/{id}', {
        params: { path: { id: webhook.id }, header: { 'If-Match': `"${webhook.version}"` } },
        body,
      });
      return null;
    },
    // A repeat after a lost answer is answered without the secret.
    done: (secret) => {
      if (secret !== null) return null;
      onClose();
      return webhook === undefined ? 'It was made, but its secret was lost on its way: make a new one' : null;
    },
    stale: ['/api/v1/webhooks', '/api/v1/webhooks/{id}'],
    showsRefusals: true,
  });
  if (typeof save.data === 'string') return <SecretDialog secret={save.data} onClose={onClose} />;
  // Choices that were made by the API, and are none of ours, stay.
  const others = events.filter((event) => !EVENT_CHOICES.some(({ value }) => value === event));
  return (
    <FormDialog
      title={webhook === undefined ? 'New webhook' : 'Edit the webhook'}
      isDisabled={events.length === 0 || url.trim() === ''}
      isPending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <TextInput
        label="Address"
        name="url"
        description="Where events are sent, by POST. Private addresses are refused."
        type="url"
        required
        maxLength={2048}
        placeholder="https://shop.example.com/hooks/stock"
        data-autofocus
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
      />
      <Checkbox.Group label="Events" data-field="events" value={events} onChange={setEvents}>
        <Choices>
          {EVENT_CHOICES.map(({ value, label }) => (
            <Checkbox key={value} value={value} label={label} />
          ))}
          {others.map((value) => (
            <Checkbox key={value} value={value} label={value} />
          ))}
        </Choices>
      </Checkbox.Group>
      <TextInput
        label="Only of these"
        name="topics"
        description="product:SKU-1, location:WH001; none: all."
        value={topics}
        onChange={(event) => setTopics(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
