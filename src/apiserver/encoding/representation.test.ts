import { describe, expect, it } from "vitest";
import { Negotiator } from "./representation.ts";

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

describe("Negotiator", () => {
  it.each([
    [undefined, { format: "json", as: "object" }],
    ["*/*", { format: "json", as: "object" }],
    [`${TABLE},application/json`, { format: "json", as: "Table", version: "v1" }],
    ["application/json;as=Table;v=v2;g=meta.k8s.io,application/json", { format: "json", as: "object" }],
    ["application/yaml", { format: "yaml" }],
    ["application/json;q=0.5, application/yaml", { format: "yaml" }],
    ["application/vnd.kubernetes.protobuf,application/json", { format: "protobuf" }],
    [
      "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      { format: "protobuf", as: "PartialObjectMetadataList" },
    ],
    ["application/json;pretty=1", { pretty: true }],
  ])("%s", (accept, expected) => {
    expect(new Negotiator().negotiate(accept, true)).toMatchObject(expected);
  });

  it("passes protobuf over where there is none", () => {
    const accept = "application/vnd.kubernetes.protobuf,application/json";
    expect(new Negotiator().negotiate(accept, false)).toMatchObject({ format: "json" });
  });

  it.each(["text/html", "application/vnd.kubernetes.protobuf"])("refuses %s with 406", (accept) => {
    expect(() => new Negotiator().negotiate(accept, false)).toThrow(
      "only the following media types are accepted: application/json, application/yaml",
    );
  });
});
