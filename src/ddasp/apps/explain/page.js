"use strict";
// The page reads completely without this: it adds the theme, the switch for code, one sound at a time,
// and folds the contents on a small screen.
(() => {
  const root = document.documentElement;

  const theme = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; nameTheme(); });
  theme.hidden = false;
  nameTheme();

  const code = document.getElementById("code");
  const blocks = [...document.querySelectorAll("details[data-step]")];
  const anyOpen = () => blocks.some((block) => block.open);
  const nameCode = () => { code.textContent = anyOpen() ? "Hide code" : "Show code"; };
  code.addEventListener("click", () => { const open = !anyOpen(); for (const block of blocks) block.open = open; nameCode(); });
  for (const block of blocks) block.addEventListener("toggle", nameCode);
  code.hidden = false;
  nameCode();

  if (matchMedia("(max-width:60rem)").matches) document.getElementById("contents").open = false; // the answer first

  const sounds = [...document.querySelectorAll("audio")];
  for (const sound of sounds) sound.addEventListener("play", () => { for (const other of sounds) if (other !== sound) other.pause(); });

  addEventListener("beforeprint", () => { for (const block of blocks) block.open = true; });
})();
