// @ts-check
// Points with more than two columns: which columns the network is fed, which two span the map, and
// what plane through all of them the map is. The server says in words where that plane lies, so that
// nobody takes a slice for the whole.

import { radioRow } from "./data_sets.js";
import { fill, freshId, make, write } from "../shell/make.js";

const MOST_FED = 8;

/** @param {import("../shell/app.js").App} app */
export function columnsPane(app) {
  const across = make("select", { id: freshId("across"), onchange: () => axes("axisX", across.value) });
  const up = make("select", { id: freshId("up"), onchange: () => axes("axisY", up.value) });
  const find = make("input", { type: "search", class: "column-find", placeholder: "Find a column", "aria-label": "Find a column", oninput: () => narrow() });
  const list = make("div", { class: "column-list", role: "group", "aria-label": "Columns" });
  const count = make("span", { class: "quiet" });
  const plane = radioRow("Plane of the map", [["slice", "Median"], ["point", "Point"], ["pca", "PCA"]], (key) => {
    const sample = chosenSample();
    app.change(key === "point" && sample !== null ? { plane: key, slicePoint: sample } : { plane: key });
  });
  const here = make("button", { type: "button", onclick: () => app.change({ plane: "point", slicePoint: chosenSample() ?? 0 }) }, "Lay it through the chosen point");
  const words = make("p", { class: "quiet plane-words" });
  const axesRow = make("div", { class: "axes-row" },
    make("label", { for: across.id }, "Across"), across,
    make("label", { for: up.id }, "Up"), up);
  const root = make("section", { class: "columns-pane", hidden: true },
    make("h3", {}, "Columns"),
    make("fieldset", { class: "plain" }, make("legend", {}, "Fed to the network ", count), find, list),
    make("h3", {}, "Plane of the map"), plane.root, axesRow, here, words);
  let shape = "";

  const names = () => /** @type {string[]} */ (/** @type {any} */ (app.data)?.axes ?? []);
  const chosenSample = () => (app.selection && "sample" in app.selection ? app.selection.sample : null);
  const fed = () => app.inputs.filter((input) => input.on && input.key.startsWith("column:")).map((input) => input.key.slice(7));

  /**
   * What a setting takes for column j: its number, or its name where columns go by name.
   * @param {"columns" | "axisX" | "axisY"} key
   * @param {string} j
   */
  function word(key, j) {
    const kind = app.schema?.controls.find((control) => control.key === key)?.kind;
    if (kind === "names") return names()[Number(j)].replaceAll("%", "%25").replaceAll(",", "%2C");
    return kind === "text" ? names()[Number(j)] : kind === "whole" ? Number(j) : j;
  }

  /** @param {"axisX" | "axisY"} which @param {string} value */
  function axes(which, value) {
    const other = which === "axisX" ? up : across;
    // The same column on both axes is no plane: the other axis takes the one that is given up.
    const given = which === "axisX" ? shownAxis(0) : shownAxis(1);
    const kept = other.value === value ? given : other.value;
    const [x, y] = which === "axisX" ? [value, kept] : [kept, value];
    app.change({ axisX: word("axisX", x), axisY: word("axisY", y) });
  }

  /** @param {number} k */
  function shownAxis(k) {
    const at = names().indexOf(app.view.axes[k]?.name ?? "");
    return at < 0 ? "" : String(at);
  }

  /** @param {HTMLInputElement} box */
  function feed(box) {
    const boxes = /** @type {HTMLInputElement[]} */ ([...list.querySelectorAll("input")]);
    const chosen = boxes.filter((one) => one.checked).map((one) => one.value);
    if (chosen.length === 0 || chosen.length > MOST_FED) {
      box.checked = !box.checked;
      app.say(chosen.length ? `At most ${MOST_FED} columns can be fed.` : "At least one column has to be fed.");
      return;
    }
    app.change({ columns: chosen.map((j) => word("columns", j)).join(",") });
  }

  /** Show the columns that are looked for, and those that are fed in any case. */
  function narrow() {
    const wanted = find.value.trim().toLowerCase();
    for (const label of list.children) {
      const box = label.querySelector("input");
      /** @type {HTMLElement} */ (label).hidden = wanted !== "" && !box?.checked && !label.textContent?.toLowerCase().includes(wanted);
    }
  }

  function update() {
    const columns = names();
    root.hidden = columns.length <= 2 || app.settings.source === "toy";
    if (root.hidden) return;
    if (shape !== columns.join("\n")) {
      shape = columns.join("\n");
      fill(list, ...columns.map((name, j) => make("label", { class: "check" }, make("input", { type: "checkbox", value: j, onchange: (/** @type {Event} */ event) => feed(/** @type {HTMLInputElement} */ (event.target)) }), make("span", {}, name))));
      find.hidden = columns.length <= 12;
      find.value = "";
      for (const select of [across, up]) fill(select, ...columns.map((name, j) => new Option(name, String(j))));
    }
    const on = fed();
    for (const box of list.querySelectorAll("input")) {
      box.checked = on.includes(box.value);
      box.disabled = !box.checked && on.length >= MOST_FED;
    }
    write(count, `${on.length} of ${columns.length}`);
    plane.show(app.settings.plane);
    const spanned = app.settings.plane !== "pca";
    axesRow.hidden = !spanned;
    if (spanned) {
      across.value = shownAxis(0);
      up.value = shownAxis(1);
    }
    showPoint();
    write(words, app.view.words ?? "");
  }

  function showPoint() {
    const sample = chosenSample();
    here.hidden = app.settings.plane !== "point" || sample === null || sample === Number(app.settings.slicePoint);
    write(here, `Lay it through point ${(sample ?? 0) + 1}`);
  }

  app.on("settings", update);
  app.on("data", update);
  app.on("select", showPoint);
  return root;
}
