import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, type ApiClient, bodyOf, codeOf, NoAnswer } from './api.client.ts';
import { type Effect, type Entry, Journal, type Place } from './journal.ts';
import { type Random, seededRandom } from './random.ts';
import type { Shop } from './shop.ts';

/** A hold as its client knows it. Only one client ever touches it. */
interface Hold {
  id: string;
  status: 'pending' | 'confirmed';
  lines: (Place & { open: number })[];
}

/** A request that a client could send now, and what it will mean if it is accepted. */
interface Intent {
  call: Call;
  accepted: (answer: Answer) => { effects: Effect[]; made?: Entry['made'] };
}
type Call = Entry['call'];

export interface TrafficOptions {
  api: ApiClient;
  shop: Shop;
  clients: number;
  seed: number;
  /** Resolves when it makes sense to send again after no answer came. */
  whenBack?: () => Promise<void>;
}

/** Clients at work. */
export interface Traffic {
  journal: Journal;
  /** No new requests; resolves when every sent one has an outcome. Calling it twice is harmless. */
  finish(): Promise<void>;
}

/** After so long a request is given up as broken: "ready within 20 s", and a busy machine is given more. */
const GIVE_UP_AFTER_MS = 40_000;
const PAUSE_MS = 100;

/**
 * Mixed commands, each under a key of its own. A client does one at a time, and repeats one that got no answer, or
 * `outcome_unknown`, under the same key until it has one. A 503 that says that nothing was changed is taken at its word
 * every other time: the request is never sent again.
 */
export function startTraffic(options: TrafficOptions): Traffic {
  const journal = new Journal();
  let isOver = false;
  const clients = Array.from({ length: options.clients }, async (_, index) => {
    const client = new Client(options, journal, `${options.seed}-${index}`, seededRandom(options.seed * 1_000 + index));
    while (!isOver) await client.act();
  });
  return {
    journal,
    finish: async () => {
      isOver = true;
      await Promise.all(clients);
    },
  };
}

class Client {
  readonly #options: TrafficOptions;
  readonly #journal: Journal;
  readonly #name: string;
  readonly #random: Random;
  readonly #holds: Hold[] = [];
  #count = 0;

  constructor(options: TrafficOptions, journal: Journal, name: string, random: Random) {
    this.#options = options;
    this.#journal = journal;
    this.#name = name;
    this.#random = random;
  }

  async act(): Promise<void> {
    this.#count += 1;
    const key = `torture-${this.#name}-${this.#count}`;
    const intent = this.#choose(key);
    const entry = this.#journal.open(key, intent.call);
    await this.#send(entry);
    if (entry.outcome !== 'done' || entry.answer === null) return;
    const { effects, made } = intent.accepted(entry.answer);
    entry.effects = effects;
    entry.made = made ?? null;
  }

  /** Sends until there is an outcome. */
  async #send(entry: Entry): Promise<void> {
    const takesWord = this.#random.chance(0.5);
    const startedMs = performance.now();
    let mayBeDone = false;
    while (performance.now() - startedMs < GIVE_UP_AFTER_MS) {
      try {
        const answer = await this.#options.api.call(entry.call);
        entry.attempts.push({ answer, failure: null });
        entry.answer = answer;
        entry.tookMs = performance.now() - startedMs;
        if (answer.status < 300) return settle(entry, 'done');
        if (answer.status < 500) return settle(entry, 'refused');
        if (answer.status !== 503) return settle(entry, 'broken');
        if (codeOf(answer) === 'outcome_unknown') mayBeDone = true;
        else if (!mayBeDone && takesWord) return settle(entry, 'refused');
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        entry.attempts.push({ answer: null, failure: error.message });
        mayBeDone = true;
        await this.#options.whenBack?.();
      }
      await delay(PAUSE_MS);
    }
    settle(entry, 'broken');
  }

  #choose(key: string): Intent {
    const random = this.#random;
    const hold = this.#holds.length > 0 ? random.pick(this.#holds) : undefined;
    if (hold !== undefined && (this.#holds.length > 8 || random.chance(0.55))) return this.#next(hold);
    const choice = random.below(20);
    if (choice < 10) return this.#reserve(key);
    if (choice < 13) return this.#adjust(key);
    if (choice < 16) return this.#transfer(key);
    if (choice < 18) return this.#adjustSeveral(key);
    return choice < 19 ? this.#renameProduct(key) : this.#openLocation(key);
  }

  #place(): Place {
    const { shop } = this.#options;
    // One hot level, so that clients meet.
    if (this.#random.chance(0.3)) return { sku: shop.skus[0] ?? '', location: shop.locations[0] ?? '' };
    return { sku: this.#random.pick(shop.skus), location: this.#random.pick(shop.locations) };
  }

  #adjust(key: string): Intent {
    const place = this.#place();
    const quantity = this.#random.between(1, 5);
    const isAdd = this.#random.chance(0.6);
    return {
      call: {
        method: 'POST',
        path: `/api/v1/inventory/${place.sku}/adjust`,
        body: {
          location: place.location,
          type: isAdd ? 'add' : 'subtract',
          quantity,
          reference: { type: 'torture', id: key },
        },
      },
      accepted: () => ({
        effects: [effect('adjustment', place, key, { onHand: isAdd ? quantity : -quantity })],
      }),
    };
  }

  /** Each on its own: some may be refused while others are done. */
  #adjustSeveral(key: string): Intent {
    const items = Array.from({ length: this.#random.between(2, 5) }, () => ({
      ...this.#place(),
      delta: this.#random.between(1, 3) * (this.#random.chance(0.6) ? 1 : -1),
    }));
    const adjustments = items.map(({ sku, location, delta }) => ({
      sku,
      location,
      type: delta > 0 ? 'add' : 'subtract',
      quantity: Math.abs(delta),
      reference: { type: 'torture', id: key },
    }));
    return {
      call: { method: 'POST', path: '/api/v1/adjustments', body: { adjustments } },
      accepted: (answer) => {
        const results = bodyOf(answer)['results'] as { ok: boolean }[];
        const done = items.filter((_, index) => results[index]?.ok === true);
        return { effects: done.map((item) => effect('adjustment', item, key, { onHand: item.delta })) };
      },
    };
  }

  /** No change of stock, and yet through the same engine: its version counts how often it was done. */
  #renameProduct(key: string): Intent {
    const sku = this.#random.pick(this.#options.shop.skus);
    return {
      call: { method: 'PATCH', path: `/api/v1/products/${sku}`, body: { name: key } },
      accepted: () => ({ effects: [], made: { table: 'product', id: sku } }),
    };
  }

  /** A command that no engine decides, in a transaction of its own. */
  #openLocation(key: string): Intent {
    const code = `NEW-${key}`;
    return {
      call: { method: 'POST', path: '/api/v1/locations', body: { code, name: key, type: 'virtual' } },
      accepted: () => ({ effects: [], made: { table: 'location', id: code } }),
    };
  }

  #transfer(key: string): Intent {
    const { sku, location: from } = this.#place();
    const to = this.#random.pick(this.#options.shop.locations.filter((code) => code !== from));
    const quantity = this.#random.between(1, 4);
    return {
      call: {
        method: 'POST',
        path: '/api/v1/transfers',
        body: { from, to, lines: [{ sku, quantity }], reference: { type: 'torture', id: key } },
      },
      accepted: (answer) => {
        const id = String(bodyOf(answer)['id']);
        return {
          effects: [
            effect('transfer_out', { sku, location: from }, id, { onHand: -quantity }),
            effect('transfer_in', { sku, location: to }, id, { onHand: quantity }),
          ],
          made: { table: 'transfer', id },
        };
      },
    };
  }

  /** One to three lines, each at a place of its own. */
  #linesWanted(): (Place & { quantity: number })[] {
    const places = new Map<string, Place>();
    for (let wanted = this.#random.between(1, 3); wanted > 0; wanted -= 1) {
      const place = this.#place();
      places.set(nameOf(place), place);
    }
    return [...places.values()].map((place) => ({ ...place, quantity: this.#random.between(1, 3) }));
  }

  #reserve(key: string): Intent {
    const lines = this.#linesWanted();
    return {
      call: {
        method: 'POST',
        path: '/api/v1/reservations',
        body: { orderId: key, lines, ttlSeconds: 2_592_000 },
      },
      accepted: (answer) => {
        const id = String(bodyOf(answer)['id']);
        const held = lines.map(({ quantity, ...place }) => ({ ...place, open: quantity }));
        this.#holds.push({ id, status: 'pending', lines: held });
        return {
          effects: held.map((line) => effect('reserve', line, id, { reserved: line.open })),
          made: { table: 'reservation', id },
        };
      },
    };
  }

  /** Leads a hold on towards its end. */
  #next(hold: Hold): Intent {
    if (hold.status === 'confirmed' && this.#random.chance(0.8)) return this.#ship(hold);
    if (hold.status === 'pending' && this.#random.chance(0.2)) return this.#changeLines(hold);
    return this.#random.chance(0.65) && hold.status === 'pending' ? this.#confirm(hold) : this.#cancel(hold);
  }

  /** Other quantities at other places; on a level that stays, only the difference is an effect. */
  #changeLines(hold: Hold): Intent {
    const wanted = this.#linesWanted();
    const net = new Map(hold.lines.map((line) => [nameOf(line), { ...line, units: -line.open }]));
    for (const line of wanted) {
      const units = (net.get(nameOf(line))?.units ?? 0) + line.quantity;
      net.set(nameOf(line), { ...line, open: 0, units });
    }
    return {
      call: { method: 'PUT', path: `/api/v1/reservations/${hold.id}/lines`, body: { lines: wanted } },
      accepted: () => {
        hold.lines = wanted.map(({ quantity, ...place }) => ({ ...place, open: quantity }));
        const changed = [...net.values()].filter(({ units }) => units !== 0);
        return {
          effects: changed.map((line) =>
            effect(line.units > 0 ? 'reserve' : 'release', line, hold.id, { reserved: line.units }),
          ),
        };
      },
    };
  }

  #confirm(hold: Hold): Intent {
    const ship = this.#random.chance(0.3);
    return {
      call: { method: 'POST', path: `/api/v1/reservations/${hold.id}/confirm`, body: { ship } },
      accepted: () => {
        const effects = hold.lines.map((line) =>
          ship
            ? effect('sale', line, hold.id, { onHand: -line.open, reserved: -line.open })
            : effect('commit', line, hold.id, { reserved: -line.open, committed: line.open }),
        );
        if (ship) this.#forget(hold);
        else hold.status = 'confirmed';
        return { effects };
      },
    };
  }

  /** One unit of one line: a second time it would be a second unit. */
  #ship(hold: Hold): Intent {
    const line = this.#random.pick(hold.lines.filter(({ open }) => open > 0));
    const { sku, location } = line;
    return {
      call: {
        method: 'POST',
        path: `/api/v1/reservations/${hold.id}/ship`,
        body: { lines: [{ sku, location, quantity: 1 }] },
      },
      accepted: () => {
        line.open -= 1;
        if (hold.lines.every(({ open }) => open === 0)) this.#forget(hold);
        return { effects: [effect('sale', line, hold.id, { onHand: -1, committed: -1 })] };
      },
    };
  }

  #cancel(hold: Hold): Intent {
    return {
      call: { method: 'POST', path: `/api/v1/reservations/${hold.id}/cancel`, body: { reason: 'torture' } },
      accepted: () => {
        this.#forget(hold);
        const open = hold.lines.filter((line) => line.open > 0);
        return {
          effects: open.map((line) =>
            hold.status === 'pending'
              ? effect('release', line, hold.id, { reserved: -line.open })
              : effect('uncommit', line, hold.id, { committed: -line.open }),
          ),
        };
      },
    };
  }

  #forget(hold: Hold): void {
    this.#holds.splice(this.#holds.indexOf(hold), 1);
  }
}

function nameOf({ sku, location }: Place): string {
  return `${sku} ${location}`;
}

function settle(entry: Entry, outcome: Entry['outcome']): void {
  entry.outcome = outcome;
}

function effect(
  type: string,
  { sku, location }: Place,
  reference: string,
  deltas: { onHand?: number; reserved?: number; committed?: number },
): Effect {
  const { onHand = 0, reserved = 0, committed = 0 } = deltas;
  return { type, sku, location, reference, onHand, reserved, committed };
}
