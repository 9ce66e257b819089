const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Nanoseconds since the epoch; undefined: not a time in RFC 3339 (or a mere date). */
export function parseTimestamp(text: string): bigint | undefined {
  if (DATE.test(text)) return parseTimestamp(`${text}T00:00:00Z`);
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const ms = Date.parse(text.replace(/\.\d+/, ""));
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt((match[7] ?? "").padEnd(9, "0"));
}

/** RFC 3339 in UTC, with as many digits as are needed. */
export function formatTimestamp(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n - (nanos % 1_000_000_000n < 0n ? 1n : 0n);
  const rest = nanos - seconds * 1_000_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = rest === 0n ? "" : `.${rest.toString().padStart(9, "0").replace(/0+$/, "")}`;
  return `${text}${fraction}Z`;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

/** Nanoseconds of a text such as `1h30m`; undefined: it is none. */
export function parseGoDuration(text: string): bigint | undefined {
  const match = /^([+-]?)((?:[0-9]*\.?[0-9]+(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!match) return undefined;
  let total = 0n;
  for (const [, amount = "", unit = ""] of (match[2] ?? "").matchAll(/([0-9]*\.?[0-9]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const [whole = "0", fraction = ""] = amount.split(".");
    const scale = UNITS[unit] ?? 1;
    total += BigInt(whole === "" ? 0 : whole) * BigInt(scale) + BigInt(Math.round(Number(`0.${fraction}0`) * scale));
  }
  return match[1] === "-" ? -total : total;
}

/** `5400s`, as CEL prints durations. */
export function formatSeconds(nanos: bigint): string {
  const sign = nanos < 0n ? "-" : "";
  const abs = nanos < 0n ? -nanos : nanos;
  const rest = abs % 1_000_000_000n;
  const fraction = rest === 0n ? "" : `.${rest.toString().padStart(9, "0").replace(/0+$/, "")}`;
  return `${sign}${abs / 1_000_000_000n}${fraction}s`;
}
