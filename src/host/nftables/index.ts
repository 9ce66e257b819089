import { runProcess } from "../../kit/index.ts";

/** Takes scripts in nft(8)'s language, each one transaction: all of it holds afterwards, or nothing of it. */
export interface Nftables {
  /** Rejects with nft's own words, and the line they are about, when the kernel or nft refuses the script. */
  apply(script: string, signal?: AbortSignal): Promise<void>;
}

const TIMEOUT_MS = 60_000;

/** The machine's nftables, through the `nft` program on the PATH. */
export function systemNftables(): Nftables {
  return {
    async apply(script, signal) {
      await runProcess("nft", ["-f", "-"], { stdin: script, timeout: TIMEOUT_MS, ...(signal && { signal }) });
    },
  };
}
