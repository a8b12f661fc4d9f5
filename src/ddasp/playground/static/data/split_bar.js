// @ts-check
// How the points are dealt to training, validation and test: one bar whose parts always add up to
// all of them, with a handle at each of the two borders. A handle is a slider to the keyboard and to
// a screen reader.

import { make, write } from "../shell/make.js";

const LEAST_TRAIN = 10;
const MOST_TRAIN = 90;
const LEAST_TEST = 5;
const MOST_VALIDATION = 80;
const STEP = 5;

/**
 * @typedef {{train: number, validation: number}} Shares  percent; the test set gets the rest
 */

/**
 * The nearest shares that are allowed.
 * @param {number} train @param {number} validation
 * @returns {Shares}
 */
export function allowedShares(train, validation) {
  const held = Math.min(MOST_TRAIN, Math.max(LEAST_TRAIN, Math.round(train)));
  return { train: held, validation: Math.max(0, Math.min(MOST_VALIDATION, 100 - LEAST_TEST - held, Math.round(validation))) };
}

/** @param {(shares: Shares) => void} changed  once for each step that was made */
export function splitBar(changed) {
  /** @type {Shares} */
  let shares = { train: 50, validation: 20 };
  let counts = [0, 0, 0];
  const names = ["train", "validation", "test"];
  const words = names.map((name) => make("span", { class: "split-word" }, make("i", { class: `split-key of-${name}`, "aria-hidden": "true" }), make("b"), make("span", {}, name === "train" ? "training" : name), make("span", { class: "split-count" })));
  const parts = names.map((name) => make("span", { class: `split-part of-${name}` }));
  const first = handle("Training share", "train");
  const second = handle("Training and validation share together: the rest is the test set", "validation");
  const bar = make("div", { class: "split-bar", "--train-share": "50%", "--validation-share": "20%" }, ...parts, first, second);
  const root = make("div", { class: "split", role: "group", "aria-label": "Training, validation and test set" }, bar, make("div", { class: "split-words" }, ...words));

  /** @param {string} label @param {"train" | "validation"} which */
  function handle(label, which) {
    const thumb = make("span", { class: `split-handle at-${which}`, role: "slider", tabindex: 0, "aria-label": label, "aria-orientation": "horizontal" });
    const border = () => (which === "train" ? shares.train : shares.train + shares.validation);
    thumb.addEventListener("keydown", (event) => {
      const step = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP, PageUp: 2 * STEP, PageDown: -2 * STEP }[event.key];
      const to = event.key === "Home" ? 0 : event.key === "End" ? 100 : step === undefined ? null : border() + step;
      if (to === null) return;
      event.preventDefault();
      move(which, to);
    });
    let dragged = which;
    thumb.addEventListener("pointerdown", (event) => {
      thumb.setPointerCapture(event.pointerId);
      dragged = nearest(event.clientX);
      (dragged === "train" ? first : second).focus();
      event.preventDefault();
    });
    thumb.addEventListener("pointermove", (event) => {
      if (!thumb.hasPointerCapture(event.pointerId)) return;
      const box = bar.getBoundingClientRect();
      move(dragged, Math.round(((event.clientX - box.left) / box.width) * (100 / STEP)) * STEP);
    });
    return thumb;
  }

  /**
   * The border that is meant: handles that lie close cover one another. Where both are at one place,
   * it is the one that can go to the pointer's side.
   * @param {number} x
   * @returns {"train" | "validation"}
   */
  function nearest(x) {
    const box = bar.getBoundingClientRect();
    const at = (100 * (x - box.left)) / box.width;
    return at < shares.train + shares.validation / 2 ? "train" : "validation";
  }

  /** @param {"train" | "validation"} which @param {number} border  percent from the left */
  function move(which, border) {
    // The training border takes from or gives to validation first, so that the test set stays.
    const end = shares.train + shares.validation;
    const next = which === "train" ? allowedShares(border, end - Math.min(MOST_TRAIN, Math.max(LEAST_TRAIN, border))) : allowedShares(shares.train, border - shares.train);
    if (next.train === shares.train && next.validation === shares.validation) return;
    shares = next;
    draw();
    changed(next);
  }

  function draw() {
    const test = 100 - shares.train - shares.validation;
    bar.style.setProperty("--train-share", `${shares.train}%`);
    bar.style.setProperty("--validation-share", `${shares.validation}%`);
    [shares.train, shares.validation, test].forEach((share, k) => {
      write(words[k].children[1], `${share} %`);
      write(words[k].children[3], counts[k] ? `${counts[k].toLocaleString("en")} points` : "");
    });
    for (const [thumb, value, low, high] of /** @type {[HTMLElement, number, number, number][]} */ ([
      [first, shares.train, LEAST_TRAIN, MOST_TRAIN],
      [second, shares.train + shares.validation, shares.train, 100 - LEAST_TEST],
    ])) {
      thumb.setAttribute("aria-valuemin", String(low));
      thumb.setAttribute("aria-valuemax", String(high));
      thumb.setAttribute("aria-valuenow", String(value));
      thumb.setAttribute("aria-valuetext", `train ${shares.train} %, validation ${shares.validation} %, test ${test} %`);
    }
  }
  draw();
  return {
    root,
    /** @param {Shares} next @param {number[]} [numbers] points in each set */
    show(next, numbers = counts) {
      if (first.matches(":active") || second.matches(":active")) next = shares; // it does not jump while it is held
      if (next.train === shares.train && next.validation === shares.validation && numbers.join() === counts.join()) return;
      shares = next;
      counts = numbers;
      draw();
    },
  };
}
