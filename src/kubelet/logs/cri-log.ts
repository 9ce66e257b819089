/** One line of a container's log in CRI's format: `TIME STREAM TAGS TEXT`. */
export interface LogLine {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** Only a piece of a line: no newline belongs after it. */
  readonly partial: boolean;
  readonly text: Buffer;
}

const SPACE = 32;

/** Reads a line without its newline; undefined when it is no log line. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = first < 0 ? -1 : line.indexOf(SPACE, first + 1);
  if (second < 0) return undefined;
  const third = line.indexOf(SPACE, second + 1);
  const stream = line.toString("latin1", first + 1, second);
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const tags = line.toString("latin1", second + 1, third < 0 ? line.length : third);
  return {
    time: line.toString("latin1", 0, first),
    stream,
    partial: tags.split(":")[0] === "P",
    text: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  };
}

/** Cuts bytes into lines; what has no newline yet is kept for the next piece. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      lines.push(bytes.subarray(from, at));
      from = at + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(from));
    return lines;
  }

  /** The last line, which nobody ended. */
  flush(): Buffer | undefined {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? undefined : rest;
  }
}
