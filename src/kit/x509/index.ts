export * from "./certificate.ts";
export * from "./request.ts";
export { subjectOf, type Subject } from "./subject.ts";
