// @ts-check
// The sounds that are decided wrongly, worst first: to look through and to hear while the network
// learns. The list is renewed slowly, and not at all while a person's hand or focus is on it.

import { radioRow } from "../data/data_sets.js";
import { fill, freshId, make, write } from "../shell/make.js";
import { messageOf } from "../numbers/source.js";

const EVERY = 2000; // ms
const MOST = 200; // rows; the head says how many there are
const SETS = ["training", "validation", "test"];
/** @type {Record<string, string>} */
const SET_WORDS = { train: "training", validation: "validation", test: "test" };

/**
 * @typedef {object} Wrong
 * @property {number} index
 * @property {string | null} [sound]
 * @property {string | number} label
 * @property {string | number} decided
 * @property {number | null} probability
 * @property {string} set
 * @property {string | null} [group]
 */

/**
 * @param {import("../shell/app.js").App} app
 * @param {{hear: (index: number) => Promise<boolean>, stop: () => void, visible: () => boolean}} player
 */
export function wrongList(app, player) {
  let set = "2";
  /** @type {Wrong[]} */
  let rows = [];
  let hovered = false;
  let asking = false;
  let stale = true;
  let seen = -1;
  let playing = false;

  const filter = radioRow("Set", [["2", "Test"], ["1", "Validation"], ["0", "Training"], ["", "All"]], (key) => {
    set = key;
    void refresh(true);
  });
  filter.show(set);
  const title = make("h3", { id: freshId("wrong") }, "Decided wrongly");
  const all = make("button", { type: "button", onclick: () => (playing ? halt() : playAll()) }, "Play all");
  const renew = make("button", { type: "button", class: "wrong-renew", hidden: true, onclick: () => refresh(true) }, "Renew");
  const list = make("ul", { class: "wrong-list", "aria-labelledby": title.id });
  const words = make("p", { class: "quiet" }, "");
  const root = make("section", { class: "wrong" }, make("div", { class: "wrong-head" }, title, renew, all), filter.root, words, list);

  list.addEventListener("pointerenter", () => (hovered = true));
  list.addEventListener("pointerleave", () => {
    hovered = false;
    if (stale) void refresh();
  });
  list.addEventListener("keydown", (event) => {
    const buttons = /** @type {HTMLButtonElement[]} */ ([...list.querySelectorAll("button")]);
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    buttons[Math.min(buttons.length - 1, Math.max(0, to))]?.focus();
  });

  /** @param {boolean} [now]  also under the pointer */
  async function refresh(now = false) {
    if (asking || app.connection !== "open" || !player.visible()) return;
    if (!now && (hovered || list.contains(document.activeElement) || playing)) {
      stale = app.frame?.updates !== seen;
      renew.hidden = !stale;
      return;
    }
    const updates = app.frame?.updates ?? 0;
    if (!now && updates === seen && !stale) return;
    asking = true;
    const wanted = set;
    try {
      const answer = await app.ask("wrong", { set: set === "" ? null : Number(set) });
      seen = updates;
      stale = false;
      renew.hidden = true;
      show(answer);
    } catch (error) {
      write(words, `The list did not come: ${messageOf(error)}`);
    } finally {
      asking = false;
    }
    if (wanted !== set) void refresh(true);
  }

  /** @param {Wrong[]} found */
  function show(found) {
    rows = found;
    const audible = rows.some((row) => row.sound);
    all.hidden = !audible;
    const counted = set === "" ? (app.data?.y.length ?? 0) : (app.data?.sets.filter((one) => String(one) === set).length ?? 0);
    const where = set === "" ? "points" : `${SETS[Number(set)]} points`;
    if (app.data?.kind === "regression") write(words, "In regression nothing is right or wrong: there are only distances.");
    else if (!counted) write(words, `There are no ${where}.`);
    else write(words, rows.length ? `${rows.length} of ${counted} ${where}${rows.length > MOST ? `; the first ${MOST} are listed` : ""}.` : `All ${counted} ${where} are decided rightly.`);
    fill(list, ...rows.slice(0, MOST).map((row) => make("li", {}, item(row))));
    markSelected();
  }

  /** @param {Wrong} row */
  function item(row) {
    const probability = row.probability === null || row.probability === undefined ? "" : `${Math.round(100 * row.probability)} %`;
    const where = SET_WORDS[row.set] ?? row.set;
    const name = nameOf(row);
    return make("button", {
      type: "button", class: "wrong-row", "data-index": row.index,
      onclick: () => player.hear(row.index),
    },
    make("span", { class: "wrong-mark", "aria-hidden": "true" }, row.sound ? "▶" : "·"),
    make("span", { class: "wrong-words" }, make("b", {}, String(row.label)), " taken for ", make("b", {}, String(row.decided)), make("span", { class: "quiet" }, ` ${name}`)),
    make("span", { class: "wrong-probability" }, probability), make("span", { class: "unseen" }, `, no. ${row.index + 1}, ${where}`));
  }

  /** @param {Wrong} row */
  function nameOf(row) {
    return row.group ?? `no. ${row.index + 1}`;
  }

  async function playAll() {
    playing = true;
    write(all, "Stop");
    for (const row of rows.slice(0, MOST)) {
      if (!row.sound) continue;
      list.querySelector(`[data-index="${row.index}"]`)?.scrollIntoView({ block: "nearest" });
      if (!(await player.hear(row.index)) || !playing) break;
      await new Promise((resolve) => setTimeout(resolve, 250)); // sounds that touch are heard as one
      if (!playing) break;
    }
    halt();
  }

  function halt() {
    if (playing) player.stop();
    playing = false;
    write(all, "Play all");
  }

  function markSelected() {
    const sample = app.selection && "sample" in app.selection ? app.selection.sample : null;
    for (const button of list.querySelectorAll("button")) {
      const on = Number(button.dataset.index) === sample;
      button.classList.toggle("chosen", on);
      if (on) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  app.on("select", markSelected);
  app.on("data", () => {
    stale = true;
    void refresh(true);
  });
  setInterval(refresh, EVERY);
  return { root, refresh };
}
