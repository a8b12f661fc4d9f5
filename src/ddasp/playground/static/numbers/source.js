// @ts-check
// The library's own text in a drawer, with the line that computes a number marked: the panel shows
// arithmetic, this shows that the same arithmetic is what trains.

import { openDrawer } from "../shell/dialog.js";
import { fill, make } from "../shell/make.js";

/** @type {Map<string, Promise<string[]>>} */
const read = new Map(); // a file's text does not change while the page lives

const KEYWORDS = new Set(("and as assert break case class continue def del elif else except False finally for from if import in is lambda match None not or pass raise return True try while with yield").split(" "));
const PIECES = /(#.*$)|("""|''')|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_]\w*)/g;

/**
 * Show a file of the library at a line.
 * @param {import("../shell/app.js").App} app
 * @param {string} file  such as "mlp_numpy"
 * @param {number} line  the first is 1
 * @param {string} [what]  what this line computes
 */
export async function openSource(app, file, line, what = "") {
  const { body } = openDrawer(`${file}.py, line ${line}`, make("p", { class: "quiet" }, "Fetching the text …"));
  let lines;
  try {
    let promise = read.get(file);
    if (!promise) {
      promise = app.ask("source", { file }).then(linesOf);
      read.set(file, promise);
    }
    lines = await promise;
  } catch (error) {
    read.delete(file);
    fill(body, make("p", { class: "fault", role: "alert" }, `The text of ${file}.py did not come: ${messageOf(error)}`));
    return;
  }
  const rows = colouredLines(lines).map((code, k) => make("li", k + 1 === line ? { class: "here", "aria-current": "true" } : {}, code));
  fill(body, what ? make("p", { class: "source-what" }, what) : null, make("ol", { class: "source-text", "aria-label": `Text of ${file}.py` }, ...rows));
  rows[line - 1]?.scrollIntoView({ block: "center" });
}

/**
 * @param {any} answer
 * @returns {string[]}
 */
function linesOf(answer) {
  const text = Array.isArray(answer) ? answer : (answer.lines ?? answer.text ?? answer);
  return Array.isArray(text) ? text.map(String) : String(text).split("\n");
}

/** @param {unknown} error */
export function messageOf(error) {
  if (error && typeof error === "object" && "message" in error) return String(error.message);
  return String(error);
}

/**
 * Lines of Python with comments, strings and keywords told apart.
 * @param {string[]} lines
 */
export function colouredLines(lines) {
  let open = "";
  return lines.map((text) => {
    const [code, still] = coloured(text, open);
    open = still;
    return code;
  });
}

/**
 * One line with comments, strings and keywords told apart, and the quotes that are still open after it.
 * @param {string} text
 * @param {string} open
 * @returns {[HTMLElement, string]}
 */
function coloured(text, open) {
  const code = make("code");
  let at = 0;
  /** @param {number} end @param {string} [kind] */
  const put = (end, kind) => {
    if (end > at) code.append(kind ? make("span", { class: kind }, text.slice(at, end)) : text.slice(at, end));
    at = end;
  };
  if (open) {
    const end = text.indexOf(open);
    put(end < 0 ? text.length : end + 3, "text");
    if (end >= 0) open = "";
  }
  PIECES.lastIndex = at;
  for (let found = PIECES.exec(text); found && !open; found = PIECES.exec(text)) {
    const [whole, comment, quotes, string, word] = found;
    if (word && !KEYWORDS.has(word)) continue;
    put(found.index);
    if (quotes) {
      const end = text.indexOf(quotes, found.index + 3);
      put(end < 0 ? text.length : end + 3, "text");
      if (end < 0) open = quotes;
      PIECES.lastIndex = at;
    } else {
      put(found.index + whole.length, comment ? "comment" : string ? "text" : "word");
    }
  }
  put(text.length);
  return [code, open];
}
