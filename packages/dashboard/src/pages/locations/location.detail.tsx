import { useState } from 'react';
import { Button, Skeleton } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useMay } from '../../api/use.session.ts';
import { ButtonRow } from '../../ui/button.row.tsx';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Link } from '../../ui/link.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment } from '../../ui/time.tsx';
import { ActiveState } from './active.state.tsx';
import { LocationForm } from './location.form.tsx';
import { addressLine, TYPE_WORDS, type Location } from './location.words.ts';

const STALE = ['/api/v1/locations', '/api/v1/locations/{code}', '/api/v1/summary'] as const;

export function LocationDetail({ code }: { code: string }) {
  const { data, error, refetch } = useGet('/api/v1/locations/{code}', { path: { code } });
  if (error !== null && data === undefined) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={200} />;
  return (
    <>
      <Facts>
        <Fact label="State">
          <ActiveState location={data} />
        </Fact>
        <Fact label="Kind">{TYPE_WORDS[data.type]}</Fact>
        <Fact label="Address">{addressLine(data.address) || '–'}</Fact>
        <Fact label="Place">{data.lat === null ? '–' : `${data.lat}, ${String(data.lng)}`}</Fact>
        <Fact label="Priority">{data.priority}</Fact>
        <Fact label="Made">
          <Moment at={data.createdAt} />
        </Fact>
        <Fact label="Stock">
          <Link to="/inventory" search={{ location: code }}>
            Its levels
          </Link>
          {', '}
          <Link to="/ledger" search={{ location: code }}>
            its movements
          </Link>
        </Fact>
      </Facts>
      {data.archivedAt === null && <Actions location={data} />}
    </>
  );
}

function Actions({ location }: { location: Location }) {
  const mayEdit = useMay('admin');
  const [asked, setAsked] = useState<'edit' | 'archive' | null>(null);
  const { code, active } = location;
  const setActive = (next: boolean) =>
    holdfast.PATCH('/api/v1/locations/{code}', { params: { path: { code } }, body: { active: next } });
  const toggle = useCommand({
    run: () => setActive(!active),
    done: () => `${code} is ${active ? 'inactive: it keeps its stock and takes no new reservations' : 'active'}`,
    undo: () => () => setActive(active),
    stale: STALE,
  });
  if (!mayEdit) return null;
  const close = (): void => setAsked(null);
  return (
    <ButtonRow>
      <Button onClick={() => setAsked('edit')}>Edit</Button>
      <Button variant="default" loading={toggle.isPending} onClick={() => toggle.mutate()}>
        {active ? 'Deactivate' : 'Activate'}
      </Button>
      <Button variant="default" onClick={() => setAsked('archive')}>
        Archive
      </Button>
      {asked === 'edit' && <LocationForm location={location} onClose={close} />}
      {asked === 'archive' && <ArchiveDialog code={code} onClose={close} />}
    </ButtonRow>
  );
}

function ArchiveDialog({ code, onClose }: { code: string; onClose: () => void }) {
  const archive = useCommand({
    run: async () => {
      await holdfast.DELETE('/api/v1/locations/{code}', { params: { path: { code } } });
      onClose();
    },
    done: () => `Archived ${code}`,
    stale: STALE,
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Archive ${code}?`}
      verb="Archive the location"
      isDangerous
      typeToConfirm={code}
      isPending={archive.isPending}
      error={archive.error}
      onConfirm={() => archive.mutate()}
      onClose={onClose}
    >
      <p>
        It leaves the lists, its code stays taken, and its history stays in the ledger. Only a location without stock
        can be archived, and it cannot be brought back.
      </p>
    </ConfirmDialog>
  );
}
