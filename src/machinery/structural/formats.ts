import { base64Error } from "../schema/base64.ts";
import { isDns1123Label, isDns1123Subdomain } from "../field/formats.ts";

const EMAIL = /^[^\s@<>()[\],;:"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;
const HOSTNAME =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const MAC = /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,]\d+)?(?:[Zz]|[+-]\d{2}:?\d{2})$/;
const DURATION =
  /^(?:\d+(?:\.\d+)?\s*(?:ns|us|µs|ms|s|m|h|d|w|nano|micro|milli|sec|second|min|minute|hour|hr|day|week|wk)s?\s*)+$/;

/** The text formats that values are checked against; all others are not looked at. */
export const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map<string, (text: string) => boolean>([
  ["bsonobjectid", (text) => /^[0-9a-f]{24}$/i.test(text)],
  ["uri", isUri],
  ["email", (text) => EMAIL.test(text)],
  ["hostname", (text) => text.length <= 255 && HOSTNAME.test(text)],
  ["ipv4", isIpv4],
  ["ipv6", isIpv6],
  ["cidr", isCidr],
  ["mac", (text) => MAC.test(text)],
  ["uuid", (text) => UUID.test(text)],
  ["uuid3", (text) => UUID.test(text) && text.replaceAll("-", "")[12] === "3"],
  ["uuid4", (text) => UUID.test(text) && text.replaceAll("-", "")[12] === "4"],
  ["uuid5", (text) => UUID.test(text) && text.replaceAll("-", "")[12] === "5"],
  ["isbn", (text) => isIsbn10(text) || isIsbn13(text)],
  ["isbn10", isIsbn10],
  ["isbn13", isIsbn13],
  ["creditcard", isCreditCard],
  ["ssn", (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text)],
  ["hexcolor", (text) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text)],
  ["rgbcolor", isRgb],
  ["byte", (text) => base64Error(text) === undefined],
  ["password", () => true],
  ["date", isDate],
  ["duration", (text) => DURATION.test(text)],
  ["datetime", isDateTime],
  ["date-time", isDateTime],
  ["k8s-short-name", (text) => isDns1123Label(text).length === 0],
  ["k8s-long-name", (text) => isDns1123Subdomain(text).length === 0],
]);

/** Formats that mean something here, of numbers as well: others bring a warning. */
export const KNOWN_FORMATS: ReadonlySet<string> = new Set([...FORMATS.keys(), "int32", "int64", "float", "double"]);

function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:|^\//i.test(text) && URL.canParse(text, "http://localhost");
}

/** Four decimal bytes. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** An IPv6 address without a zone. */
export function isIpv6(text: string): boolean {
  return text.includes(":") && !text.includes("[") && URL.canParse(`http://[${text}]/`);
}

function isCidr(text: string): boolean {
  const slash = text.indexOf("/");
  const [address, bits] = [text.slice(0, slash), text.slice(slash + 1)];
  if (slash < 0 || !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return false;
  return isIpv4(address) ? Number(bits) <= 32 : isIpv6(address) && Number(bits) <= 128;
}

function isDate(text: string): boolean {
  const match = DATE.exec(text);
  return match !== null && isDay(Number(match[1]), Number(match[2]), Number(match[3]));
}

function isDay(year: number, month: number, day: number): boolean {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}

function isDateTime(text: string): boolean {
  const match = DATE_TIME.exec(text);
  if (!match) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return isDay(year, month, day) && hour <= 23 && minute <= 59 && second <= 59;
}

function isIsbn10(text: string): boolean {
  const digits = text.replaceAll(/[\s-]/g, "");
  if (!/^\d{9}[\dXx]$/.test(digits)) return false;
  const sum = Array.from(digits).reduce(
    (total, d, i) => total + (i + 1) * (d === "X" || d === "x" ? 10 : Number(d)),
    0,
  );
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replaceAll(/[\s-]/g, "");
  if (!/^\d{13}$/.test(digits)) return false;
  return Array.from(digits).reduce((total, d, i) => total + Number(d) * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

function isCreditCard(text: string): boolean {
  const digits = text.replaceAll(/\D/g, "");
  if (
    !/^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/.test(
      digits,
    )
  ) {
    return false;
  }
  const doubled = Array.from(digits)
    .toReversed()
    .map((d, i) => (i % 2 === 0 ? Number(d) : Number(d) * 2));
  return doubled.reduce((sum, n) => sum + (n > 9 ? n - 9 : n), 0) % 10 === 0;
}

function isRgb(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255);
}
