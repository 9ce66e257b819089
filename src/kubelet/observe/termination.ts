import { open, readFile, stat } from "node:fs/promises";
import type { ContainerStatus } from "../../host/cri/index.ts";
import { ANNOTATION } from "../pod/labels.ts";

const MAX_BYTES = 4096;
const MAX_LOG_BYTES = 2048;
const MAX_LOG_LINES = 80;

/**
 * What a container left behind: the file it was given for that, or, where its policy allows and it failed without a word,
 * the end of its log; else the runtime's own message.
 */
export async function terminationMessage(status: ContainerStatus): Promise<string> {
  const { annotations } = status;
  const path = annotations[ANNOTATION.terminationMessagePath] ?? "";
  const mount = path === "" ? undefined : status.mounts.find((m) => m.containerPath === path);
  const message = mount ? await lastBytes(mount.hostPath, MAX_BYTES) : "";
  if (message !== "") return message;
  const fallback = annotations[ANNOTATION.terminationMessagePolicy] === "FallbackToLogsOnError";
  if (fallback && status.exitCode !== 0 && status.logPath !== "") {
    const text = await logTail(status.logPath);
    if (text !== "") return text;
  }
  return status.message;
}

async function lastBytes(path: string, limit: number): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= limit) return await readFile(path, "utf8");
    const file = await open(path, "r");
    try {
      const bytes = Buffer.alloc(limit);
      const { bytesRead } = await file.read(bytes, 0, limit, size - limit);
      return bytes.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}

/** The text of the last lines of a log in CRI's format. */
async function logTail(path: string): Promise<string> {
  const raw = await lastBytes(path, MAX_LOG_BYTES * 4);
  const lines = raw.split("\n").filter((line) => line !== "");
  const texts = lines.slice(-MAX_LOG_LINES).map((line) => {
    const [, , tag = "", ...rest] = line.split(" ");
    return rest.join(" ") + (tag.startsWith("F") ? "\n" : "");
  });
  const text = texts.join("");
  return text.length > MAX_LOG_BYTES ? text.slice(-MAX_LOG_BYTES) : text;
}
