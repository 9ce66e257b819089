import { readFileSync } from "node:fs";

/** What a traced process did to files, in the order in which calls began and ended. */
export type DiskEvent =
  | { readonly kind: "write"; readonly id: number; readonly file: string; readonly at: number; readonly bytes: Buffer }
  /** The write `id` has reached the disk, because its descriptor is synchronous. */
  | { readonly kind: "written"; readonly id: number }
  | { readonly kind: "sync"; readonly id: number; readonly file: string }
  /** What was written to the file before `sync` began has reached the disk. */
  | { readonly kind: "synced"; readonly id: number };

/** The calls that must be traced for {@link readTrace}. */
export const TRACED = "openat,close,lseek,write,writev,pwrite64,fdatasync,fsync,ftruncate,msync";

interface Descriptor {
  readonly file: string;
  readonly synchronous: boolean;
  position: number;
}

/** Reads the output of `strace -f -xx -s 10000000 -e trace=...`. */
export function readTrace(path: string): DiskEvent[] {
  const reader = new TraceReader();
  for (const line of readFileSync(path, "latin1").split("\n")) reader.take(line);
  return reader.events;
}

class TraceReader {
  readonly events: DiskEvent[] = [];
  readonly #descriptors = new Map<number, Descriptor>();
  /** By process id: the call that has begun, and its event. */
  readonly #begun = new Map<string, { readonly call: string; readonly id: number | undefined }>();
  #ids = 0;

  take(line: string): void {
    const pid = line.slice(0, line.indexOf(" "));
    const text = line.slice(pid.length).trimStart();
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text);
    if (resumed) {
      const begun = this.#begun.get(pid);
      if (begun) this.#end(begun.call + text.slice(resumed[0].length), begun.id);
      return;
    }
    const unfinished = text.endsWith("<unfinished ...>");
    const call = unfinished ? text.slice(0, -"<unfinished ...>".length) : text;
    const id = this.#begin(call);
    if (unfinished) this.#begun.set(pid, { call, id });
    else this.#end(call, id);
  }

  #begin(call: string): number | undefined {
    const [name, fd] = nameAndDescriptor(call);
    const open = this.#descriptors.get(fd);
    if (!open) return undefined;
    const { file } = open;
    const id = ++this.#ids;
    if (name === "fdatasync" || name === "fsync") this.events.push({ kind: "sync", id, file });
    else if (name === "pwrite64") {
      const at = Number(/, (\d+)\)?[^,]*$/.exec(call)?.[1]);
      this.events.push({ kind: "write", id, file, at, bytes: stringsOf(call) });
    } else if (name === "write" || name === "writev") {
      const bytes = stringsOf(call);
      this.events.push({ kind: "write", id, file, at: open.position, bytes });
      open.position += bytes.length;
    } else if ((name === "ftruncate" || name === "msync") && file.endsWith(".mdb"))
      throw new Error(`${name} is not understood: ${call.slice(0, 100)}`);
    return id;
  }

  #end(call: string, id: number | undefined): void {
    const [name, fd] = nameAndDescriptor(call);
    const result = Number(/= (-?\d+)[^=]*$/.exec(call)?.[1]);
    if (name === "openat" && result >= 0) {
      const file = stringsOf(call).toString();
      this.#descriptors.set(result, { file, synchronous: /O_D?SYNC/.test(call), position: 0 });
      return;
    }
    const open = this.#descriptors.get(fd);
    if (!open) return;
    if (name === "close") this.#descriptors.delete(fd);
    else if (name === "lseek") open.position = result;
    else if (id !== undefined && /sync/.test(name)) this.events.push({ kind: "synced", id });
    else if (id !== undefined && open.synchronous && /write/.test(name)) this.events.push({ kind: "written", id });
  }
}

function nameAndDescriptor(call: string): [string, number] {
  const match = /^(\w+)\((\d*)/.exec(call);
  return [match?.[1] ?? "", match?.[2] ? Number(match[2]) : -1];
}

/** All quoted bytes of a call, which `-xx` prints as `\x00`. */
function stringsOf(call: string): Buffer {
  const parts = call.match(/"((?:\\x[0-9a-f]{2})*)"/g) ?? [];
  return Buffer.from(parts.join("").replaceAll(/["\\x]/g, ""), "hex");
}
