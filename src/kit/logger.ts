import { writeSync } from "node:fs";
import type { Clock } from "./clock.ts";
import { RealClock } from "./clock.ts";
import { errorText } from "./errors.ts";
import type { Fields, Logger } from "./log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LoggerOptions {
  /** Takes one whole line, newline included; default {@link writeStderr}. Must not throw. */
  readonly write?: (line: string) => void;
  /** The least level that is written; default `info`. */
  readonly level?: LogLevel;
  /** `text` (default) looks like klog; `json` is one object a line. */
  readonly format?: "text" | "json";
  readonly clock?: Pick<Clock, "now">;
}

type Format = (level: LogLevel, now: number, message: string, fields: Fields) => string;

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const LETTER: Readonly<Record<LogLevel, string>> = { debug: "D", info: "I", warn: "W", error: "E" };

/** A logger that writes each line synchronously, so that none is lost when the process ends. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const write = options.write ?? writeStderr;
  const clock = options.clock ?? new RealClock();
  const least = RANK[options.level ?? "info"];
  const format: Format = options.format === "json" ? jsonLine : textLine;
  const build = (own: Fields): Logger => {
    const at =
      (level: LogLevel) =>
      (message: string, fields?: Fields): void => {
        if (RANK[level] < least) return;
        write(format(level, clock.now(), message, fields ? { ...own, ...fields } : own));
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      with: (fields) => build({ ...own, ...fields }),
    };
  };
  return build({});
}

/** Writes to file descriptor 2, waiting out a full pipe for a moment; a closed one is ignored. */
export function writeStderr(line: string): void {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      writeSync(2, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** `I0131 15:04:05.000000 component] Message key="value"`, times in UTC. */
function textLine(level: LogLevel, now: number, message: string, fields: Fields): string {
  const iso = new Date(now).toISOString();
  const { component, ...rest } = fields;
  const source = component === undefined ? "k8ts" : String(component as string);
  let line = `${LETTER[level]}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000 ${source}] ${escape(message)}`;
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined) line += ` ${key}=${textValue(value)}`;
  }
  return `${line}\n`;
}

function textValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  if (typeof value === "string") return escape(JSON.stringify(value));
  if (value instanceof Error) return escape(JSON.stringify(errorText(value)));
  return escape(safeJson(value));
}

function jsonLine(level: LogLevel, now: number, message: string, fields: Fields): string {
  return `${safeJson({ ts: new Date(now).toISOString(), level, msg: message, ...fields })}\n`;
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value, plain) ?? "null";
  } catch {
    return '"[unprintable]"';
  }
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return errorText(value);
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return value;
}

// Control characters of names and answers must not reach a terminal (CVE-2021-25743), nor start a new line.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

function escape(text: string): string {
  return text.replace(CONTROL, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
