#!/usr/bin/env node
import { keepCompiledCode } from "./compile-cache.ts";

keepCompiledCode();
// Where the bundle runs, stack traces shall name the sources; reading the map is for those who look.
if (process.env["K8TS_DEBUG"]) process.setSourceMapsEnabled(true);
void import("./cli/program.ts").then(async ({ main }) => {
  process.exitCode = await main(process.argv.slice(2));
});
