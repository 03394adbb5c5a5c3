import { useState } from 'react';
import { Button, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useMay } from '../../api/use.session.ts';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { nameOf, openUnitsOf, type Reservation } from './reservation.words.ts';
import classes from './reservations.module.css';

const STALE = ['/api/v1/reservations', '/api/v1/reservations/{id}', '/api/v1/summary'] as const;
const MORE_SECONDS = 900;

/** What can be done with a reservation in its present state. What cannot be taken back asks first. */
export function ReservationActions({ reservation }: { reservation: Reservation }) {
  const mayReserve = useMay('reserve');
  const [isCancelling, setIsCancelling] = useState(false);
  const [isShipping, setIsShipping] = useState(false);
  const { id, status } = reservation;
  const params = { path: { id } };
  const confirm = useCommand({
    run: () => holdfast.POST('/api/v1/reservations/{id}/confirm', { params }),
    done: () => `Confirmed ${nameOf(reservation)}`,
    stale: STALE,
  });
  const extend = useCommand({
    run: () => holdfast.POST('/api/v1/reservations/{id}/extend', { params, body: { ttlSeconds: MORE_SECONDS } }),
    done: () => `${nameOf(reservation)} has 15 minutes from now`,
    undo: () => () =>
      holdfast.POST('/api/v1/reservations/{id}/extend', { params, body: { expiresAt: reservation.expiresAt } }),
    stale: STALE,
  });
  if (!mayReserve || (status !== 'pending' && status !== 'confirmed')) return null;
  return (
    <div className={classes['actions']}>
      {status === 'pending' && (
        <>
          <Button loading={confirm.isPending} onClick={() => confirm.mutate()}>
            Confirm
          </Button>
          <Button variant="default" loading={extend.isPending} onClick={() => extend.mutate()}>
            15 minutes from now
          </Button>
        </>
      )}
      {status === 'confirmed' && <Button onClick={() => setIsShipping(true)}>Ship</Button>}
      <Button variant="default" onClick={() => setIsCancelling(true)}>
        Cancel
      </Button>
      {isCancelling && <CancelDialog reservation={reservation} onClose={() => setIsCancelling(false)} />}
      {isShipping && <ShipDialog reservation={reservation} onClose={() => setIsShipping(false)} />}
    </div>
  );
}

interface DialogProps {
  reservation: Reservation;
  onClose: () => void;
}

function openUnits({ lines }: Reservation): number {
  return lines.reduce((sum, line) => sum + openUnitsOf(line), 0);
}

function CancelDialog({ reservation, onClose }: DialogProps) {
  const [reason, setReason] = useState('');
  const cancel = useCommand({
    run: async () => {
      await holdfast.POST('/api/v1/reservations/{id}/cancel', {
        params: { path: { id: reservation.id } },
        body: reason.trim() === '' ? {} : { reason: reason.trim() },
      });
      onClose();
    },
    done: () => `Cancelled ${nameOf(reservation)}`,
    stale: STALE,
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Cancel ${nameOf(reservation)}?`}
      verb="Cancel the reservation"
      isDangerous
      isPending={cancel.isPending}
      error={cancel.error}
      onConfirm={() => cancel.mutate()}
      onClose={onClose}
    >
      <p className={classes['said']}>
        {openUnits(reservation) === 1 ? '1 unit becomes' : `${formatNumber(openUnits(reservation))} units become`}{' '}
        available again at once, and others may take what was held. A cancelled reservation stays cancelled.
      </p>
      <TextInput
        label="Reason"
        name="reason"
        description="Kept with it."
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

function ShipDialog({ reservation, onClose }: DialogProps) {
  const ship = useCommand({
    run: async () => {
      await holdfast.POST('/api/v1/reservations/{id}/ship', { params: { path: { id: reservation.id } }, body: {} });
      onClose();
    },
    done: () => `Shipped ${nameOf(reservation)}`,
    stale: STALE,
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Ship ${nameOf(reservation)}?`}
      verb="Ship what is open"
      isPending={ship.isPending}
      error={ship.error}
      onConfirm={() => ship.mutate()}
      onClose={onClose}
    >
      <p className={classes['said']}>
        {openUnits(reservation) === 1 ? '1 unit leaves' : `${formatNumber(openUnits(reservation))} units leave`} the
        building: on hand and committed fall by as many. What comes back later is a return.
      </p>
    </ConfirmDialog>
  );
}
