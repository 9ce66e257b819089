import { base64ToBytes, bytesToBase64 } from "../../schema/base64.ts";
import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  isValidLabelValue,
} from "../../field/formats.ts";
import { FORMATS } from "../../structural/formats.ts";
import { ParseError } from "../../errors/parse-error.ts";
import { Quantity } from "../../values/quantity.ts";
import { copies, fn, method, type Overload, reads } from "../functions.ts";
import { BOOL, BYTES, DOUBLE, INT, listType, mapType, opaqueType, optionalType, STRING } from "../types.ts";
import { CelError, Opaque, Optional, PlainMap } from "../values.ts";

/** A quantity such as `100Mi`. */
class QuantityValue extends Opaque {
  readonly typeName = "kubernetes.Quantity";
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  equals(other: QuantityValue): boolean {
    return this.quantity.cmp(other.quantity) === 0;
  }
}

const QUANTITY = opaqueType("kubernetes.Quantity");

function quantityOf(text: unknown): QuantityValue {
  try {
    return new QuantityValue(Quantity.parse(text as string));
  } catch (error) {
    if (error instanceof ParseError) throw new CelError(error.message, { cause: error });
    throw error;
  }
}

function succeeds(make: () => unknown): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

const q = (value: unknown): Quantity => (value as QuantityValue).quantity;
const compare = (name: string, holds: (order: number) => boolean): Overload =>
  method(name, [QUANTITY, QUANTITY], BOOL, (a, b) => holds(q(a).cmp(q(b))));
const asInt = (value: Quantity): bigint => {
  const text = String(value.value());
  return BigInt(text);
};

/** Quantities. */
export const quantityLibrary: readonly Overload[] = [
  fn("quantity", [STRING], QUANTITY, quantityOf, reads),
  fn("isQuantity", [STRING], BOOL, (text) => succeeds(() => quantityOf(text)), reads),
  method("sign", [QUANTITY], INT, (a) => BigInt(q(a).cmp(Quantity.parse("0")))),
  method("add", [QUANTITY, QUANTITY], QUANTITY, (a, b) => new QuantityValue(q(a).add(q(b)))),
  method("add", [QUANTITY, INT], QUANTITY, (a, b) => new QuantityValue(q(a).add(Quantity.parse(String(b as bigint))))),
  method("sub", [QUANTITY, QUANTITY], QUANTITY, (a, b) => new QuantityValue(q(a).sub(q(b)))),
  method("sub", [QUANTITY, INT], QUANTITY, (a, b) => new QuantityValue(q(a).sub(Quantity.parse(String(b as bigint))))),
  compare("isLessThan", (order) => order < 0),
  compare("isGreaterThan", (order) => order > 0),
  method("compareTo", [QUANTITY, QUANTITY], INT, (a, b) => BigInt(q(a).cmp(q(b)))),
  method("isInteger", [QUANTITY], BOOL, (a) => Quantity.parse(String(q(a).value())).cmp(q(a)) === 0),
  method("asInteger", [QUANTITY], INT, (a) => {
    if (Quantity.parse(String(q(a).value())).cmp(q(a)) !== 0) throw new CelError("cannot convert value to integer");
    return asInt(q(a));
  }),
  method("asApproximateFloat", [QUANTITY], DOUBLE, (a) => Number(q(a).milliValue()) / 1000),
];

/** A URL with a scheme, or an absolute path. */
class UrlValue extends Opaque {
  readonly typeName = "kubernetes.URL";
  readonly url: URL;
  readonly text: string;

  constructor(text: string) {
    super();
    const url = /^[a-z][a-z0-9+.-]*:/i.test(text)
      ? URL.parse(text)
      : text.startsWith("/")
        ? URL.parse(text, "http://x")
        : null;
    if (!url)
      throw new CelError(
        `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      );
    this.url = url;
    this.text = text;
  }

  get relative(): boolean {
    return this.text.startsWith("/");
  }

  equals(other: UrlValue): boolean {
    return this.text === other.text;
  }
}

const URL_TYPE = opaqueType("kubernetes.URL");
const url = (value: unknown): UrlValue => value as UrlValue;

function queryOf({ url: { searchParams } }: UrlValue): PlainMap {
  const map = new PlainMap();
  for (const name of new Set(searchParams.keys())) map.set(name, searchParams.getAll(name));
  return map;
}

const absolute = (value: unknown, read: (url: URL) => string): string =>
  url(value).relative ? "" : read(url(value).url);

/** URLs. */
export const urlLibrary: readonly Overload[] = [
  fn("url", [STRING], URL_TYPE, (text) => new UrlValue(text as string), reads),
  fn("isURL", [STRING], BOOL, (text) => succeeds(() => new UrlValue(text as string)), reads),
  method("getScheme", [URL_TYPE], STRING, (value) => absolute(value, ({ protocol }) => protocol.slice(0, -1))),
  method("getHost", [URL_TYPE], STRING, (value) => absolute(value, ({ host }) => host)),
  method("getHostname", [URL_TYPE], STRING, (value) =>
    absolute(value, ({ hostname }) => hostname.replace(/^\[|\]$/g, "")),
  ),
  method("getPort", [URL_TYPE], STRING, (value) => absolute(value, ({ host }) => /:(\d+)$/.exec(host)?.[1] ?? "")),
  method("getEscapedPath", [URL_TYPE], STRING, (value) =>
    /^[a-z][a-z0-9+.-]*:\/\/[^/]*$/i.test(url(value).text) ? "" : url(value).url.pathname,
  ),
  method("getQuery", [URL_TYPE], mapType(STRING, listType(STRING)), (value) => queryOf(url(value))),
];

type FormatCheck = (text: string) => readonly string[];
const byFormat =
  (name: string): FormatCheck =>
  (text) =>
    FORMATS.get(name)?.(text) ? [] : [`must be a valid ${name}`];
const prefixed =
  (check: FormatCheck): FormatCheck =>
  (text) =>
    check(text.endsWith("-") ? `${text.slice(0, -1)}a` : text);

const NAMED: Readonly<Record<string, FormatCheck>> = {
  dns1123Label: isDns1123Label,
  dns1123Subdomain: isDns1123Subdomain,
  dns1035Label: isDns1035Label,
  qualifiedName: isQualifiedName,
  dns1123LabelPrefix: prefixed(isDns1123Label),
  dns1123SubdomainPrefix: prefixed(isDns1123Subdomain),
  dns1035LabelPrefix: prefixed(isDns1035Label),
  labelValue: isValidLabelValue,
  uri: byFormat("uri"),
  uuid: byFormat("uuid"),
  byte: byFormat("byte"),
  date: byFormat("date"),
  datetime: byFormat("datetime"),
};

class FormatValue extends Opaque {
  readonly typeName = "kubernetes.NamedFormat";
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }

  equals(other: FormatValue): boolean {
    return this.name === other.name;
  }
}

const FORMAT = opaqueType("kubernetes.NamedFormat");

/** Named formats. */
export const formatLibrary: readonly Overload[] = [
  ...Object.keys(NAMED).map((name) => fn(`format.${name}`, [], FORMAT, () => new FormatValue(name))),
  fn("format.named", [STRING], optionalType(FORMAT), (name) =>
    Object.hasOwn(NAMED, name as string) ? Optional.of(new FormatValue(name as string)) : Optional.none,
  ),
  method(
    "validate",
    [FORMAT, STRING],
    optionalType(listType(STRING)),
    (format, text) => {
      const wrong = NAMED[(format as FormatValue).name]?.(text as string) ?? [];
      return wrong.length > 0 ? Optional.of([...wrong]) : Optional.none;
    },
    { work: ([, size = 0]) => size },
  ),
];

function decoded(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new CelError("illegal base64 data");
  return base64ToBytes(text);
}

/** Base64. */
export const encodersLibrary: readonly Overload[] = [
  fn("base64.encode", [BYTES], STRING, (bytes) => bytesToBase64(bytes as Uint8Array), {
    ...copies,
    grows: ([size = 0]) => Math.ceil(size / 3) * 4,
  }),
  fn("base64.decode", [STRING], BYTES, (text) => decoded(text as string), copies),
];
