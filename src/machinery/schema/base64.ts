const GROUPED = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Go's words when a text is no standard base64 (line breaks are ignored); undefined when it is. */
export function base64Error(text: string): string | undefined {
  if (GROUPED.test(text)) return undefined;
  const plain = text.replaceAll(/[\r\n]/g, "");
  if (GROUPED.test(plain)) return undefined;
  const stray = /[^A-Za-z0-9+/]/.exec(plain.replace(/={1,2}$/, ""));
  const end = plain.length - (plain.length % 4);
  return `illegal base64 data at input byte ${stray ? stray.index : end}`;
}

/** Base64 as Go prints it back: without line breaks. */
export function canonicalBase64(text: string): string {
  return text.includes("\n") || text.includes("\r") ? text.replaceAll(/[\r\n]/g, "") : text;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Uint8Array(128);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** The bytes of a standard base64 text; what is no base64 gives something shorter. */
export function base64ToBytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = canonicalBase64(text);
  const length = plain.endsWith("==") ? plain.length - 2 : plain.endsWith("=") ? plain.length - 1 : plain.length;
  const out = new Uint8Array(Math.floor((length * 3) / 4));
  let [bits, held, at] = [0, 0, 0];
  for (let i = 0; i < length; i++) {
    bits = ((bits << 6) | (VALUES[plain.charCodeAt(i) & 0x7f] ?? 0)) & 0xffffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[at++] = (bits >> held) & 0xff;
  }
  return out;
}

/** Standard base64 with padding. */
export function bytesToBase64(bytes: Uint8Array): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    out += ALPHABET.charAt(bits >> 18) + ALPHABET.charAt((bits >> 12) & 63);
    out +=
      b === undefined ? "==" : ALPHABET.charAt((bits >> 6) & 63) + (c === undefined ? "=" : ALPHABET.charAt(bits & 63));
  }
  return out;
}
