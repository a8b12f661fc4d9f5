// @ts-check
// Tasks with a check of their own: what to reach, and live how far that is. A mission only sets the
// scene; everything after that is the person's own doing. Done marks stay in this browser.

import { keep, kept } from "../shell/keeping.js";
import { fill, make, write } from "../shell/make.js";

/**
 * @typedef {object} Mission
 * @property {string} key
 * @property {string} title
 * @property {string} task
 * @property {string} hint
 * @property {string} lesson  what it shows, told when it is done
 * @property {Record<string, any>} settings
 * @property {string[]} needs  panels whose diagnostics it asks about
 */

/** @typedef {{key: string, done: boolean, parts: {text: string, met: boolean, value: number | null, differs?: string[]}[]}} Check */

/**
 * @param {HTMLElement} root
 * @param {import("../shell/app.js").App} app
 */
export function mount(root, app) {
  /** @type {Set<string>} */
  const done = new Set(kept("missions", /** @type {string[]} */ ([])));
  /** @type {Mission[]} */
  let missions = [];
  /** @type {Map<string, {item: HTMLElement, mark: HTMLElement, start: HTMLButtonElement, checks: HTMLElement, lesson: HTMLElement}>} */
  const items = new Map();
  const count = make("p", { class: "missions-count quiet", role: "status" }, "Fetching the missions …");
  const list = make("ol", { class: "missions" });
  fill(root, count, list);

  function build() {
    items.clear();
    fill(list, ...missions.map((mission) => {
      const mark = make("span", { class: "mission-mark" });
      const checks = make("ul", { class: "mission-checks", "aria-label": "Conditions", hidden: true });
      const start = make("button", { type: "button", onclick: () => begin(mission) }, "Start");
      const hint = make("details", { class: "mission-hint" }, make("summary", {}, "Hint"), make("p", {}, mission.hint));
      const lesson = make("p", { class: "mission-lesson", hidden: true }, mission.lesson);
      const item = make("li", { class: "mission", "data-key": mission.key },
        make("div", { class: "mission-head" }, mark, make("h3", {}, mission.title), start),
        make("p", {}, mission.task), checks, lesson, hint);
      items.set(mission.key, { item, mark, start, checks, lesson });
      return item;
    }));
    update();
  }

  /** @param {Mission} mission */
  function begin(mission) {
    const { item, start } = items.get(mission.key) ?? {};
    if (app.settings.mission === mission.key) {
      app.change({ mission: "" });
      app.say(`Mission “${mission.title}” was left.`);
      return;
    }
    // Everything but the view begins as the mission has it; what it does not name is at its default.
    const usual = Object.fromEntries((app.schema?.controls ?? []).filter(({ group }) => group !== "view").map((control) => [control.key, control.default]));
    app.send({ type: "pause" });
    app.change({ ...usual, ...mission.settings, mission: mission.key });
    app.send({ type: "reset" });
    app.say(`Mission “${mission.title}” begins: ${mission.task}`);
    start?.focus();
    item?.scrollIntoView({ block: "nearest" });
  }

  function update() {
    const present = app.settings.mission ?? "";
    for (const mission of missions) {
      const parts = items.get(mission.key);
      if (!parts) continue;
      const { item, mark, start, checks, lesson } = parts;
      const state = done.has(mission.key) ? "done" : mission.key === present ? "going" : "open";
      item.className = `mission is-${state}${mission.key === present ? " present" : ""}`;
      write(mark, state === "done" ? "✓" : state === "going" ? "▸" : "○");
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", state === "done" ? "done" : state === "going" ? "under way" : "not done");
      write(start, mission.key === present ? "Leave" : state === "done" ? "Again" : "Start");
      start.setAttribute("aria-label", `${start.textContent} mission “${mission.title}”`);
      start.setAttribute("aria-pressed", String(mission.key === present));
      checks.hidden = mission.key !== present;
      lesson.hidden = state !== "done";
    }
    write(count, missions.length ? `${missions.filter(({ key }) => done.has(key)).length} of ${missions.length} done.` : "There are no missions in this version.");
  }

  function check() {
    const key = app.settings.mission;
    const parts = items.get(key ?? "");
    const found = /** @type {Check | null | undefined} */ (app.stats.mission);
    if (!parts || !found?.parts || found.key !== key) return;
    if (parts.checks.children.length !== found.parts.length) fill(parts.checks, ...found.parts.map(() => make("li", {}, make("span", { class: "check-mark" }), make("span", { class: "check-text" }), make("span", { class: "check-value" }))));
    found.parts.forEach((part, k) => {
      const row = parts.checks.children[k];
      row.className = part.met ? "met" : "";
      write(row.children[0], part.met ? "✓" : "○");
      row.children[0].setAttribute("aria-label", part.met ? "met" : "not met");
      row.children[0].setAttribute("role", "img");
      write(row.children[1], part.text);
      write(row.children[2], part.differs ? part.differs.join("; ") : valueOf(part.value));
      row.classList.toggle("wordy", Boolean(part.differs?.length));
    });
    if (found.done && key && !done.has(key)) {
      done.add(key);
      keep("missions", [...done]);
      update();
      app.say(`Mission “${missions.find((one) => one.key === key)?.title}” is done.`);
    }
  }

  app.on("hello", (hello) => {
    missions = hello.missions ?? [];
    build();
  });
  app.on("settings", update);
  app.on("stats", check);
}

/** @param {number | null} value */
function valueOf(value) {
  if (value === null) return "not known yet";
  return (Number.isInteger(value) ? String(value) : value.toPrecision(3)).replace("-", "−");
}
