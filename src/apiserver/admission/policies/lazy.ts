export { celConditions } from "./conditions.ts";
export { Validator } from "./validator.ts";
export { RememberingAuthorizer } from "./values.ts";
