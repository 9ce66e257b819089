export { podSecurity, type PodSecurityOptions } from "./plugin.ts";
