"use strict";
// The page reads completely without this: it adds sorting, sound, the map's keys and the theme.
(() => {
  const data = (id) => JSON.parse(document.getElementById(id).textContent || "null");
  const root = document.documentElement;
  const SVG = "http://www.w3.org/2000/svg";

  // Theme: the reader's preference until the button says otherwise.
  const theme = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; nameTheme(); });
  theme.hidden = false;
  nameTheme();

  // Tables: a click on a head sorts, a second one turns it round.
  const value = (row, k) => {
    const cell = row.cells[k];
    const number = parseFloat(cell.dataset.sort);
    return cell.dataset.sort !== undefined && !Number.isNaN(number) ? number : cell.textContent.trim();
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : typeof a === "number" ? -1 : typeof b === "number" ? 1 : a.localeCompare(b, "en", { numeric: true }));
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((head, k) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const first = head.classList.contains("n") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        for (const th of table.tHead.rows[0].cells) if (th.hasAttribute("aria-sort")) th.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const rows = [...table.tBodies[0].rows].map((row) => [value(row, k), row]);
        rows.sort((a, b) => sign * compare(a[0], b[0]));
        table.tBodies[0].append(...rows.map((pair) => pair[1]));
      });
    });
  }

  // Sound: one at a time, never by itself, with a cursor in its picture.
  let sounds = null;
  let playing = null;
  const stop = () => {
    if (!playing) return;
    playing.audio.pause();
    playing.done();
    if (playing.cursor) playing.cursor.remove();
    playing = null;
  };
  const cursorIn = (svg) => {
    const line = document.createElementNS(SVG, "line");
    line.setAttribute("class", "cursor");
    line.setAttribute("y1", svg.dataset.top);
    line.setAttribute("y2", svg.dataset.bottom);
    svg.append(line);
    return line;
  };
  const play = (key, svg, done) => {
    stop();
    sounds = sounds || data("sounds");
    const audio = new Audio("data:audio/mpeg;base64," + sounds[key]);
    const now = { audio, done, cursor: svg ? cursorIn(svg) : null };
    playing = now;
    audio.addEventListener("ended", () => { if (playing === now) stop(); });
    const move = () => {
      if (playing !== now || !now.cursor) return;
      const left = +svg.dataset.left, right = +svg.dataset.right;
      const x = left + (right - left) * Math.min(1, audio.currentTime / +svg.dataset.end);
      now.cursor.setAttribute("x1", x);
      now.cursor.setAttribute("x2", x);
      requestAnimationFrame(move);
    };
    audio.play().then(move, () => { if (playing === now) stop(); });
  };
  for (const button of document.querySelectorAll(".play")) {
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-pressed") === "true") { stop(); return; }
      const item = button.closest("li");
      play(button.dataset.sound, item && item.querySelector("svg"), () => button.setAttribute("aria-pressed", "false"));
      button.setAttribute("aria-pressed", "true");
    });
  }

  // Map: one stop for Tab, arrows go to the nearest mark that way, Enter plays.
  const map = document.getElementById("map");
  if (map) {
    const svg = map.querySelector("svg");
    const say = document.getElementById("point");
    const names = data("points");
    const marks = [];
    svg.setAttribute("role", "group");
    for (const series of svg.querySelectorAll("[data-series]")) {
      [...series.querySelectorAll("use")].forEach((mark, i) => {
        const point = (names[+series.dataset.series] || [])[i];
        if (!point) return;
        mark.setAttribute("role", "button");
        mark.setAttribute("tabindex", "-1");
        mark.setAttribute("aria-label", point.name);
        marks.push({ mark, point, x: +mark.getAttribute("x"), y: +mark.getAttribute("y") });
      });
    }
    const tell = (m, word) => { say.textContent = m.point.name + (word ? " – " + word : ""); };
    const choose = (m) => {
      for (const other of marks) { other.mark.setAttribute("tabindex", other === m ? "0" : "-1"); other.mark.classList.toggle("now", other === m); }
      if (!m.point.sound) { stop(); tell(m, names.length && marks.some((x) => x.point.sound) ? "not in this report" : ""); return; }
      tell(m, "playing");
      play(m.point.sound, null, () => tell(m, "played"));
    };
    const nearest = (from, dx, dy) => {
      let best = null, least = Infinity;
      for (const m of marks) {
        const along = (m.x - from.x) * dx + (m.y - from.y) * dy;
        const across = Math.abs((m.x - from.x) * dy) + Math.abs((m.y - from.y) * dx);
        if (m !== from && along > 0 && along + 2 * across < least) { least = along + 2 * across; best = m; }
      }
      return best;
    };
    const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    for (const m of marks) {
      m.mark.addEventListener("focus", () => { if (!playing) tell(m); });
      m.mark.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(m); }
        if (event.key === "Escape") stop();
        const way = ARROWS[event.key];
        const next = way && nearest(m, ...way);
        if (way) event.preventDefault();
        if (next) { m.mark.setAttribute("tabindex", "-1"); next.mark.setAttribute("tabindex", "0"); next.mark.focus(); }
      });
    }
    if (marks.length) marks[0].mark.setAttribute("tabindex", "0");
    svg.addEventListener("click", (event) => { // the nearest mark: fingers are wider than marks
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let best = null, least = 18 * scale;
      for (const m of marks) { const d = Math.hypot(m.x - x, m.y - y); if (d < least) { least = d; best = m; } }
      if (best) choose(best);
    });
  }

  // Paper: everything unfolded, then as it was.
  let folded = [];
  addEventListener("beforeprint", () => { folded = [...document.querySelectorAll("details:not([open])")]; for (const d of folded) d.open = true; });
  addEventListener("afterprint", () => { for (const d of folded) d.open = false; folded = []; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") stop(); });
})();
