// @ts-check
// The line to the server: opened with the token, taken up again when it breaks.
//
// The token comes in the fragment of the address, which browsers neither send nor log. It is taken
// out at once and kept for this tab only, as is the name of the session: a page that comes back
// finds its experiment as it was.

import { numberOf } from "./frame.js";

const PROTOCOL = "ddasp.playground.1";
const TOKEN = "ddasp.playground.token";
const SESSION = "ddasp.playground.session";
const SLOWEST = 8000; // ms between two attempts, at most
const ELSEWHERE = 4001; // close code: this session was opened in another place

/** @type {Map<string, string>} where a browser gives a frame of a notebook no storage: until the next reload */
const memory = new Map();

/** @param {string} key @param {string} value */
function remember(key, value) {
  memory.set(key, value);
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // refused: the page works, and asks for its address again after a reload
  }
}

/** @param {string} key */
function remembered(key) {
  try {
    return sessionStorage.getItem(key) ?? memory.get(key) ?? "";
  } catch {
    return memory.get(key) ?? "";
  }
}

/** Takes the token out of the fragment; what is left of it are settings. */
export function takeToken() {
  const parts = location.hash.slice(1).split("&").filter(Boolean);
  const token = parts.find((part) => part.startsWith("token="));
  if (token) {
    remember(TOKEN, decodeURIComponent(token.slice(6)));
    const rest = parts.filter((part) => part !== token).join("&");
    history.replaceState(null, "", rest ? `#${rest}` : location.pathname + location.search);
  }
  return remembered(TOKEN);
}

/**
 * @typedef {object} Listener
 * @property {(message: any) => void} message
 * @property {(bytes: ArrayBuffer) => void} frame
 * @property {(state: import("./types.js").Connection, seconds?: number) => void} state
 */

export class Line {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.token = takeToken();
    this.session = remembered(SESSION);
    this.wait = 250;
    /** @type {WebSocket|null} */
    this.socket = null;
    this.timer = 0;
    this.opened = false;
  }

  open() {
    clearTimeout(this.timer);
    if (!this.token) {
      this.listener.state("no-token");
      return;
    }
    this.listener.state("connecting");
    const address = new URL("socket", document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.hash = "";
    address.search = this.session ? `?session=${encodeURIComponent(this.session)}` : "";
    const socket = new WebSocket(address, [PROTOCOL, `token.${this.token}`]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.opened = false;
    socket.onopen = () => (this.opened = true);
    socket.onmessage = (event) => this.hear(event.data);
    socket.onclose = (event) => {
      if (this.socket === socket) this.lose(event.code);
    };
  }

  /** Takes up a token that came into the address of an open page; whether there was one. */
  renew() {
    if (!/(^#|&)token=/.test(location.hash)) return false;
    this.token = takeToken();
    const before = this.socket;
    this.socket = null;
    before?.close();
    this.open();
    return true;
  }

  /** @param {string|ArrayBuffer} data */
  hear(data) {
    if (typeof data !== "string") {
      this.send({ type: "ack", frame: numberOf(data) }); // at once: drawing may skip it, the wire must not wait
      this.listener.frame(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "hello") {
      this.wait = 250;
      this.session = message.session;
      remember(SESSION, message.session);
      this.listener.state("open");
    }
    this.listener.message(message);
  }

  /**
   * A socket that is refused tells the page no more than one that finds nobody, so a request that
   * can be answered asks which of the two it was.
   * @param {number} code
   */
  async lose(code) {
    this.socket = null;
    if (code === ELSEWHERE) {
      this.listener.state("elsewhere");
      return;
    }
    this.listener.state("lost", this.wait / 1000);
    if (!this.opened) {
      const answer = await this.fetch("sound/none.wav").catch(() => null);
      if (answer?.status === 401 || answer?.status === 403) {
        this.listener.state("refused");
        return;
      }
    }
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(SLOWEST, 2 * this.wait);
  }

  /**
   * Whether it could be sent; what is said while the line is broken is lost, as a key pressed on a
   * machine without power.
   * @param {object} message
   */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   */
  fetch(path, options = {}) {
    const address = new URL(path.replace(/^\//, ""), document.baseURI);
    address.hash = "";
    if (!address.searchParams.has("session")) address.searchParams.set("session", this.session);
    const headers = new Headers(options.headers);
    headers.set("Authorization", `Bearer ${this.token}`);
    return fetch(address, { ...options, headers });
  }
}
