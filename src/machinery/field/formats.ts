import {
  checkText,
  EMPTY_ERROR,
  maxBytesError,
  maxLengthError,
  rangeError,
  regexError,
  textRule,
  tooLongFor,
} from "./text-rules.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS_LABEL = textRule(
  LABEL,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ["my-name", "123-abc"],
  63,
);
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const DNS_SUBDOMAIN = textRule(SUBDOMAIN, SUBDOMAIN_WORDS, ["example.com"], 253);
const LABEL_ = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const DNS_SUBDOMAIN_UNDERSCORE = textRule(
  `${LABEL_}(\\.${LABEL_})*`,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  ["example.com"],
  253,
);
const DNS_1035 = textRule(
  "[a-z]([-a-z0-9]*[a-z0-9])?",
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  ["my-name", "abc-123"],
  63,
);
const WILDCARD = textRule(
  `\\*\\.${SUBDOMAIN}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  ["*.example.com"],
  253,
);
const C_IDENTIFIER = textRule(
  "[A-Za-z_][A-Za-z0-9_]*",
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  ["my_name", "MY_NAME", "MyName"],
);
const PERCENT = textRule("[0-9]+%", "a valid percent string must be a numeric string followed by an ending '%'", [
  "1%",
  "93%",
]);
const HTTP_HEADER = textRule("[-A-Za-z0-9]+", "a valid HTTP header must consist of alphanumeric characters or '-'", [
  "X-Header-Name",
]);
const ENV_NAME = textRule(
  "[-._a-zA-Z][-._a-zA-Z0-9]*",
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  ["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
);
const CONFIG_KEY = textRule(
  "[-._a-zA-Z0-9]+",
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  ["key.name", "KEY_NAME", "key-name"],
  253,
);
const LABEL_KEY = textRule(
  "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyName", "my.name", "123-abc"],
);
const LABEL_VALUE = textRule(
  `(${LABEL_KEY.pattern})?`,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyValue", "my_value", "12345"],
);

/** Whether a value follows a format: an empty list, or upstream's words for each thing that is wrong with it. */
export type FormatCheck = (value: string) => string[];

/** RFC 1123 label: `my-name`, at most 63. */
export const isDns1123Label: FormatCheck = (value) => {
  const errors: string[] = [];
  if (tooLongFor(value, 63)) errors.push(maxLengthError(63));
  if (DNS_LABEL.regex.test(value)) return errors;
  if (DNS_SUBDOMAIN.regex.test(value)) return [...errors, "must not contain dots"];
  return [...errors, regexError(DNS_LABEL.message, DNS_LABEL.pattern, ...DNS_LABEL.examples)];
};

/** RFC 1123 subdomain: `example.com`, at most 253. */
export const isDns1123Subdomain: FormatCheck = (value) => checkText(DNS_SUBDOMAIN, value);

/** RFC 1123 subdomain whose labels may have underscores. */
export const isDns1123SubdomainWithUnderscore: FormatCheck = (value) => checkText(DNS_SUBDOMAIN_UNDERSCORE, value);

/** RFC 1035 label: starts with a letter; Service names. */
export const isDns1035Label: FormatCheck = (value) => checkText(DNS_1035, value);

/** `*.example.com`. */
export const isWildcardDns1123Subdomain: FormatCheck = (value) => checkText(WILDCARD, value);

/** `[A-Za-z_][A-Za-z0-9_]*`. */
export const isCIdentifier: FormatCheck = (value) => checkText(C_IDENTIFIER, value);

/** `25%`. */
export const isValidPercent: FormatCheck = (value) => checkText(PERCENT, value);

/** The name of an HTTP header. */
export const isHttpHeaderName: FormatCheck = (value) => checkText(HTTP_HEADER, value);

/** Label and annotation keys, finalizers, resource names: an optional DNS prefix, a slash, at most 63 characters. */
export const isQualifiedName: FormatCheck = (value) => {
  const parts = value.split("/");
  const errors: string[] = [];
  let name = parts[0] ?? "";
  if (parts.length > 2) {
    const words = `a valid label key ${regexError(LABEL_KEY.message, LABEL_KEY.pattern, ...LABEL_KEY.examples)}`;
    return [`${words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  if (parts.length === 2) {
    if (name === "") errors.push(`prefix part ${EMPTY_ERROR}`);
    else errors.push(...qualifiedPrefix(name).map((m) => `prefix part ${m}`));
    name = parts[1] ?? "";
  }
  if (name === "") errors.push(`name part ${EMPTY_ERROR}`);
  else if (tooLongFor(name, 63)) errors.push(`name part ${maxBytesError(63)}`);
  if (!LABEL_KEY.regex.test(name)) {
    errors.push(`name part ${regexError(LABEL_KEY.message, LABEL_KEY.pattern, ...LABEL_KEY.examples)}`);
  }
  return errors;
};

function qualifiedPrefix(prefix: string): string[] {
  const errors: string[] = [];
  if (tooLongFor(prefix, 253)) errors.push(maxBytesError(253));
  if (!DNS_SUBDOMAIN.regex.test(prefix)) errors.push(regexError(SUBDOMAIN_WORDS, SUBDOMAIN, "example.com"));
  return errors;
}

/** A label's value: empty, or at most 63 characters. */
export const isValidLabelValue: FormatCheck = (value) => {
  const errors: string[] = [];
  if (tooLongFor(value, 63)) errors.push(maxBytesError(63));
  if (!LABEL_VALUE.regex.test(value)) {
    errors.push(regexError(LABEL_VALUE.message, LABEL_VALUE.pattern, ...LABEL_VALUE.examples));
  }
  return errors;
};

/** A key of a ConfigMap or Secret. */
export const isConfigMapKey: FormatCheck = (value) => [...checkText(CONFIG_KEY, value), ...dotDot(value)];

/** An environment variable by the strict rule. */
export const isEnvVarName: FormatCheck = (value) => [...checkText(ENV_NAME, value), ...dotDot(value)];

/** An environment variable as v1.35 accepts it: any printable ASCII but `=`. */
export const isRelaxedEnvVarName: FormatCheck = (value) => {
  if (value === "") return [`environment variable name ${EMPTY_ERROR}`];
  if (/^[ -<>-~]*$/.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
};

/** The name of a container or service port (IANA service name). */
export const isValidPortName: FormatCheck = (value) => {
  const errors: string[] = [];
  if (tooLongFor(value, 15)) errors.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(value))
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
};

/** A TCP or UDP port. */
export function isValidPortNumber(port: number): string[] {
  return isInRange(port, 1, 65535);
}

/** Whether `low <= value <= high`. */
export function isInRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [rangeError(low, high)];
}

function dotDot(value: string): string[] {
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}
