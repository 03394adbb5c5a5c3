import { useGet } from '../../api/queries.ts';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';

export function HomeView() {
  const summary = useGet('/api/v1/summary');
  return (
    <>
      <PageHeader title="Home" />
      <Num value={summary.data?.units.onHand} />
    </>
  );
}
