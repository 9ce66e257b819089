import { describe, expect, it } from "vitest";
import type { corev1 } from "../../api/index.ts";
import { wantsMore } from "./index.ts";

describe("wantsMore", () => {
  const claim = (asked: string, given?: string) =>
    ({
      spec: { resources: { requests: { storage: asked } } },
      status: given === undefined ? {} : { capacity: { storage: given } },
    }) as unknown as corev1.PersistentVolumeClaim;
  it("compares sizes", () => {
    expect(wantsMore(claim("2Gi", "1Gi"))).toBe(true);
    expect(wantsMore(claim("1024Mi", "1Gi"))).toBe(false);
    expect(wantsMore(claim("1Gi"))).toBe(true);
  });
});
