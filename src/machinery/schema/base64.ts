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
