import { describe, expect, it } from "vitest";
import { enums, messages } from "./table.ts";
import { Wire } from "./wire.ts";

const wire = new Wire({ messages, enums });

describe("Wire", () => {
  it.each([
    ["string", "VersionRequest", { version: "v1" }, "0a027631"],
    ["negative int64", "Int64Value", { value: -1 }, "08ffffffffffffffffff01"],
    ["large int64", "Int64Value", { value: 2 ** 40 + 5 }, "088580808080" + "20"],
    ["enum", "ContainerStateValue", { state: "CONTAINER_EXITED" }, "0802"],
    ["map", "ImageSpec", { annotations: { a: "b" } }, "12060a01611201" + "62"],
    ["repeated string", "Capability", { addCapabilities: ["X", ""] }, "0a01580a00"],
    ["field above 15", "ImageSpec", { runtimeHandler: "r" }, "9a010172"],
  ])("encodes %s", (_, type, value, hex) => {
    expect(wire.encode(type, value).toString("hex")).toBe(hex);
  });

  it("decodes what it encodes, with defaults filled in", () => {
    const config = {
      metadata: { name: "a", uid: "u", namespace: "n", attempt: 3 },
      labels: { k: "v", __proto__x: "y" },
      linux: { cgroupParent: "/x", securityContext: { supplementalGroups: [1, 2], privileged: true } },
    };
    const back = wire.decode<Record<string, unknown>>("PodSandboxConfig", wire.encode("PodSandboxConfig", config));
    expect(back).toMatchObject(config);
    expect(back).toMatchObject({ hostname: "", portMappings: [] });
    expect(back["dnsConfig"]).toBeUndefined();
  });

  it("decodes packed numbers and skips unknown fields", () => {
    // field 8 packed [1,2]; unknown field 100 of 3 bytes, unknown varint 101
    const bytes = Buffer.from("4202" + "0102" + "a20603616263" + "a80605", "hex");
    expect(wire.decode("LinuxContainerSecurityContext", bytes)).toMatchObject({ supplementalGroups: [1, 2] });
  });

  it("keeps nanosecond timestamps within 256 ns, and doubles", () => {
    const ns = 1_764_000_000_123_456_789n;
    const bytes = wire.encode("ContainerStatus", { createdAt: Number(ns), exitCode: -2 });
    const back = wire.decode<{ createdAt: number; exitCode: number }>("ContainerStatus", bytes);
    expect(Math.abs(back.createdAt - Number(ns))).toBeLessThanOrEqual(256);
    expect(back.exitCode).toBe(-2);
    expect(wire.decode("PsiData", wire.encode("PsiData", { avg10: 1.5 }))).toMatchObject({ avg10: 1.5 });
  });

  it("does not let a map key reach the prototype", () => {
    const bytes = wire.encode("ImageSpec", { annotations: JSON.parse('{"__proto__":"x"}') as Record<string, string> });
    const back = wire.decode<{ annotations: Record<string, string> }>("ImageSpec", bytes);
    expect(Object.keys(back.annotations)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  it.each(["0a05", "0a", "ffffffffffffffffffffff", "0f"])("refuses malformed bytes %s", (hex) => {
    expect(() => wire.decode("VersionRequest", Buffer.from(hex, "hex"))).toThrow(/protobuf message/);
  });
});
