// @ts-check
// A person's own points: from a CSV file or pasted text, from the set that is shown, or painted in
// the map. What is wrong with a text is said with its line, and the text stays where it can be mended.

import { saveText } from "../shell/saving.js";
import { fill, freshId, make, write } from "../shell/make.js";
import { messageOf } from "../numbers/source.js";

const LARGEST = 900_000; // characters: a message to the server may have one MiB
const EXAMPLE = "x1,x2,label\n1.5,2.0,yes\n-0.5,1.2,no";

/** @param {import("../shell/app.js").App} app */
export function ownPane(app) {
  const state = make("p", { class: "own-state", role: "status" });
  const fault = make("div", { class: "fault", role: "alert", hidden: true });
  const file = make("input", { type: "file", accept: ".csv,.txt,.tsv,text/csv,text/plain", class: "unseen", tabindex: -1, "aria-label": "CSV file", onchange: () => readFile() });
  const textId = freshId("csv");
  const text = make("textarea", { id: textId, rows: 5, spellcheck: "false", placeholder: EXAMPLE });
  const paste = make("details", { class: "own-paste" },
    make("summary", {}, "Paste points as text"),
    make("label", { for: textId, class: "quiet" }, "One point a line: x₁, x₂, then its class or its value; a first line with names is optional."),
    text,
    make("button", { type: "button", onclick: () => send(text.value) }, "Use these points"));
  const clear = make("button", { type: "button", onclick: () => clearAll() }, "Clear");
  const root = make("div", { class: "own-pane" },
    state,
    make("p", { class: "quiet" }, "Paint, move and delete points in the map on the right."),
    make("div", { class: "button-row" },
      make("button", { type: "button", onclick: () => file.click() }, "Open a CSV file …"), file,
      make("button", { type: "button", onclick: () => download() }, "Download CSV"),
      clear),
    paste, fault);

  let waiting = 0;
  let line = 0;

  // A file may also be dropped on the pane.
  root.addEventListener("dragover", (event) => {
    event.preventDefault();
    root.classList.add("dropping");
  });
  root.addEventListener("dragleave", () => root.classList.remove("dropping"));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    root.classList.remove("dropping");
    const [first] = event.dataTransfer?.files ?? [];
    if (first) void first.text().then(send, (error) => complain(messageOf(error)));
  });

  async function readFile() {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (!chosen) return;
    if (chosen.size > LARGEST) complain(`${chosen.name} has ${(chosen.size / 1e6).toFixed(1)} MB; at most 0.9 MB and 5,000 points fit. Take a part of it.`);
    else send(await chosen.text());
  }

  /** @param {string} csv */
  function send(csv) {
    if (!csv.trim()) {
      complain("There is no text yet. Paste lines such as “1.5, 2.0, yes” first.");
      return;
    }
    if (csv.length > LARGEST) {
      complain(`The text has ${csv.length.toLocaleString("en")} characters; at most ${LARGEST.toLocaleString("en")} fit. Take a part of it.`);
      return;
    }
    fault.hidden = true;
    text.value = csv.length < 100_000 ? csv : "";
    waiting = performance.now();
    if (!app.send({ type: "csv", text: csv })) complain("There is no line to the server at the moment; the points were not taken. Try again when it is back.");
  }

  /** @param {string} words */
  function complain(words) {
    waiting = 0;
    const found = /\bline (\d+)/i.exec(words);
    line = found ? Number(found[1]) : 0;
    fill(fault, make("p", {}, words), line && text.value ? make("button", { type: "button", onclick: () => showLine() }, `Show line ${line}`) : null);
    fault.hidden = false;
  }

  /** Select the line in question where it can be mended. */
  function showLine() {
    const lines = text.value.split("\n");
    const from = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    paste.open = true;
    text.focus();
    text.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
    text.scrollTop = (line - 3) * (text.scrollHeight / Math.max(1, lines.length));
  }

  async function download() {
    try {
      saveText("points.csv", await app.ask("csv"), "text/csv");
    } catch (error) {
      complain(`The points could not be fetched: ${messageOf(error)}`);
    }
  }

  function clearAll() {
    app.send({ type: "points", add: [], move: [], delete: [], clear: true });
    app.say("All points were cleared.");
  }

  function update() {
    const points = app.data;
    const own = app.settings.source === "own";
    const n = points?.y.length ?? 0;
    clear.disabled = !own || n === 0;
    if (!own) write(state, "Now other points are shown. They can be the start of your own.");
    else if (n === 0) write(state, "There are no points yet. Paint some in the map, or open a file.");
    else write(state, `${n.toLocaleString("en")} points of your own${points?.kind === "classification" ? `: ${points.classes.map((name, k) => `${points.y.filter((y) => y === k).length} ${name}`).join(", ")}` : ""}.`);
  }

  app.on("settings", update);
  app.on("data", () => {
    if (waiting) {
      waiting = 0;
      fault.hidden = true;
      paste.open = false;
      app.say(`${app.data?.y.length ?? 0} points were taken.`);
    }
    update();
  });
  app.on("error", ({ message }) => {
    if (waiting && performance.now() - waiting < 10_000) complain(message);
  });
  return root;
}
