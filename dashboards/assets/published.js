// What a published page does to stay honest: it tells its age, asks for news, and warns when none comes.
"use strict";
(() => {
  const body = document.body;
  const POLL_MS = 20000; // as the original's pages
  const base = body.dataset.base || "";
  const byId = (id) => document.getElementById(id);
  const isFile = location.protocol === "file:";
  // without the site's state the page knows only its own age
  let published = Date.parse(body.dataset.published);
  let stale_ms = Number(body.dataset.pageStale);
  let by = body.dataset.node;
  let reached = true;
  /** How far the server's clock is ahead of this one, where it tells. */
  let skew_ms = 0;

  function span(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 172800) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} days`;
  }

  function write(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function show() {
    const age = Date.now() + skew_ms - published;
    const old = age > stale_ms;
    const live = byId("live");
    if (live) {
      live.dataset.state = old || !reached ? "lost" : "live";
      write(live.querySelector(".state"), `published ${span(age)} ago`);
    }
    write(byId("age"), `${span(age)} ago`);
    const stale = byId("outdated");
    if (!stale) return;
    stale.hidden = !old;
    if (!old) return;
    const why = reached || isFile
      ? "Nobody publishes it any more, or nobody can reach this place."
      : "It can't be reached from here just now.";
    write(byId("outdated-why"), `It was published ${span(age)} ago by ${by}, and should be every ${body.dataset.every}. ${why}`);
  }

  async function poll() {
    if (isFile) {
      location.reload();
      return;
    }
    try {
      const answer = await fetch(`${base}state.json`, { cache: "no-cache" });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const told = Date.parse(answer.headers.get("date") || "");
      // a difference of some seconds is the way of the answer and the clock's whole seconds
      skew_ms = Math.abs(told - Date.now()) > 5000 ? told - Date.now() : 0;
      const state = await answer.json();
      published = Date.parse(state.published);
      stale_ms = state.stale_after_ms;
      by = state.by;
      reached = true;
      document.dispatchEvent(new CustomEvent("p7-state", { detail: { state, skew_ms } }));
    } catch {
      reached = false;
    }
    show();
  }

  show();
  setInterval(show, 1000);
  setInterval(poll, POLL_MS);
  if (!isFile) poll();
})();
