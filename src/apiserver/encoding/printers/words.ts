import type { corev1, rbacv1 } from "../../../api/index.ts";
import { tryParseTime } from "../../../machinery/index.ts";

/** The cells of one object in a Table, in the order of its resource's columns. `now` is in ms. */
export type Cells<T> = (object: T, now: number) => unknown[];

/** A length of time as people like to read it: `5s`, `3m20s`, `7h`, `12d`, `2y3d`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return two(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 2920 ? two(years, "y", days % 365, "d") : `${years}y`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** How long ago a time was; `<unknown>` for none. */
export function since(time: string | undefined | null, now: number): string {
  const at = tryParseTime(time);
  return at === undefined ? "<unknown>" : humanDuration(now - at);
}

/** How old an object is. */
export function age(object: { readonly metadata: { readonly creationTimestamp?: string } }, now: number): string {
  return since(object.metadata.creationTimestamp, now);
}

/** `a=b,c=d` in order of the keys; `<none>` for none. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? "<none>" : entries.map(([key, value]) => `${key}=${value}`).join(",");
}

/** Names and images of a pod template's containers. */
export function containerCells(containers: readonly corev1.Container[] | undefined): [names: string, images: string] {
  const list = containers ?? [];
  return [list.map((c) => c.name).join(","), list.map((c) => c.image ?? "").join(",")];
}

/** The first `max`, and how many there are beside. */
export function withMore(list: readonly string[], max: number, empty: string): string {
  if (list.length === 0) return empty;
  const shown = list.slice(0, max).join(",");
  return list.length > max ? `${shown} + ${list.length - max} more...` : shown;
}

/** `True`, `False`, or `<unset>`. */
export function yesNo(value: boolean | undefined): string {
  return value === undefined ? "<unset>" : value ? "True" : "False";
}

/** The text, or `<none>` for none. */
export function orNone(text: string | undefined): string {
  return text === undefined || text === "" ? "<none>" : text;
}

/** `RWO,ROX`, in a fixed order. */
export function accessModes(modes: readonly string[] | undefined): string {
  const short = { ReadWriteOnce: "RWO", ReadOnlyMany: "ROX", ReadWriteMany: "RWX", ReadWriteOncePod: "RWOP" };
  return Object.entries(short)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, text]) => text)
    .join(",");
}

/** Users, groups and service accounts among the subjects of a binding. */
export function subjectCells(subjects: readonly rbacv1.Subject[] | undefined): string[] {
  const of = (kind: string, text: (s: rbacv1.Subject) => string): string =>
    (subjects ?? [])
      .filter((s) => s.kind === kind)
      .map(text)
      .join(", ");
  const byName = (s: rbacv1.Subject): string => s.name;
  return [of("User", byName), of("Group", byName), of("ServiceAccount", (s) => `${s.namespace ?? ""}/${s.name}`)];
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
