// Exchanges the content every few seconds and says so when the gateway stays silent.
"use strict";
(() => {
  const { language, refresh } = document.body.dataset;
  const content = document.getElementById("content");
  const stale = document.getElementById("stale");
  const switcher = document.getElementById("language");
  const opened = new Set(document.body.dataset.open.split(",").filter(Boolean));
  let busy = false;

  const query = (lang) => {
    const fields = new URLSearchParams({ lang });
    if (opened.size) fields.set("open", [...opened].join(","));
    return fields;
  };

  const show = (html) => {
    const focused = document.activeElement?.id || document.activeElement?.dataset?.open;
    content.innerHTML = html;
    if (focused) (document.getElementById(focused) ?? content.querySelector(`[data-open="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
  };

  const update = async () => {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(`/fragment?${query(language)}`, { signal: AbortSignal.timeout(5000), cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const html = await answer.text();
      if (!String(getSelection())) show(html);
      stale.hidden = true;
      document.body.classList.remove("stale");
    } catch {
      stale.hidden = false;
      document.body.classList.add("stale");
    } finally {
      busy = false;
    }
  };

  content.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-open]");
    if (!link) return;
    event.preventDefault();
    const id = link.dataset.open;
    if (!opened.delete(id)) opened.add(id);
    const open = [...opened].join(",");
    history.replaceState(null, "", open ? `/?${new URLSearchParams({ open })}` : "/");
    switcher.search = query(new URLSearchParams(switcher.search).get("lang"));
    update();
  });
  document.addEventListener("visibilitychange", () => document.hidden || update());
  setInterval(() => document.hidden || update(), Number(refresh));
})();
