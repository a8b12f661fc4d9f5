// @ts-check
// What stands in the way, in words and with what to do: no line to the server, no token, a network
// that blew up. The line at the foot says what the control under the hand does, and what went wrong.

import { fill, make, write } from "./make.js";

const SHOWN = 9000; // ms that an error stays at the foot

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 */
export function mount(root, app) {
  const line = make("div", { class: "notice", hidden: true, role: "status" });
  const state = make("div", { class: "notice", hidden: true, role: "status" });
  root.append(line, state);
  let wait = 0;

  app.on("connection", ({ state: now, seconds }) => {
    document.body.dataset.connection = now;
    clearTimeout(wait);
    const again = make("button", { type: "button", onclick: () => app.open() }, "Try now");
    const words = /** @type {Record<string, (string|Node)[]>} */ ({
      "no-token": [make("strong", {}, "This page has no key yet."), " Open the address that ", make("code", {}, "ddasp playground"), " printed in the terminal, with everything behind the #; the key is in it and is kept for this tab only."],
      refused: [make("strong", {}, "The server does not know this page’s key."), " It was probably started anew: open the address that it printed this time."],
      elsewhere: [make("strong", {}, "This experiment was opened in another tab."), " It goes on there. ", make("button", { type: "button", onclick: () => app.open() }, "Take it back")],
      lost: [make("strong", {}, "The line to the server broke."), ` The experiment waits there; the next attempt is in ${seconds < 1 ? "a moment" : `${Math.round(seconds)} s`}. If the server was stopped, start it again with `, make("code", {}, "ddasp playground"), ". ", again],
    });
    if (now in words) {
      // A line that is back at once was hardly broken: no words that flash.
      wait = setTimeout(() => {
        fill(line, ...words[now]);
        line.hidden = false;
      }, now === "lost" && seconds < 0.3 ? 400 : 0);
    } else if (now === "open") {
      line.hidden = true;
    }
  });

  app.on("status", ({ running, reason, message }) => {
    const blown = reason === "diverged";
    state.classList.toggle("bad", blown);
    state.hidden = running || !reason;
    if (state.hidden) return;
    fill(state, blown ? make("strong", {}, "It diverged. ") : null, make("span", {}, message || ""),
      blown ? make("button", { type: "button", onclick: () => app.send({ type: "finite" }) }, "Return to the last finite state") : null);
  });

  // --- The line at the foot ----------------------------------------------------------------------
  const hint = make("p", { class: "hint", "aria-hidden": "true" });
  const foot = make("footer", { class: "foot" }, hint);
  const said = document.getElementById("said");
  if (said) foot.append(said);
  document.body.append(foot);
  let until = 0;
  app.on("error", ({ message }) => {
    app.say(message);
    foot.classList.add("error");
    clearTimeout(until);
    until = setTimeout(() => foot.classList.remove("error"), SHOWN);
  });
  /** @param {EventTarget|null} at */
  const show = (at) => write(hint, (at instanceof Element && at.closest("[data-hint]")?.getAttribute("data-hint")) || "");
  document.addEventListener("focusin", (event) => show(event.target));
  document.addEventListener("pointerover", (event) => show(event.target instanceof Element && event.target.closest("[data-hint]") ? event.target : document.activeElement));
}
