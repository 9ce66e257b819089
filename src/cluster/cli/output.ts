/** Writes one line for the user to stdout. */
export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a value for scripts: one JSON document. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes a failure to stderr, and beneath it what to do. */
export function printError(message: string, hint?: string): void {
  process.stderr.write(`k8ts: ${message}\n${hint ? `      ${hint}\n` : ""}`);
}

/** Lines on stderr that tell how a long command gets on: one a step, with the seconds it took. */
export class Progress {
  readonly #quiet: boolean;
  readonly #started: number;
  readonly #now: () => number;

  constructor(now: () => number, quiet = false) {
    this.#now = now;
    this.#quiet = quiet;
    this.#started = now();
  }

  /** Seconds since the command began. */
  get seconds(): number {
    return (this.#now() - this.#started) / 1000;
  }

  step(message: string): void {
    if (!this.#quiet) process.stderr.write(` ✓ ${message} (${this.seconds.toFixed(2)} s)\n`);
  }

  note(message: string): void {
    if (!this.#quiet) process.stderr.write(`   ${message}\n`);
  }
}

/** Left-aligned columns, two spaces apart, as kubectl prints them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("   "))
    .join("\n");
}
