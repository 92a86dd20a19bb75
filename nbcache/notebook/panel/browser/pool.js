// Runs once per page, from an invisible output of the panel. With the focus on a panel's button, JupyterLab's
// single-key shortcuts (d d deletes a cell) must not fire; it looks for this attribute on the focused element only.
if (!window.nbcachePoolGuard) {
  window.nbcachePoolGuard = true;
  document.addEventListener("focusin", ({ target }) => {
    if (!target.closest || !target.closest(".nbcache-pool")) return;
    target.setAttribute("data-lm-suppress-shortcuts", "true");
    if (target.title && target.tagName === "BUTTON") target.setAttribute("aria-label", target.title);
  }, true);
}
