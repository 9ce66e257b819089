interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

function numbered(names: string, first: number): Record<string, number> {
  return Object.fromEntries(names.split(" ").map((name, i) => [name, i + first]));
}

const FIELDS: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1) },
  { min: 0, max: 6, names: numbered("sun mon tue wed thu fri sat", 0) },
];
const DESCRIPTORS = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const EVERY = "@every ";
const DURATION = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$/;

/** What is wrong with a cron schedule, in the words of upstream's parser; undefined when nothing is. */
export function scheduleProblem(schedule: string): string | undefined {
  if (schedule === "") return "empty spec string";
  let text = schedule;
  const zone = /^(?:CRON_TZ|TZ)=([^ ]*)(?: |$)/.exec(text);
  if (zone) {
    const name = zone[1] ?? "";
    if (!isTimeZone(name)) return `provided bad location ${name}: unknown time zone ${name}`;
    text = text.slice(zone[0].length).trim();
  }
  if (text.startsWith("@")) return descriptorProblem(text);
  const fields = text.split(/\s+/).filter((f) => f !== "");
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`;
  for (const [i, rule] of FIELDS.entries()) {
    for (const expression of (fields[i] ?? "").split(",").filter((e) => e !== "")) {
      const problem = rangeProblem(expression, rule);
      if (problem) return problem;
    }
  }
  return undefined;
}

/** Whether the platform knows the time zone; `Local` and the empty name are upstream's own. */
export function isTimeZone(name: string): boolean {
  if (name === "" || name === "UTC" || name === "Local") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function descriptorProblem(text: string): string | undefined {
  if (DESCRIPTORS.includes(text)) return undefined;
  if (!text.startsWith(EVERY)) return `unrecognized descriptor: ${text}`;
  const duration = text.slice(EVERY.length);
  if (DURATION.test(duration) || duration === "0") return undefined;
  return `failed to parse duration ${text}: time: invalid duration "${duration}"`;
}

function rangeProblem(expression: string, field: Field): string | undefined {
  const [range = "", step, ...moreSteps] = expression.split("/");
  const [low = "", high, ...moreHyphens] = range.split("-");
  let [start, end] = [field.min, field.max];
  if (low !== "*" && low !== "?") {
    const first = numberOf(low, field.names);
    if (typeof first === "string") return first;
    start = first;
    if (moreHyphens.length > 0) return `too many hyphens: ${expression}`;
    const last = high === undefined ? start : numberOf(high, field.names);
    if (typeof last === "string") return last;
    end = last;
  }
  let every = 1;
  if (step !== undefined) {
    if (moreSteps.length > 0) return `too many slashes: ${expression}`;
    const parsed = numberOf(step, undefined);
    if (typeof parsed === "string") return parsed;
    every = parsed;
    if (high === undefined) end = field.max;
  }
  if (start < field.min) return `beginning of range (${start}) below minimum (${field.min}): ${expression}`;
  if (end > field.max) return `end of range (${end}) above maximum (${field.max}): ${expression}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${expression}`;
  return every === 0 ? `step of range should be a positive number: ${expression}` : undefined;
}

function numberOf(text: string, names: Readonly<Record<string, number>> | undefined): number | string {
  const named = names?.[text.toLowerCase()];
  if (named !== undefined) return named;
  if (!/^[+-]?\d+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing "${text}": invalid syntax`;
  }
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}
