/** The length of `text` in UTF-8, without encoding it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/** Upstream's way to tell which pattern a value misses. */
export function regexError(message: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  const list = examples.map((e) => `'${e}', `).join(" or ");
  return `${message} (e.g. ${list}regex used for validation is '${pattern}')`;
}

/** `must be no more than 63 bytes`. */
export function maxBytesError(max: number): string {
  return `must be no more than ${max} bytes`;
}

/** `must be no more than 63 characters`. */
export function maxLengthError(max: number): string {
  return `must be no more than ${max} characters`;
}

/** `must be between 1 and 65535, inclusive`. */
export function rangeError(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

/** What upstream says of an empty value. */
export const EMPTY_ERROR = "must be non-empty";

/** One textual format: a pattern, a length and upstream's words for missing them. */
export interface TextRule {
  readonly pattern: string;
  readonly regex: RegExp;
  readonly message: string;
  readonly examples: readonly string[];
  readonly max?: number;
}

/** Builds a rule; the pattern is anchored at both ends. */
export function textRule(pattern: string, message: string, examples: readonly string[], max?: number): TextRule {
  return { pattern, regex: new RegExp(`^${pattern}$`), message, examples, ...(max !== undefined && { max }) };
}

/** What is wrong with `value` by that rule; empty when nothing is. */
export function checkText(rule: TextRule, value: string): string[] {
  const errors: string[] = [];
  if (rule.max !== undefined && tooLongFor(value, rule.max)) errors.push(maxLengthError(rule.max));
  if (!rule.regex.test(value)) errors.push(regexError(rule.message, rule.pattern, ...rule.examples));
  return errors;
}

/** Whether `value` takes more than `max` bytes. */
export function tooLongFor(value: string, max: number): boolean {
  return value.length > max || (value.length * 3 > max && utf8Length(value) > max);
}
