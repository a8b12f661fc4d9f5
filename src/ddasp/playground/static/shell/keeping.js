// @ts-check
// Small things that a browser keeps for a person from visit to visit: a volume, a done mark. Where
// storage is refused (a private window, a frame of another page) the page forgets, and works.

/**
 * @template T
 * @param {string} key
 * @param {T} otherwise
 * @returns {T}
 */
export function kept(key, otherwise) {
  try {
    const text = localStorage.getItem(`ddasp.playground.${key}`);
    const value = text === null ? otherwise : JSON.parse(text);
    // What another version of the page left may be of another kind.
    return typeof value === typeof otherwise && Array.isArray(value) === Array.isArray(otherwise) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * @param {string} key
 * @param {unknown} value
 */
export function keep(key, value) {
  try {
    localStorage.setItem(`ddasp.playground.${key}`, JSON.stringify(value));
  } catch {
    // kept for this visit only, in the page's own state
  }
}
