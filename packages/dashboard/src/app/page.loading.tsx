import { Skeleton } from '@mantine/core';

/** In the layout that most pages have: a title, a bar, rows. */
export function PageLoading() {
  return (
    <div role="status" aria-busy="true" aria-label="Loading">
      <Skeleton height={24} width={180} mb={24} />
      <Skeleton height={36} mb={16} />
      {Array.from({ length: 8 }, (_, index) => (
        <Skeleton key={index} height={28} mb={8} />
      ))}
    </div>
  );
}
