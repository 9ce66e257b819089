import { describe, expect, it } from "vitest";
import { FakeMounter, parseMountInfo, unmountAll } from "./index.ts";

describe("parseMountInfo", () => {
  it("reads targets, types and options, and undoes escapes", () => {
    const text =
      "36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n" +
      "37 35 0:20 / /run/x ro - tmpfs tmpfs rw,size=4k\n";
    expect(parseMountInfo(text)).toEqual([
      { target: "/mnt/a b", source: "/dev/root", type: "ext3", options: ["rw", "noatime"] },
      { target: "/run/x", source: "tmpfs", type: "tmpfs", options: ["ro"] },
    ]);
  });
});

describe("unmountAll", () => {
  it("takes off what lies at or below the prefix, newest first, and nothing else", async () => {
    const mounter = new FakeMounter();
    for (const target of ["/a", "/a/b", "/ab", "/a"]) await mounter.tmpfs(target);
    expect(await unmountAll(mounter, "/a")).toEqual([]);
    expect(mounter.entries.map((m) => m.target)).toEqual(["/ab"]);
  });
});
