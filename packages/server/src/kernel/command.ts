/** Whose key it is, the key, and a digest of the request it came with: the same request has the same digest. */
export interface IdempotencyRequest {
  /** The caller: two callers may use the same key. */
  owner: string;
  key: string;
  /** SHA-256 in hex over method, path, query and parsed body. */
  requestHash: string;
  /** Requests of many items are stored slice by slice; 0 where absent. */
  chunk?: number;
}

/** What a command carries besides its own values: who asked, in which request, and under which key. */
export interface CommandMeta {
  /** Ledger and journal show it: `key:<id>`, `user:<sub>`, `open` or `system:<duty>`. */
  actor: string;
  requestId: string;
  idempotency: IdempotencyRequest | null;
  /** Of a request: false once the server that serves it ends. What takes many commits then begins no other. */
  hasTimeForMore?: () => boolean;
}

/** A finished answer, as it is stored under an idempotency key and as it is sent. */
export interface Answer {
  status: number;
  /** JSON text. */
  body: string | null;
  /** Such as `location` and `etag`. */
  headers?: Record<string, string> | null;
  /** It is the stored answer of an earlier, equal request. */
  replayed?: boolean;
}
