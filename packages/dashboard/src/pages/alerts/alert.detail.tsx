import { Button, Skeleton } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useGet } from '../../api/queries.ts';
import { useMay } from '../../api/use.session.ts';
import { Actor } from '../../ui/actor.tsx';
import { LevelBar, LevelLegend } from '../../ui/level.bar.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment } from '../../ui/time.tsx';
import { AlertState } from '../../ui/alert.state.tsx';
import type { Alert } from '../../ui/alert.words.ts';
import { reasonOf } from './alert.words.ts';
import classes from './alerts.module.css';

/** One alert: why it is there, the level as it is now, and what to do. */
export function AlertDetail({ id }: { id: string }) {
  const alert = useGet('/api/v1/alerts/{id}', { path: { id } });
  if (alert.error !== null) return <ProblemNotice error={alert.error} onRetry={() => void alert.refetch()} />;
  if (alert.data === undefined) return <Skeleton height={180} />;
  return <Shown alert={alert.data} />;
}

function Shown({ alert }: { alert: Alert }) {
  const { sku, location } = alert;
  const level = useGet('/api/v1/inventory/{sku}/locations/{code}', { path: { sku, code: location } });
  return (
    <>
      <p className={classes['reason']}>{reasonOf(alert)}.</p>
      {level.data !== undefined && (
        <div className={classes['level']}>
          <LevelBar level={level.data} />
          <LevelLegend />
        </div>
      )}
      <dl className={classes['facts']}>
        <dt>Status</dt>
        <dd>
          <AlertState alert={alert} />
        </dd>
        <dt>Product</dt>
        <dd>
          <Link to={pathOf('/inventory', sku)}>{sku}</Link>
        </dd>
        <dt>Location</dt>
        <dd>{location}</dd>
        <dt>Opened</dt>
        <dd>
          <Moment at={alert.openedAt} />
        </dd>
        {alert.acknowledgedAt !== null && (
          <>
            <dt>Acknowledged</dt>
            <dd>
              <Moment at={alert.acknowledgedAt} /> by <Actor of={alert.acknowledgedBy ?? ''} />
            </dd>
          </>
        )}
        {alert.resolvedAt !== null && (
          <>
            <dt>Resolved</dt>
            <dd>
              <Moment at={alert.resolvedAt} />
            </dd>
          </>
        )}
      </dl>
      <Acknowledge alert={alert} />
    </>
  );
}

function Acknowledge({ alert: { id, sku, status } }: { alert: Alert }) {
  const mayAcknowledge = useMay('stock');
  const acknowledge = useCommand({
    run: () => holdfast.POST('/api/v1/alerts/{id}/acknowledge', { params: { path: { id } } }),
    done: () => `Acknowledged the alert of ${sku}`,
    stale: ['/api/v1/alerts', '/api/v1/alerts/{id}'],
  });
  if (status !== 'active' || !mayAcknowledge) return null;
  return (
    <Button loading={acknowledge.isPending} onClick={() => acknowledge.mutate()}>
      Acknowledge
    </Button>
  );
}
