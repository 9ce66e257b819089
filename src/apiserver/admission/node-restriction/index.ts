export { nodeRestriction } from "./restriction.ts";
