import type { Json } from "./model.ts";

/** Protobuf of an OpenAPI v2 document as gnostic's OpenAPIv2.proto lays it out: what kubectl and helm ask for. */
export function encodeGnostic(document: Json): Uint8Array {
  return message((out) => {
    text(out, 1, document["swagger"]);
    nested(out, 2, (info) => {
      const { title, version } = document["info"] as Json;
      text(info, 1, title);
      text(info, 2, version);
    });
    nested(out, 8, (paths) => {
      for (const [name, item] of entries(document["paths"]))
        named(paths, 2, name, (value) => pathItem(value, item as Json));
    });
    nested(out, 9, (definitions) => {
      for (const [name, item] of entries(document["definitions"]))
        named(definitions, 1, name, (v) => schema(v, item as Json));
    });
  });
}

type Out = Uint8Array[];

function message(write: (out: Out) => void): Uint8Array {
  const out: Out = [];
  write(out);
  return Buffer.concat(out);
}

function nested(out: Out, field: number, write: (out: Out) => void): void {
  const body = message(write);
  out.push(varint(field * 8 + 2), varint(body.length), body);
}

/** One entry of a map: a name and a value. */
function named(out: Out, field: number, name: string, write: (out: Out) => void): void {
  nested(out, field, (entry) => {
    text(entry, 1, name);
    nested(entry, 2, write);
  });
}

function text(out: Out, field: number, value: unknown): void {
  if (typeof value !== "string" || value === "") return;
  const bytes = Buffer.from(value);
  out.push(varint(field * 8 + 2), varint(bytes.length), bytes);
}

function texts(out: Out, field: number, values: unknown): void {
  for (const value of list(values)) text(out, field, value);
}

function flag(out: Out, field: number, value: unknown): void {
  if (value === true) out.push(varint(field * 8), varint(1));
}

function integer(out: Out, field: number, value: unknown): void {
  if (typeof value === "number" && value !== 0) out.push(varint(field * 8), varint(value));
}

function double(out: Out, field: number, value: unknown): void {
  if (typeof value !== "number") return;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  out.push(varint(field * 8 + 1), bytes);
}

/** Any: its YAML, which JSON is. */
function any(out: Out, field: number, value: unknown): void {
  nested(out, field, (inner) => text(inner, 2, `${JSON.stringify(value)}\n`));
}

function extensions(out: Out, field: number, value: Json): void {
  for (const [name, content] of Object.entries(value)) {
    if (!name.startsWith("x-")) continue;
    nested(out, field, (entry) => {
      text(entry, 1, name);
      any(entry, 2, content);
    });
  }
}

const METHODS: readonly (readonly [method: string, field: number])[] = [
  ["get", 2],
  ["put", 3],
  ["post", 4],
  ["delete", 5],
  ["options", 6],
  ["head", 7],
  ["patch", 8],
];

function pathItem(out: Out, item: Json): void {
  for (const [method, field] of METHODS) {
    const value = item[method];
    if (value !== undefined) nested(out, field, (inner) => operation(inner, value as Json));
  }
  for (const one of list(item["parameters"])) nested(out, 9, (inner) => parameter(inner, one as Json));
}

function operation(out: Out, value: Json): void {
  texts(out, 1, value["tags"]);
  text(out, 3, value["description"]);
  text(out, 5, value["operationId"]);
  texts(out, 6, value["produces"]);
  texts(out, 7, value["consumes"]);
  for (const one of list(value["parameters"])) nested(out, 8, (inner) => parameter(inner, one as Json));
  nested(out, 9, (responses) => {
    for (const [code, response] of entries(value["responses"])) {
      named(responses, 1, code, (wrapped) => nested(wrapped, 1, (inner) => responseBody(inner, response as Json)));
    }
  });
  texts(out, 10, value["schemes"]);
  extensions(out, 13, value);
}

function responseBody(out: Out, value: Json): void {
  text(out, 1, value["description"]);
  const body = value["schema"];
  if (body !== undefined) nested(out, 2, (item) => nested(item, 1, (inner) => schema(inner, body as Json)));
}

function parameter(out: Out, value: Json): void {
  nested(out, 1, (wrapped) => {
    if (value["in"] === "body") nested(wrapped, 1, (inner) => bodyParameter(inner, value));
    else
      nested(wrapped, 2, (inner) =>
        value["in"] === "path" ? pathParameter(inner, value) : queryParameter(inner, value),
      );
  });
}

function bodyParameter(out: Out, value: Json): void {
  text(out, 2, value["name"]);
  text(out, 3, "body");
  flag(out, 4, value["required"]);
  nested(out, 5, (inner) => schema(inner, value["schema"] as Json));
}

function queryParameter(out: Out, value: Json): void {
  nested(out, 3, (inner) => {
    flag(inner, 1, value["required"]);
    text(inner, 2, "query");
    text(inner, 4, value["name"]);
    text(inner, 6, value["type"]);
    flag(inner, 20, value["uniqueItems"]);
  });
}

function pathParameter(out: Out, value: Json): void {
  nested(out, 4, (inner) => {
    flag(inner, 1, true);
    text(inner, 2, "path");
    text(inner, 4, value["name"]);
    text(inner, 5, value["type"]);
    flag(inner, 19, value["uniqueItems"]);
  });
}

function schema(out: Out, value: Json): void {
  text(out, 1, value["$ref"]);
  text(out, 2, value["format"]);
  text(out, 3, value["title"]);
  text(out, 4, value["description"]);
  if (value["default"] !== undefined) any(out, 5, value["default"]);
  double(out, 6, value["multipleOf"]);
  double(out, 7, value["maximum"]);
  flag(out, 8, value["exclusiveMaximum"]);
  double(out, 9, value["minimum"]);
  flag(out, 10, value["exclusiveMinimum"]);
  integer(out, 11, value["maxLength"]);
  integer(out, 12, value["minLength"]);
  text(out, 13, value["pattern"]);
  integer(out, 14, value["maxItems"]);
  integer(out, 15, value["minItems"]);
  flag(out, 16, value["uniqueItems"]);
  integer(out, 17, value["maxProperties"]);
  integer(out, 18, value["minProperties"]);
  texts(out, 19, value["required"]);
  for (const one of list(value["enum"])) any(out, 20, one);
  const more = value["additionalProperties"];
  if (typeof more === "boolean") nested(out, 21, (item) => flag(item, 2, more));
  else if (more !== undefined) nested(out, 21, (item) => nested(item, 1, (inner) => schema(inner, more as Json)));
  if (value["type"] !== undefined) nested(out, 22, (type) => text(type, 1, value["type"]));
  const items = value["items"];
  if (items !== undefined) nested(out, 23, (item) => nested(item, 1, (inner) => schema(inner, items as Json)));
  for (const one of list(value["allOf"])) nested(out, 24, (inner) => schema(inner, one as Json));
  if (value["properties"] !== undefined) {
    nested(out, 25, (properties) => {
      for (const [name, property] of entries(value["properties"]))
        named(properties, 1, name, (v) => schema(v, property as Json));
    });
  }
  extensions(out, 31, value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function entries(value: unknown): [string, unknown][] {
  return Object.entries((value ?? {}) as Json);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
