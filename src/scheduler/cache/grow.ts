/** A longer copy. */
export function growInt32(old: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const made = new Int32Array(length);
  made.set(old);
  return made;
}

/** A longer copy. */
export function growFloat64(old: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const made = new Float64Array(length);
  made.set(old);
  return made;
}

/** A longer copy. */
export function growUint8(old: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(length);
  made.set(old);
  return made;
}
