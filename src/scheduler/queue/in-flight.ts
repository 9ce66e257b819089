import type { ClusterEvent } from "../framework/cluster-event.ts";
import type { QueueEntry } from "./queued-pod.ts";

/** Something that happened, with the object before and after. */
export interface Occurrence {
  readonly event: ClusterEvent;
  readonly before: unknown;
  readonly after: unknown;
}

interface Flight {
  readonly entry: QueueEntry;
  /** The number of the first occurrence it has not seen. */
  readonly from: number;
}

/**
 * The pods that are being scheduled, and what happened meanwhile: an event that would have brought a pod back must not be lost just
 * because the pod had not been put back yet.
 */
export class InFlight {
  readonly #flights = new Map<string, Flight>();
  #occurrences: Occurrence[] = [];
  /** The number of the first occurrence kept. */
  #start = 0;

  get size(): number {
    return this.#flights.size;
  }

  /** How many occurrences are kept. */
  get backlog(): number {
    return this.#occurrences.length;
  }

  get(uid: string): QueueEntry | undefined {
    return this.#flights.get(uid)?.entry;
  }

  start(entry: QueueEntry): void {
    this.#flights.set(entry.info.uid, { entry, from: this.#start + this.#occurrences.length });
  }

  /** Remembers what happened, if anybody is in flight. */
  add(occurrence: Occurrence): void {
    if (this.#flights.size > 0) this.#occurrences.push(occurrence);
  }

  /** What happened since the pod took off. */
  seenBy(uid: string): readonly Occurrence[] {
    const flight = this.#flights.get(uid);
    return flight ? this.#occurrences.slice(flight.from - this.#start) : [];
  }

  done(uid: string): void {
    if (!this.#flights.delete(uid)) return;
    // Flights start in order, so the first is the one that has seen least.
    const [first] = this.#flights.values();
    const keepFrom = first ? first.from : this.#start + this.#occurrences.length;
    if (keepFrom === this.#start) return;
    this.#occurrences = first ? this.#occurrences.slice(keepFrom - this.#start) : [];
    this.#start = keepFrom;
  }
}
