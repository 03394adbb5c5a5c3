import { Button, Skeleton } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useGet } from '../../api/queries.ts';
import { useMay } from '../../api/use.session.ts';
import { Actor } from '../../ui/actor.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { inactiveUnits } from '../../ui/level.bar.rules.ts';
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
          <LevelLegend withInactive={inactiveUnits(level.data) > 0} />
        </div>
      )}
      <Facts>
        <Fact label="Status">
          <AlertState alert={alert} />
        </Fact>
        <Fact label="Product">
          <Link to={pathOf('/inventory', sku)}>{sku}</Link>
        </Fact>
        <Fact label="Location">{location}</Fact>
        <Fact label="Opened">
          <Moment at={alert.openedAt} />
        </Fact>
        {alert.acknowledgedAt !== null && (
          <Fact label="Acknowledged">
            <Moment at={alert.acknowledgedAt} /> by <Actor of={alert.acknowledgedBy ?? ''} />
          </Fact>
        )}
        {alert.resolvedAt !== null && (
          <Fact label="Resolved">
            <Moment at={alert.resolvedAt} />
          </Fact>
        )}
      </Facts>
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
