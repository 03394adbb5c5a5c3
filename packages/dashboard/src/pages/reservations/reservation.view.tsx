import { useParams } from '@tanstack/react-router';
import { useGet } from '../../api/queries.ts';
import { Link } from '../../ui/link.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ReservationDetail } from './reservation.detail.tsx';
import { nameOf } from './reservation.words.ts';

/** One reservation on a page of its own, to link to. */
export function ReservationPage() {
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data } = useGet('/api/v1/reservations/{id}', { path: { id } });
  return (
    <>
      <PageHeader
        title={data === undefined ? 'Reservation' : `Reservation ${nameOf(data)}`}
        about={<Link to="/reservations">All reservations</Link>}
      />
      <ReservationDetail id={id} />
    </>
  );
}
