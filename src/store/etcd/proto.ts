import protobuf from "protobufjs";
import { messages } from "./schema.ts";

/** A message as it may be sent: what is left out has its zero value. */
export type Sent<T> = {
  readonly [K in keyof T]?: T[K] extends Uint8Array | string | number | boolean
    ? T[K]
    : T[K] extends readonly (infer E)[]
      ? readonly Sent<E>[]
      : Sent<NonNullable<T[K]>> | null;
};

const types = new Map<string, protobuf.Type>();

export function encode(name: string, message: object): Buffer {
  const type = typeOf(name);
  return Buffer.from(type.encode(message as Record<string, unknown>).finish());
}

/** Every field is there; 64-bit integers are numbers (revisions and our lease ids fit; cluster ids are rounded). */
export function decode(name: string, bytes: Buffer): unknown {
  const type = typeOf(name);
  return type.toObject(type.decode(bytes), { longs: Number, arrays: true, defaults: true });
}

function typeOf(name: string): protobuf.Type {
  if (types.size === 0) build();
  const type = types.get(name);
  if (!type) throw new Error(`etcd's schema has no message ${JSON.stringify(name)}`);
  return type;
}

/** Makes all types from the table; they refer to each other by name. */
function build(): void {
  const root = new protobuf.Root();
  for (const [name, row] of Object.entries(messages)) {
    const type = new protobuf.Type(name);
    for (const cell of row === "" ? [] : row.split(",")) {
      const [field = "", number, spec = ""] = cell.split(" ");
      const repeated = spec.startsWith("*");
      type.add(
        new protobuf.Field(field, Number(number), repeated ? spec.slice(1) : spec, repeated ? "repeated" : undefined),
      );
    }
    root.add(type);
    types.set(name, type);
  }
  root.resolveAll();
}
