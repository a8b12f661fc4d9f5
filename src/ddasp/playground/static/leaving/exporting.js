// @ts-check
// On from here: the running experiment as a script, a notebook, a file to come back to, a link, or its
// points. The script is shown before it is taken: it is meant to be read.

import { fill, make, write } from "../shell/make.js";
import { copyText, saveText } from "../shell/saving.js";
import { colouredLines, messageOf } from "../numbers/source.js";

const LARGEST_STATE = 900_000; // characters; a message to the server may have one MiB

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  const words = make("p", { class: "export-words", role: "status" });
  const preview = make("pre", { class: "export-preview", tabindex: 0, role: "region", "aria-label": "The script", hidden: true });
  let text = "";
  const shown = make("p", { class: "quiet" }, "The script comes with the first training data.");
  const file = make("input", { type: "file", accept: ".json,application/json", class: "unseen", tabindex: -1, "aria-label": "State file", onchange: () => load() });
  const link = make("input", { type: "text", readonly: true, class: "export-link", "aria-label": "Link", hidden: true });
  let busy = false;
  let seen = "";

  const button = (/** @type {string} */ text, /** @type {() => Promise<void>} */ act, /** @type {string} */ title = "") => make("button", { type: "button", title, onclick: () => guarded(act) }, text);
  const scriptButton = button("Download the script", async () => saveText("playground.py", textOf(await app.ask("script")), "text/x-python"));
  fill(root, make("div", { class: "export-layout" },
    make("div", { class: "export-choices" },
      make("section", {}, make("h3", {}, "Python"), make("p", { class: "quiet" }, "Draws the same data, trains the same updates and ends with the same weights, to the last digit."),
        make("div", { class: "button-row" }, scriptButton,
          button("Copy the script", async () => tell(await copyText(textOf(await app.ask("script"))), "The script is copied.")),
          button("Download the notebook", async () => saveText("playground.ipynb", textOf(await app.ask("notebook")), "application/x-ipynb+json")))),
      make("section", {}, make("h3", {}, "Everything as it is now"), make("p", { class: "quiet" }, "Settings, points, weights and the optimiser’s memory in one file; opening it goes on from there."),
        make("div", { class: "button-row" },
          button("Download the state", async () => saveText("playground-state.json", textOf(await app.ask("state")), "application/json")),
          button("Open a state …", async () => file.click()), file)),
      make("section", {}, make("h3", {}, "A link"), make("p", { class: "quiet" }, "For somebody whose playground runs as well; without weights it begins at epoch 0."),
        make("div", { class: "button-row" },
          button("Copy the link", () => copyLink(false)),
          button("Copy the link with weights", () => copyLink(true))), link),
      make("section", {}, make("h3", {}, "The points"), make("div", { class: "button-row" }, button("Download as CSV", async () => saveText("points.csv", textOf(await app.ask("csv")), "text/csv")))),
      words),
    make("section", { class: "export-script" }, make("h3", {}, "The script"), shown, preview)));

  /** @param {() => Promise<void>} act */
  async function guarded(act) {
    words.classList.remove("fault");
    try {
      write(words, "");
      await act();
    } catch (error) {
      words.classList.add("fault");
      write(words, `That did not work: ${messageOf(error)}`);
    }
  }

  /** @param {boolean} done @param {string} what */
  function tell(done, what) {
    if (!done) throw new Error("the browser does not let this page write to the clipboard. Select the text and copy it.");
    write(words, what);
  }

  /** @param {boolean} weights */
  async function copyLink(weights) {
    const answer = await app.ask("address", { weights });
    const part = typeof answer === "string" ? answer : (answer.address ?? answer.text);
    const address = new URL(document.baseURI);
    address.hash = part.replace(/^#/, "");
    link.value = address.href;
    link.hidden = false;
    if (await copyText(address.href)) write(words, `The link${weights ? " with weights" : ""} is copied (${address.href.length.toLocaleString("en")} characters).`);
    else {
      link.select();
      write(words, "The browser does not let this page write to the clipboard: the link is selected above, copy it from there.");
    }
  }

  async function load() {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (!chosen) return;
    await guarded(async () => {
      if (chosen.size > LARGEST_STATE) throw new Error(`${chosen.name} has ${(chosen.size / 1e6).toFixed(1)} MB; a state has at most 0.9 MB.`);
      let state;
      try {
        state = JSON.parse(await chosen.text());
      } catch {
        throw new Error(`${chosen.name} is no state file: it is not JSON. Choose a file that was downloaded here.`);
      }
      if (!state || typeof state !== "object" || Array.isArray(state)) throw new Error(`${chosen.name} is no state file. Choose a file that was downloaded here.`);
      if (!app.send({ type: "load", state })) throw new Error("there is no line to the server at the moment. Try again when it is back.");
      write(words, `${chosen.name} was opened.`);
    });
  }

  app.on("error", ({ message }) => {
    if (!root.hidden && words.textContent?.endsWith("was opened.")) {
      words.classList.add("fault");
      write(words, `The state was not taken: ${message}`);
    }
  });

  async function refresh() {
    if (root.hidden || busy || app.connection !== "open" || !app.data) return;
    const state = `${app.frame?.updates},${app.frame?.number},${app.status.running}`;
    if (state === seen) return;
    busy = true;
    try {
      const next = textOf(await app.ask("script"));
      seen = state;
      if (next !== text) fill(preview, ...colouredLines(next.split("\n")).flatMap((line) => [line, "\n"]));
      text = next;
      preview.hidden = false;
      write(shown, `${text.split("\n").length} lines${app.status.running ? ", renewed while it learns" : ""}.`);
    } catch (error) {
      write(shown, `The script did not come: ${messageOf(error)}`);
      seen = state;
    } finally {
      busy = false;
    }
  }

  app.on("tab", (name) => {
    if (name === "export") void refresh();
  });
  app.on("settings", () => void refresh());
  setInterval(refresh, 2000);
}

/** @param {any} answer */
function textOf(answer) {
  if (typeof answer === "string") return answer;
  if (typeof answer?.text === "string") return answer.text;
  return JSON.stringify(answer, null, 1);
}
