"use strict";
// A button on every command that copies it; a hidden one is left to whoever shows it.
function copyable(pre) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${pre.dataset.label ?? "command"}`);
  const done = (words) => {
    button.textContent = words;
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  button.addEventListener("click", async () => {
    const code = pre.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      done("Copied");
    } catch {
      // No clipboard for this page: the words are selected, so that a key copies them.
      getSelection().selectAllChildren(code);
      done(document.execCommand("copy") ? "Copied" : "Selected");
    }
  });
  pre.append(button);
}
document.querySelectorAll("pre.command").forEach(copyable);
