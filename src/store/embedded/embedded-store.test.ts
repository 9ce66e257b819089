import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testEnv } from "../../kit/index.ts";
import { storeConformance } from "../conformance.ts";
import { openEmbeddedStore } from "./index.ts";

storeConformance("the embedded store", () => {
  const path = mkdtempSync(join(tmpdir(), "k8ts-store-"));
  const env = testEnv();
  return {
    open: () => openEmbeddedStore({ path, env }),
    reopen: async (store) => {
      await store.close();
      return openEmbeddedStore({ path, env });
    },
    advance: (ms) => env.clock.advance(ms),
    dispose: async () => rmSync(path, { recursive: true }),
  };
});
