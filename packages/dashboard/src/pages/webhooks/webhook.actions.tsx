import { useState } from 'react';
import { Button, Menu, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { Fields } from '../../ui/fields.tsx';
import { Icon } from '../../ui/icon.tsx';
import { formatCount } from '../../ui/num.tsx';
import { SecretDialog } from './secret.dialog.tsx';
import { WebhookForm } from './webhook.form.tsx';
import { hostOf, type Webhook } from './webhook.words.ts';

const STALE = ['/api/v1/webhooks', '/api/v1/webhooks/{id}', '/api/v1/webhooks/{id}/status'] as const;

type Asked = 'edit' | 'rotate' | 'delete' | 'replay' | null;

/** What can be done with an endpoint. */
export function WebhookActions({ webhook, onGone }: { webhook: Webhook; onGone: () => void }) {
  const [asked, setAsked] = useState<Asked>(null);
  const { id, enabled } = webhook;
  const params = { path: { id } };
  const test = useCommand({
    run: async () => (await holdfast.POST('/api/v1/webhooks/{id}/test', { params })).data,
    done: (result) =>
      result?.delivered === true
        ? `The endpoint took the test: ${result.responseStatus} in ${result.durationMs} ms`
        : `The endpoint did not take the test: ${result?.error ?? result?.responseStatus ?? 'no answer'}`,
  });
  const setEnabled = (next: boolean) => holdfast.PATCH('/api/v1/webhooks/{id}', { params, body: { enabled: next } });
  const toggle = useCommand({
    run: () => setEnabled(!enabled),
    done: () => (enabled ? 'Paused: it keeps its place in the stream' : 'On again, from where it stopped'),
    undo: () => () => setEnabled(enabled),
    stale: STALE,
  });
  const close = (): void => setAsked(null);
  return (
    <>
      <Button loading={test.isPending} onClick={() => test.mutate()}>
        Send a test
      </Button>
      <Button variant="default" loading={toggle.isPending} onClick={() => toggle.mutate()}>
        {enabled ? 'Pause' : 'Switch on'}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" rightSection={<Icon name="chevron" size={14} />}>
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setAsked('edit')}>Edit</Menu.Item>
          <Menu.Item onClick={() => setAsked('replay')}>Send a range again</Menu.Item>
          <Menu.Item onClick={() => setAsked('rotate')}>New secret</Menu.Item>
          <Menu.Item onClick={() => setAsked('delete')}>Delete</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asked === 'edit' && <WebhookForm webhook={webhook} onClose={close} />}
      {asked === 'rotate' && <RotateDialog id={id} onClose={close} />}
      {asked === 'replay' && <ReplayDialog id={id} onClose={close} />}
      {asked === 'delete' && <DeleteDialog webhook={webhook} onGone={onGone} onClose={close} />}
    </>
  );
}

function RotateDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const rotate = useCommand({
    run: async () =>
      (await holdfast.POST('/api/v1/webhooks/{id}/rotate-secret', { params: { path: { id } } })).data?.secret ?? null,
    stale: STALE,
    showsRefusals: true,
  });
  if (typeof rotate.data === 'string') return <SecretDialog secret={rotate.data} onClose={onClose} />;
  return (
    <ConfirmDialog
      title="Make a new secret?"
      verb="Make it"
      isPending={rotate.isPending}
      error={rotate.error}
      onConfirm={() => rotate.mutate()}
      onClose={onClose}
    >
      <p>For 24 hours both sign what is sent, so that the receiver can change over in peace.</p>
    </ConfirmDialog>
  );
}

function ReplayDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const replay = useCommand({
    run: async () => {
      const { data } = await holdfast.POST('/api/v1/webhooks/{id}/replay', {
        params: { path: { id } },
        body: { from: boundOf(from), ...(to.trim() === '' ? {} : { to: boundOf(to) }) } as never,
      });
      onClose();
      return data;
    },
    done: (started) => `${formatCount(started?.events ?? 0, 'event')} will be sent again`,
    stale: [...STALE, '/api/v1/webhooks/{id}/deliveries'],
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title="Send a range again"
      verb="Send again"
      isPending={replay.isPending}
      error={replay.error}
      onConfirm={() => replay.mutate()}
      onClose={onClose}
    >
      <Fields>
        <p>By positions, or by times such as 2026-11-20T10:00:00Z. At most 10,000 events.</p>
        <TextInput
          label="From"
          name="from"
          required
          data-autofocus
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
        />
        <TextInput
          label="To"
          name="to"
          description="None: up to what was sent last."
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
      </Fields>
    </ConfirmDialog>
  );
}

function boundOf(text: string): number | string {
  return /^\d+$/.test(text.trim()) ? Number(text) : text.trim();
}

function DeleteDialog({ webhook, onGone, onClose }: { webhook: Webhook; onGone: () => void; onClose: () => void }) {
  const remove = useCommand({
    run: async () => {
      await holdfast.DELETE('/api/v1/webhooks/{id}', { params: { path: { id: webhook.id } } });
      onGone();
    },
    done: () => `Deleted the webhook of ${hostOf(webhook.url)}`,
    stale: STALE,
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Delete the webhook of ${hostOf(webhook.url)}?`}
      verb="Delete it"
      isDangerous
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>Its secret, its log and what waits for it go with it. To stop it for a while, pause it.</p>
    </ConfirmDialog>
  );
}
