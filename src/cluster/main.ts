#!/usr/bin/env node
import { keepCompiledCode } from "./compile-cache.ts";

keepCompiledCode();
// Where the bundle runs, stack traces shall name the sources; reading the map is for those who look.
if (process.env["K8TS_DEBUG"]) process.setSourceMapsEnabled(true);
const [command, ...rest] = process.argv.slice(2);
// The server loads nothing of the commands, nor they of it.
const exitCode =
  command === "server"
    ? import("./server/main.ts").then(({ serverMain }) => serverMain(rest))
    : import("./cli/program.ts").then(({ main }) => main(process.argv.slice(2)));
void exitCode.then((code) => (process.exitCode = code));
