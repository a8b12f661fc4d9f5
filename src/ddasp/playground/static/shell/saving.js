// @ts-check
// Text out of the page: into a file, or to the clipboard.

/**
 * @param {string} name
 * @param {string} text
 * @param {string} kind  media type
 */
export function saveText(name, text, kind) {
  const address = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000); // browsers begin the download a little later
}

/**
 * Whether the text is on the clipboard now; in a frame without that right it is not.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
