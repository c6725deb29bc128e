/**
 * Bounds the memory that request bodies take together. Decided before a body is read.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { problemFor } from './codes.ts';

export interface AdmissionLimits {
  /** Largest body, bytes. */
  bodyBytesMax: number;
  /** Bytes of all bodies in hand; a single body is always taken. */
  bodyBytesInFlightMax: number;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  #bytesInFlight = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Bytes reserved now. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /**
   * Reserves room for a body; the caller calls what is returned once the request is over. Throws Problem
   * `back-pressure` (429). A body of unannounced length reserves the largest there may be.
   */
  admit(headers: IncomingHttpHeaders): () => void {
    const { bodyBytesMax, bodyBytesInFlightMax } = this.#limits;
    const bytes = Math.min(Number(headers['content-length'] ?? bodyBytesMax), bodyBytesMax);
    if (this.#bytesInFlight > 0 && this.#bytesInFlight + bytes > bodyBytesInFlightMax) {
      throw problemFor('back-pressure', 'too many request bodies are in hand; try again');
    }
    this.#bytesInFlight += bytes;
    return () => {
      this.#bytesInFlight -= bytes;
    };
  }
}
