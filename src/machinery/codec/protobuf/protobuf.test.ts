import { describe, expect, it } from "vitest";
import { base64ToBytes, bytesToBase64 } from "../../schema/base64.ts";
import type { Shape, TypeTable } from "../../schema/model.ts";
import { normalize } from "../../schema/normalize.ts";
import { typeNames, typeTable } from "../../schema/type-table.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import { decodeProtobuf, decodeWatchEvent, encodeProtobuf, encodeWatchFrame, hasProtobuf } from "./envelope.ts";

const hex = (bytes: Uint8Array | undefined): string =>
  Array.from(bytes ?? [], (b) => b.toString(16).padStart(2, "0")).join("");

describe("protobuf", () => {
  it("writes the envelope and the numbers that upstream writes", () => {
    const bytes = encodeProtobuf({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "a", labels: { k: "v" } },
      status: { phase: "Active" },
    });
    expect(hex(bytes)).toBe(
      "6b387300" + // k8s\0
        "0a0f0a02763112094e616d657370616365" + // typeMeta: v1, Namespace
        "1217" + // raw
        "0a0b0a01615a060a016b120176" + // metadata: name 1, labels 11 {key 1, value 2}
        "1a080a06416374697665" + // status: phase 1
        "1a002200", // contentEncoding, contentType
    );
  });

  it.each([[{ cpu: "100m", memory: "1Gi" }], [{ "example.com/gpu": "2" }]])("keeps quantities: %j", (requests) => {
    const pod = { apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "a", resources: { requests } }] } };
    expect(decodeProtobuf(encodeProtobuf(pod) ?? new Uint8Array())).toEqual(normalize(pod));
  });

  it("keeps all that JSON says, in every kind of value", () => {
    const pod = {
      kind: "Pod",
      apiVersion: "v1",
      metadata: {
        name: "ä😀",
        generation: 9007199254740993n,
        creationTimestamp: "2026-01-02T03:04:05Z",
        annotations: { __proto__x: "", long: "x".repeat(5000) },
        managedFields: [{ manager: "m", operation: "Update", fieldsV1: { "f:spec": { "f:x": {} } } }],
      },
      spec: {
        volumes: [
          { name: "v", emptyDir: {} },
          { name: "s", secret: { secretName: "x", defaultMode: 420 } },
        ],
        containers: [
          {
            name: "a",
            ports: [{ containerPort: 80 }],
            livenessProbe: { httpGet: { port: "http" }, periodSeconds: 3 },
            readinessProbe: { tcpSocket: { port: 80 } },
            resources: {},
          },
        ],
        terminationGracePeriodSeconds: 0,
        securityContext: { runAsUser: -1, supplementalGroups: [1, 2] },
        hostNetwork: true,
      },
      status: { phase: "Pending" },
    };
    const decoded = decodeProtobuf(encodeProtobuf(pod) ?? new Uint8Array());
    expect(decoded).toEqual(normalize(pod));
    expect(normalize(decoded)).toBe(decoded);
  });

  it("handles the types that are more than their fields", () => {
    const crd = {
      kind: "CustomResourceDefinition",
      apiVersion: "apiextensions.k8s.io/v1",
      spec: {
        versions: [
          {
            name: "v1",
            schema: {
              openAPIV3Schema: {
                type: "object",
                minimum: -1.5,
                default: { a: [1, null] },
                enum: ["x", 1, true],
                properties: {
                  list: { items: { type: "string" } },
                  map: { additionalProperties: { type: "integer" } },
                  free: { additionalProperties: true },
                  closed: { additionalProperties: false },
                },
              },
            },
          },
        ],
      },
    };
    expect(decodeProtobuf(encodeProtobuf(crd) ?? new Uint8Array())).toEqual(normalize(crd));
    const lease = {
      kind: "Lease",
      apiVersion: "coordination.k8s.io/v1",
      spec: { renewTime: "2026-01-02T03:04:05.123456Z", leaseDurationSeconds: 40 },
    };
    expect(decodeProtobuf(encodeProtobuf(lease) ?? new Uint8Array())).toEqual(normalize(lease));
    const review = {
      kind: "SubjectAccessReview",
      apiVersion: "authorization.k8s.io/v1",
      spec: { user: "u", extra: { scopes: ["a", "b"] } },
    };
    expect(normalize(decodeProtobuf(encodeProtobuf(review) ?? new Uint8Array()))).toEqual(normalize(review));
    const secret = { kind: "Secret", apiVersion: "v1", data: { a: "AAEC/w==", b: "" } };
    expect(decodeProtobuf(encodeProtobuf(secret) ?? new Uint8Array())).toEqual(normalize(secret));
    const revision = { kind: "ControllerRevision", apiVersion: "apps/v1", revision: 3, data: { spec: { x: 1 } } };
    expect(decodeProtobuf(encodeProtobuf(revision) ?? new Uint8Array())).toEqual(normalize(revision));
  });

  it("brings every type through, with every field set", () => {
    for (const name of typeNames()) {
      const table = typeTable(name);
      if (!table || !hasProtobuf(table) || name === "meta.v1.InternalEvent") continue;
      const object = sampleOf(table, 0);
      const back = decodeMessage(encodeMessage(object, table), table, () => null);
      expect(back, name).toEqual(normalize(object, { type: table }));
    }
  });

  it("refuses what is cut off or bent, always with an error of ours", () => {
    const bytes = encodeProtobuf({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "abc", labels: { a: "b" } },
      spec: { nodeName: "n" },
    });
    if (!bytes) throw new Error("Pods have a protobuf form");
    let refused = 0;
    for (let i = 0; i < bytes.length; i++) {
      for (const bent of [bytes.slice(0, i), bytes.with(i, 0xff), bytes.with(i, 0x7f)]) {
        try {
          decodeProtobuf(bent);
        } catch (error) {
          expect(error).toMatchObject({ code: "ParseError" });
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(50);
    expect(() => decodeProtobuf(Uint8Array.of(1, 2, 3))).toThrow(
      "provided data does not appear to be a protobuf message",
    );
  });

  it("has no form for custom resources", () => {
    expect(encodeProtobuf({ apiVersion: "example.com/v1", kind: "Foo" })).toBeUndefined();
    expect(encodeProtobuf({ apiVersion: "meta.k8s.io/v1", kind: "Table" })).toBeUndefined();
  });

  it("frames watch events", () => {
    const frame = encodeWatchFrame("ADDED", Uint8Array.of(1, 2, 3));
    expect(hex(frame)).toBe("0000000e" + "0a054144444544" + "12050a03010203");
    expect(decodeWatchEvent(frame.subarray(4))).toEqual({ type: "ADDED", object: Uint8Array.of(1, 2, 3) });
  });

  it("reads and writes base64", () => {
    for (let length = 0; length < 40; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 97 + length) & 0xff);
      expect(bytesToBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(base64ToBytes(bytesToBase64(bytes))).toEqual(bytes);
    }
  });
});

function sampleOf(table: TypeTable, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of table.fields) {
    if (field.numbers.length > 0) out[field.name] = sampleValue(field.shape, depth);
  }
  return out;
}

function sampleValue(shape: Shape, depth: number): unknown {
  switch (shape.kind) {
    case "struct":
      return depth > 1 ? {} : sampleOf(shape.table, depth + 1);
    case "list":
      return [sampleValue(shape.item, depth), sampleValue(shape.item, depth)];
    case "map":
      return { a: sampleValue(shape.item, depth), b: sampleValue(shape.item, depth) };
    case "boolean":
      return true;
    case "string":
      return "text";
    case "bytes":
      return "AQI=";
    case "double":
      return 0.5;
    case "quantity":
      return "250m";
    case "intOrString":
      return "50%";
    case "time":
      return "2026-01-02T03:04:05Z";
    case "microTime":
      return "2026-01-02T03:04:05.000006Z";
    case "duration":
      return "1m0s";
    case "schemaOrStrings":
      return ["a"];
    case "schemaOrBool":
    case "schemaOrArray":
      return { type: "string" };
    case "raw":
    case "fields":
    case "json":
    case "any":
      return { x: [1] };
    default:
      return 42;
  }
}
