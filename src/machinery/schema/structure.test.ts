import { describe, expect, it } from "vitest";
import type { StatusError } from "../errors/status-error.ts";
import { decodeObject, type DecodeOptions } from "./decode-object.ts";
import { validateStructure } from "./structure.ts";
import { typeNames, typeTable } from "./type-table.ts";

const pod = (body: object): object => ({ kind: "Pod", apiVersion: "v1", ...body });

describe("type tables", () => {
  it("has every type the facts have, with all references resolved", () => {
    for (const config of [false, true]) {
      const names = typeNames(config);
      expect(names.length).toBeGreaterThan(200);
      for (const name of names) {
        for (const field of typeTable(name)?.fields ?? []) {
          let { shape } = field;
          while (shape.kind === "list" || shape.kind === "map") shape = shape.item;
          if (shape.kind === "struct") expect(shape.table.name).not.toBe("");
        }
      }
    }
  });

  it("finds types by what objects say they are", () => {
    expect(typeTable({ apiVersion: "apps/v1", kind: "Deployment" })?.goPath).toBe("k8s.io/api/apps/v1.Deployment");
    expect(typeTable({ apiVersion: "v1", kind: "Status" })?.name).toBe("meta.v1.Status");
    expect(typeTable({ apiVersion: "batch/v1", kind: "DeleteOptions" })?.name).toBe("meta.v1.DeleteOptions");
    expect(typeTable({ apiVersion: "meta.k8s.io/v1", kind: "Table" })?.name).toBe("meta.v1.Table");
    expect(
      typeTable({ apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" })?.fields.length,
    ).toBeGreaterThan(90);
    expect(typeTable({ apiVersion: "v1", kind: "PodSpec" })).toBeUndefined();
    expect(typeTable({ apiVersion: "constructor", kind: "x" })).toBeUndefined();
    const containers = typeTable("core.v1.PodSpec")?.byName.get("containers");
    expect(containers).toMatchObject({
      required: true,
      patchMergeKey: "name",
      topology: { list: "map", keys: ["name"] },
      numbers: [2],
    });
  });
});

describe("validateStructure", () => {
  it.each([
    [
      { spec: { containers: "x" } },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
    ],
    [
      { spec: { containers: [{ name: 1 }] } },
      "json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string",
    ],
    [
      { spec: { priority: 1.5 } },
      "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      { spec: { priority: 3e9 } },
      "json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      { spec: { priority: "1" } },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      { spec: { hostNetwork: "true" } },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
    ],
    [
      { metadata: { labels: { a: 1 } } },
      "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
    ],
    [{ metadata: [] }, "json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta"],
    [
      { spec: { containers: [{ resources: { limits: { cpu: "lots" } } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { metadata: { creationTimestamp: "now" } },
      'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ],
  ])("refuses %j", (body, message) => {
    expect(() => validateStructure(pod(body))).toThrow(message);
  });

  it("takes null for unset, big integers for int64, numbers for quantities", () => {
    const body = {
      metadata: { labels: null, generation: 9007199254740993n },
      spec: {
        containers: [{ name: null, resources: { limits: { cpu: 1 } }, ports: null }],
        activeDeadlineSeconds: 9007199254740993n,
      },
    };
    expect(validateStructure(pod(body))).toEqual([]);
    expect(() => validateStructure(pod({ spec: { priority: 9007199254740993n } }))).toThrow(
      "number 9007199254740993 into",
    );
  });

  it("collects unknown fields with their paths", () => {
    const body = {
      foo: 1,
      spec: { bar: {}, containers: [{ name: "a" }, { baz: 1, env: [{ qux: 1 }] }] },
      metadata: { labels: { x: "y" } },
    };
    expect(validateStructure(pod(body))).toEqual([
      'unknown field "foo"',
      'unknown field "spec.bar"',
      'unknown field "spec.containers[1].baz"',
      'unknown field "spec.containers[1].env[0].qux"',
    ]);
    expect(validateStructure({ kind: "Foo", apiVersion: "example.com/v1", anything: {} })).toEqual([]);
  });
});

describe("decodeObject", () => {
  const warnings: string[] = [];
  const options = (more: Partial<DecodeOptions> = {}): DecodeOptions => ({
    mediaType: "application/json",
    fieldValidation: "Strict",
    expected: { apiVersion: "v1", kind: "Pod" },
    warn: (w) => warnings.push(w),
    ...more,
  });
  const messageOf = (body: string, more?: Partial<DecodeOptions>): string => {
    try {
      decodeObject(body, options(more));
    } catch (error) {
      return (error as StatusError).status.message ?? "";
    }
    return "";
  };

  it("fills in what the path implies", () => {
    expect(decodeObject('{"metadata":{}}', options())).toEqual({ kind: "Pod", apiVersion: "v1", metadata: {} });
  });

  it.each([
    [
      '{"spec":{"foo":1,"foo":2,"nodeName":"a","nodeName":"b"}}',
      'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.foo", duplicate field "spec.nodeName"',
    ],
    [
      '{"spec":{"containers":1}}',
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      "[]",
      'the object provided is unrecognized (must be of type Pod): couldn\'t get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b5d)',
    ],
  ])("answers %s as upstream", (body, message) => {
    expect(messageOf(body)).toBe(message);
  });

  it("warns or is silent when asked to", () => {
    expect(messageOf('{"spec":{"foo":1}}', { fieldValidation: "Warn" })).toBe("");
    expect(warnings).toEqual(['unknown field "spec.foo"']);
    expect(messageOf('{"spec":{"foo":1,"foo":2}}', { fieldValidation: "Ignore" })).toBe("");
    expect(warnings).toHaveLength(1);
  });

  it("reads YAML", () => {
    const yaml = options({ mediaType: "application/yaml" });
    expect(decodeObject("spec:\n  hostNetwork: yes\n", yaml)).toMatchObject({
      kind: "Pod",
      spec: { hostNetwork: true },
    });
    expect(messageOf("a: 1\na: 2\n", { mediaType: "application/yaml" })).toContain('key "a" already set in map');
  });
});
