import { describe, expect, it } from "vitest";
import { runProcess } from "./run-process.ts";

const node = process.execPath;
const js = (code: string): readonly string[] => ["-e", code];

describe("runProcess", () => {
  it("captures output and feeds stdin", async () => {
    const result = await runProcess(node, js('process.stdin.pipe(process.stdout); console.error("note")'), {
      stdin: "hé",
    });
    expect(result).toEqual({ stdout: "hé", stderr: "note\n", code: 0 });
  });

  it("rejects with the end of stderr", async () => {
    const run = runProcess(node, js('console.error("bad thing"); process.exit(3)'));
    await expect(run).rejects.toMatchObject({
      code: "ProcessFailed",
      message: expect.stringMatching(/exited with code 3: bad thing$/),
      details: { code: 3, stderr: "bad thing\n" },
    });
    expect((await runProcess(node, js("process.exit(3)"), { okCodes: [0, 3] })).code).toBe(3);
  });

  it("names a missing program", async () => {
    const run = runProcess("no-such-program-k8ts");
    await expect(run).rejects.toMatchObject({
      code: "ProcessNotFound",
      message: 'cannot run "no-such-program-k8ts": no such program (or working directory)',
    });
  });

  it("ends on abort, timeout and too much output", async () => {
    const hang = js("setInterval(() => {}, 1000)");
    const abort = new AbortController();
    const run = runProcess(node, hang, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(run).rejects.toThrow("enough");
    await expect(runProcess(node, hang, { timeout: 50 })).rejects.toMatchObject({ code: "ProcessTimeout" });
    const chatty = js("for (let i = 0; i < 100; i++) process.stdout.write('x'.repeat(1000))");
    await expect(runProcess(node, chatty, { maxOutput: 5000 })).rejects.toMatchObject({
      code: "ProcessOutputTooLarge",
    });
  });
});
