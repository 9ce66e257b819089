#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// Before anything else is loaded: compiled modules are kept between runs, which halves the time to start.
enableCompileCache();
const { main } = await import("./cli/program.ts");
process.exitCode = await main(process.argv.slice(2));
