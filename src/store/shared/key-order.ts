/** UTF-16 order and UTF-8 order agree on text that has no code unit from here on (surrogates and what lies above them). */
const WIDE = /[\ud800-\uffff]/;

/** Whether comparing `text` by `<` may differ from comparing its UTF-8 bytes. */
export function isWide(text: string): boolean {
  return WIDE.test(text);
}

/** Whether `a` comes before `b` in the order of their UTF-8 bytes. */
export function byteLess(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) < rank(y);
  }
  return a.length < b.length;
}

/** Moves surrogates, which stand for the highest code points, above all other code units. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** `[start, end)` in byte order; an empty `end` is no bound. */
export class KeyRange {
  readonly start: string;
  readonly end: string;
  readonly #wide: boolean;

  constructor(start: string, end: string) {
    this.start = start;
    this.end = end;
    this.#wide = isWide(start) || isWide(end);
  }

  has(key: string): boolean {
    // Where only one side is wide, both orders agree on the first difference.
    if (this.#wide) return !byteLess(key, this.start) && (this.end === "" || byteLess(key, this.end));
    return key >= this.start && (this.end === "" || key < this.end);
  }
}
