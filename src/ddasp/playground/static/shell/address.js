// @ts-check
// The address of the page is the experiment: settings stand behind the #, and a link brings them back.
//
// Only what differs from the default is written. Links of TensorFlow Playground are understood as
// they are; the server reads them, for it has the table of settings. The weights go into a link only
// when they are asked for.

import { make } from "./make.js";

const PATIENCE = 300; // ms without a change before the address is written

/**
 * What stands behind the # for these settings.
 * @param {import("./types.js").Schema} schema
 * @param {import("./types.js").Settings} settings
 */
export function written(schema, settings) {
  return schema.controls
    .filter(({ key, default: usual }) => String(settings[key]) !== String(usual))
    .map(({ key }) => `${key}=${encodeURIComponent(String(settings[key])).replaceAll("%2C", ",")}`)
    .join("&");
}

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 */
export function mount(root, app) {
  // What the page was opened with, until it was told to the server; a reload finds its session anew.
  let wanted = location.hash.slice(1);
  let ours = "";
  let timer = 0;
  const base = () => location.pathname + location.search;

  app.on("hello", () => {
    if (wanted) app.send({ type: "address", text: wanted });
    wanted = "";
  });
  app.on("settings", ({ settings }) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!app.schema) return;
      ours = written(app.schema, settings);
      history.replaceState(null, "", ours ? `#${ours}` : base());
    }, PATIENCE);
  });
  addEventListener("hashchange", () => {
    const told = app.line.renew(); // a new start of the server, opened in the tab of the old one
    const text = location.hash.slice(1);
    if (told) wanted = text;
    else if (text !== ours && text.includes("=")) app.send({ type: "address", text });
  });

  const link = make("button", { type: "button", "data-hint": "Copies the address of these settings: whoever opens it finds the same data and the same training.", onclick: () => copy(false) }, "Copy link");
  const full = make("button", { type: "button", "data-hint": "Copies an address that holds the weights as well: it opens as things stand now.", onclick: () => copy(true) }, "with weights");
  root.append(make("span", { class: "joined", role: "group", "aria-label": "Link" }, link, full));

  /** @param {boolean} weights */
  async function copy(weights) {
    try {
      const answer = await app.ask("address", { weights });
      const text = typeof answer === "string" ? answer : String(answer.text ?? answer.address ?? "");
      const address = `${location.origin}${base()}#${text.replace(/^#/, "")}`;
      await navigator.clipboard.writeText(address);
      app.say(`Copied: a link of ${address.length.toLocaleString("en")} characters. It opens where this server runs.`);
    } catch (error) {
      app.say(`The link was not copied: ${error instanceof Error ? error.message : error}`);
    }
  }
}
