// @ts-check
// Elements, made in one call: make("p", { class: "hint" }, "text", child). Text goes in as text
// nodes only, so that a label or a file name can never become markup; styles go through the CSSOM,
// because the page's content policy allows no style attribute.

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element with its attributes, listeners and children.
 *
 * Names that begin with "on" are listeners; booleans are present or absent attributes; names that
 * begin with "--" are CSS variables; everything else is an attribute.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (name.startsWith("--")) {
      element.style.setProperty(name, String(value));
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  fill(element, ...children);
  return element;
}

/**
 * Replace what is inside an element.
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child || child === "").map((child) => /** @type {Node | string} */ (child)));
}

/**
 * Write a text only where it differs, so that a panel that is refreshed four times a second leaves
 * selections and screen readers in peace.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let made = 0;

/**
 * An id that no other element has.
 * @param {string} name
 */
export function freshId(name) {
  made += 1;
  return `${name}-${made}`;
}

/**
 * A row of tabs over panes, by the keys the pattern has: arrows, Home and End move, and show at once.
 * @param {string} label
 * @param {{key: string, title: string, pane: HTMLElement}[]} entries
 * @param {(key: string) => void} chosen  after a person chose one
 */
export function tabs(label, entries, chosen) {
  const list = make("div", { role: "tablist", class: "tabs inner", "aria-label": label });
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  const keys = entries.map((entry) => entry.key);
  for (const { key, title, pane } of entries) {
    pane.id ||= freshId("pane");
    const button = make("button", {
      type: "button", role: "tab", id: freshId("tab"), "aria-controls": pane.id, "data-key": key,
      onclick: () => choose(key),
    }, title);
    pane.setAttribute("role", "tabpanel");
    pane.setAttribute("aria-labelledby", button.id);
    buttons.set(key, button);
    list.append(button);
  }
  list.addEventListener("keydown", (event) => {
    const at = keys.findIndex((key) => buttons.get(key) === document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? keys.length - 1 : step ? (at + step + keys.length) % keys.length : -1;
    if (at < 0 || to < 0) return;
    event.preventDefault();
    choose(keys[to]);
    buttons.get(keys[to])?.focus();
  });
  /** @param {string} key */
  function show(key) {
    for (const entry of entries) {
      const on = entry.key === key;
      const button = buttons.get(entry.key);
      button?.setAttribute("aria-selected", String(on));
      if (button) button.tabIndex = on ? 0 : -1;
      entry.pane.hidden = !on;
    }
  }
  /** @param {string} key */
  function choose(key) {
    show(key);
    chosen(key);
  }
  show(keys[0]);
  return { list, show };
}
