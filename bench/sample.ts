/** An answer of the same shape and size as that of a reserve by this benchmark, for the no-op routes. */
export const SAMPLE_RESERVATION = {
  id: '019a9f0e-7c1d-7a51-bd5c-3f1f2a7f9b10',
  status: 'pending',
  type: 'order',
  orderId: 'order-000000000000',
  userId: null,
  lines: [
    {
      sku: 'SKU-00000',
      location: 'LOC-00',
      quantity: 1,
      requested: 1,
      shipped: 0,
      cancelled: 0,
      attributes: null,
      line: 0,
    },
  ],
  expiresAt: '2026-01-01T00:15:00.000Z',
  createdAt: '2026-01-01T00:00:00.000Z',
  confirmedAt: null,
  shippedAt: null,
  cancelledAt: null,
  cancelReason: null,
  expiredAt: null,
  version: 1,
};
