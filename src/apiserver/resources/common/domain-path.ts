import { invalidValue, isDns1123Subdomain, required } from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "./errors.ts";

const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const PATH_REGEX = new RegExp(`^${PATH}$`);

/** A name such as `acme.io/foo`: a domain and a path. */
export function validateDomainPath(errors: Errors, path: string, value: string): void {
  const slash = value.indexOf("/");
  const [host, rest] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (value === "") errors.push(required(path));
  else if (host === "" || rest === "") {
    errors.push(invalidValue(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  } else {
    invalidEach(errors, path, host, isDns1123Subdomain(host));
    if (!PATH_REGEX.test(rest)) {
      errors.push(invalidValue(path, rest, `Invalid path (regex used for validation is '${PATH}')`));
    }
  }
}
