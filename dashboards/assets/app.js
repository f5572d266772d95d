// What a page can do beyond showing: stay live, filter, tell times and cycles in words.
// Without it every page is complete, only older.
"use strict";

const LEVELS = ["unknown", "healthy", "partial", "warning", "incident", "down"];
const BUCKETS = ["down", "incident", "warning", "partial", "maintenance", "healthy", "unknown"];
const WORDS = {
  down: ["down", "down"], incident: ["incident", "incidents"], warning: ["warning", "warnings"],
  partial: ["partial", "partial"], maintenance: ["in maintenance", "in maintenance"],
  healthy: ["healthy", "healthy"], unknown: ["without data", "without data"],
};
const SYMBOLS = { down: "✖", incident: "▲", warning: "!", partial: "◐", maintenance: "🔧", healthy: "✓", unknown: "?" };
const HEADLINES = {
  down: ["is down", "are down"], incident: ["has an incident", "have incidents"],
  warning: ["failed just now", "failed just now"], partial: ["fails from somewhere", "fail from somewhere"],
  maintenance: ["is in maintenance", "are in maintenance"], healthy: ["is healthy", "are healthy"],
};
const POLL_MS = 20000; // as the original's pages
const SILENCE_MS = 60000; // without any event for this long the page asks whether it missed something
const RELOAD_MS = 4000; // the least time between two fetches of this page
const body = document.body;
const base = body.dataset.base;
const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// ---- times -------------------------------------------------------------------------------------------

/** How far the node's clock is ahead of this one, so that ages are right on a machine whose is wrong. */
let skew_ms = Date.parse(body.dataset.now) - Date.now();
// a published page is older than this moment, and what publishes it tells no time: published.js finds out
if (Math.abs(skew_ms) < 5000 || body.dataset.live === "state") skew_ms = 0;

function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} days`;
}

function relative(at, now) {
  const ms = now - at;
  if (Math.abs(ms) < 1000) return "just now";
  return ms > 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayClock = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Writes times in the reader's zone; what the page said, in UTC, stays as the tooltip. */
function localise(root) {
  const now = Date.now() + skew_ms;
  for (const time of all("time[datetime]", root)) {
    if (time.dataset.utc) continue;
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.dataset.utc = time.textContent;
    time.title = `${exact.format(at)} (${time.dateTime.replace("T", " ").replace("Z", " UTC")})`;
    if (time.classList.contains("ago")) continue;
    const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
    const today = time.closest(".results") ? seconds : clock;
    time.textContent = sameDay ? today.format(at) : dayClock.format(at);
  }
}

function tick() {
  const now = Date.now() + skew_ms;
  for (const time of all("time.ago")) {
    const text = relative(Date.parse(time.dateTime), now);
    if (time.textContent !== text) time.textContent = text;
  }
  for (const small of all("small.ago")) {
    const time = small.previousElementSibling;
    const text = time && time.dateTime ? relative(Date.parse(time.dateTime), now) : small.textContent;
    if (small.textContent !== text) small.textContent = text;
  }
}

// ---- the overview ------------------------------------------------------------------------------------

const groups = byId("groups");
const bucketOf = (card) => (card.dataset.m === undefined ? card.dataset.l : "maintenance");
const nameOf = (card) => card.querySelector("h3").textContent;

function rank(card) {
  const failtage = parseFloat(card.querySelector(".f b").textContent);
  return [-LEVELS.indexOf(card.dataset.l), Number.isNaN(failtage) ? 1 : -failtage, nameOf(card).toLowerCase()];
}

function before(a, b) {
  for (let i = 0; i < a.length; i += 1) {
    if (a[i] !== b[i]) return a[i] < b[i];
  }
  return false;
}

function tally(cards) {
  const counts = {};
  let stale = 0;
  for (const card of cards) {
    const bucket = bucketOf(card);
    counts[bucket] = (counts[bucket] || 0) + 1;
    if (card.dataset.s !== undefined) stale += 1;
  }
  const found = BUCKETS.filter((b) => counts[b]);
  const text = found.map((b) => `${counts[b]} ${WORDS[b][counts[b] === 1 ? 0 : 1]}`).join(", ");
  return { counts, found, stale, text, worst: found[0] || "unknown", total: cards.length };
}

function headline({ worst, counts, total }) {
  if (worst === "unknown") return "Waiting for the first results";
  const [one, many] = HEADLINES[worst];
  const n = counts[worst];
  if (total === 1) return `The service ${one}`;
  if (n === total) return `All ${total} services ${many}`;
  return `${n} of ${total} services ${n === 1 ? one : many}`;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "i");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

/** Says again what all cards together say; only what has changed is touched, so nothing is read twice. */
function summarise() {
  const sum = tally(all(".c", groups));
  const hero = byId("hero");
  const title = sum.worst === "healthy" ? "✓ all healthy" : `${SYMBOLS[sum.worst]} ${sum.text}`;
  if (document.title !== `${title} · Protocol/7`) document.title = `${title} · Protocol/7`;
  const text = headline(sum);
  if (byId("headline").textContent !== text) byId("headline").textContent = text;
  if (hero.dataset.worst !== sum.worst) {
    hero.dataset.worst = sum.worst;
    hero.querySelector(".lamp use").setAttribute("href", `#${sum.worst}`);
    byId("icon").href = `${base}assets/favicon-${sum.worst}.svg`;
  }
  if (byId("summary").textContent !== sum.text) {
    byId("summary").textContent = sum.text;
    drawCounts(sum);
  }
  for (const group of all(".group", groups)) {
    const part = tally(all(".c", group));
    group.dataset.worst = part.worst;
    group.querySelector("h2 use").setAttribute("href", `#${part.worst}`);
    const small = group.querySelector("h2 small");
    if (small.textContent !== part.text) small.textContent = part.text;
  }
}

function drawCounts(sum) {
  const held = document.activeElement?.closest("#counts li")?.dataset.b;
  byId("counts").replaceChildren(...sum.found.map((bucket) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const number = document.createElement("b");
    item.dataset.b = bucket;
    link.href = `#level=${bucket}`;
    number.textContent = sum.counts[bucket];
    link.append(icon(bucket), number, ` ${WORDS[bucket][sum.counts[bucket] === 1 ? 0 : 1]}`);
    item.append(link);
    return item;
  }));
  if (sum.stale) {
    const item = document.createElement("li");
    item.className = "plain";
    item.textContent = `${sum.stale} stale`;
    byId("counts").append(item);
  }
  if (held) byId("counts").querySelector(`[data-b="${held}"] a`)?.focus();
  const ribbon = byId("ribbon");
  ribbon.setAttribute("viewBox", `0 0 ${sum.total} 1`);
  let x = 0;
  ribbon.replaceChildren(...sum.found.map((bucket) => {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.dataset.b = bucket;
    rect.setAttribute("x", x);
    rect.setAttribute("width", sum.counts[bucket]);
    rect.setAttribute("height", 1);
    x += sum.counts[bucket];
    return rect;
  }));
  markCounts();
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

/** Puts a card where its rank belongs among its group's. */
function place(card, cards) {
  const own = rank(card);
  const next = [...cards.children].find((other) => other !== card && before(own, rank(other)));
  cards.insertBefore(card, next || null);
}

/** Lets cards that moved glide from where they were. */
function gliding(move) {
  if (calm.matches || document.hidden) return move();
  const seen = all(".c", groups).filter((c) => {
    const box = c.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  });
  const was = new Map(seen.map((c) => [c.id, c.getBoundingClientRect()]));
  move();
  for (const [id, from] of was) {
    const card = byId(id);
    const to = card?.getBoundingClientRect();
    if (!to || (to.left === from.left && to.top === from.top)) continue;
    card.animate(
      [{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }],
      { duration: 350, easing: "ease-out" },
    );
  }
  return undefined;
}

/** Swaps a card for its newer self. True if its level, and so its place, has changed. */
function swap(fresh) {
  const old = byId(fresh.id);
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const heldAt = held && all("a", old).indexOf(held);
  fresh.hidden = !matches(fresh);
  old.replaceWith(fresh);
  localise(fresh);
  if (held) (all("a", fresh)[heldAt] || fresh.querySelector("a")).focus({ preventScroll: true });
  return bucketOf(old) !== bucketOf(fresh) || old.dataset.l !== fresh.dataset.l;
}

const waiting = new Map();
let flushing = false;

/** Notes a card to be shown with the next ones: a thousand services change a hundred times a second. */
function take(event) {
  waiting.set(event.id, event);
  if (flushing) return;
  flushing = true;
  setTimeout(flush, 250);
}

function flush() {
  flushing = false;
  const events = [...waiting.values()];
  waiting.clear();
  const moved = [];
  for (const event of events) {
    const fresh = parse(event.card);
    const old = fresh && byId(fresh.id);
    const group = old?.closest(".group");
    // a service or environment that this page does not know yet: the whole page is asked for
    if (!old || group.dataset.env !== event.environment) refetch();
    else if (swap(fresh)) moved.push(fresh);
  }
  if (moved.length > 0) {
    // a node that is moved loses the focus
    const held = document.activeElement;
    gliding(() => {
      for (const card of moved) place(card, card.parentElement);
      sortGroups();
    });
    if (held !== document.activeElement) held?.focus({ preventScroll: true });
    summarise();
    filter();
  }
  tick();
}

function sortGroups() {
  const first = (group) => {
    const card = group.querySelector(".c");
    const env = group.dataset.env.toLowerCase();
    return card ? [env === "" ? 1 : 0, ...rank(card).slice(0, 2), env] : [9];
  };
  const sorted = all(".group", groups).sort((a, b) => (before(first(a), first(b)) ? -1 : 1));
  sorted.forEach((group, i) => {
    if (groups.children[i] !== group) groups.insertBefore(group, groups.children[i] || null);
  });
}

// ---- filter ------------------------------------------------------------------------------------------

const wanted = { q: "", level: "" };

function matches(card) {
  if (wanted.level && bucketOf(card) !== wanted.level) return false;
  if (!wanted.q) return true;
  const words = [nameOf(card), card.id.slice(2), card.querySelector(".e").textContent, card.dataset.q,
    card.dataset.l, bucketOf(card), card.querySelector(".m")?.textContent || ""];
  const text = words.join(" ").toLowerCase();
  return wanted.q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function markCounts() {
  for (const link of all("#counts a")) {
    if (link.parentElement.dataset.b === wanted.level) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function filter() {
  let shown = 0;
  const cards = all(".c", groups);
  for (const card of cards) {
    card.hidden = !matches(card);
    if (!card.hidden) shown += 1;
  }
  for (const group of all(".group", groups)) group.hidden = !group.querySelector(".c:not([hidden])");
  const filtered = Boolean(wanted.q || wanted.level);
  const text = filtered ? `${shown} of ${cards.length} shown` : "";
  if (byId("shown").textContent !== text) byId("shown").textContent = text;
  byId("none").hidden = shown > 0;
  markCounts();
}

function readHash() {
  const hash = new URLSearchParams(location.hash.slice(1));
  wanted.q = hash.get("q") || "";
  wanted.level = BUCKETS.includes(hash.get("level")) ? hash.get("level") : "";
  if (byId("filter").value !== wanted.q) byId("filter").value = wanted.q;
  filter();
}

function writeHash() {
  const hash = new URLSearchParams();
  if (wanted.q) hash.set("q", wanted.q);
  if (wanted.level) hash.set("level", wanted.level);
  history.replaceState(null, "", hash.size ? `#${hash}` : location.pathname + location.search);
  filter();
}

function startFilter() {
  byId("filter").addEventListener("input", (event) => {
    wanted.q = event.target.value.trim();
    writeHash();
  });
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", () => {
    wanted.q = "";
    wanted.level = "";
    byId("filter").value = "";
    writeHash();
  });
  byId("counts").addEventListener("click", (event) => {
    const bucket = event.target.closest("a")?.parentElement.dataset.b;
    if (!bucket) return;
    event.preventDefault();
    wanted.level = wanted.level === bucket ? "" : bucket;
    writeHash();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      byId("filter").focus();
    } else if (event.key === "Escape" && event.target === byId("filter")) {
      if (event.target.value === "") event.target.blur();
    }
  });
  addEventListener("hashchange", readHash);
  readHash();
}

// ---- the page asked for again ------------------------------------------------------------------------

let fetched_at = 0;
let fetching = null;

/** Fetches this page and takes over what differs. Asked for often, it is done once in a while. */
function refetch() {
  if (fetching) return fetching;
  const wait = document.hidden ? RELOAD_MS * 5 : RELOAD_MS;
  fetching = new Promise((done) => { setTimeout(done, Math.max(0, fetched_at + wait - Date.now())); })
    .then(async () => {
      fetched_at = Date.now();
      const answer = await fetch(location.href, { cache: "no-cache" });
      if (!answer.ok) throw new Error(`${answer.status}`);
      adopt(new DOMParser().parseFromString(await answer.text(), "text/html"));
      return true;
    })
    .catch(() => false)
    .finally(() => { fetching = null; });
  return fetching;
}

function adopt(page) {
  const own = (id) => [byId(id), page.getElementById(id)];
  const [notices, newNotices] = own("notices");
  if (newNotices && notices.dataset.was !== newNotices.innerHTML) {
    notices.dataset.was = newNotices.innerHTML;
    notices.replaceChildren(...newNotices.childNodes);
    notices.hidden = newNotices.hidden;
    localise(notices);
  }
  for (const name of ["now", "version", "published", "node"]) {
    if (page.body.dataset[name] !== undefined) body.dataset[name] = page.body.dataset[name];
  }
  for (const part of all("[data-live-part]")) adoptPart(part, page.getElementById(part.id));
  const [, fresh] = own("groups");
  if (groups && fresh) adoptCards(fresh);
  else if (Boolean(groups) !== Boolean(fresh)) location.reload();
  if (!groups) document.title = page.title;
  const newIcon = page.getElementById("icon");
  if (!groups && newIcon) byId("icon").href = newIcon.getAttribute("href");
  tick();
}

function adoptPart(part, fresh) {
  // what somebody types into stays as it is until they are done
  if (!fresh || part.querySelector("input:focus")) return;
  const html = fresh.innerHTML;
  if (part.dataset.was === html) return;
  if (fresh.dataset.l) part.dataset.l = fresh.dataset.l;
  part.className = fresh.className;
  morphChildren(part, fresh);
  part.dataset.was = html;
  localise(part);
  startForms();
  startCopies(part);
}

/** Makes a part like its newer self and touches only what differs: nothing flickers, scrolls back or loses focus. */
function morphChildren(old, fresh) {
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const same = next.id ? known.get(next.id) : null;
    if (same && same !== at) old.insertBefore(same, at);
    const here = same || (at && alike(at, next) ? at : null);
    if (here) {
      at = here.nextSibling;
      morph(here, next);
    } else {
      old.insertBefore(next, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** Whether one node may become the other in place: of one kind, and not another thing by its id. */
function alike(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "");
}

/** What scripts have put on an element; the page as it was made knows nothing of it. */
const OURS = new Set(["data-utc", "data-was", "data-ready", "open"]);

function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  // forms and buttons that are at work; times that are told in the reader's words already
  if (old.dataset?.ready && old.dataset.copy === fresh.dataset.copy) return;
  if (old.nodeName === "TIME" && old.dateTime === fresh.dateTime && (old.dataset.utc ?? "") === fresh.textContent) return;
  const told = old.nodeName === "TIME";
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && (told || !OURS.has(name))) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

function adoptCards(fresh) {
  const envs = (root) => all(".group", root).map((g) => g.dataset.env).sort().join("\n");
  const ids = (root) => all(".c", root).map((c) => `${c.id}@${c.closest(".group").dataset.env}`).sort().join("\n");
  if (envs(groups) !== envs(fresh) || ids(groups) !== ids(fresh)) {
    groups.replaceChildren(...fresh.childNodes);
    localise(groups);
    summarise();
    filter();
    return;
  }
  for (const card of all(".c", fresh)) {
    waiting.set(card.id.slice(2), { id: card.id.slice(2), environment: card.closest(".group").dataset.env, card: card.outerHTML });
  }
  flush();
}

// ---- live --------------------------------------------------------------------------------------------

let heard_at = Date.now();

function show(state, text) {
  const live = byId("live");
  if (live.dataset.state === state && live.lastElementChild.dataset.said === text) return;
  live.dataset.state = state;
  live.lastElementChild.textContent = text;
  live.lastElementChild.dataset.said = text;
}

function lost() {
  show("lost", `reconnecting… stale since ${clock.format(heard_at)}`);
}

function startEvents() {
  const own = byId("head")?.dataset.service;
  // what changed between the page's making and this moment is told first
  const seen = body.dataset.seen ? `?last_event_id=${encodeURIComponent(body.dataset.seen)}` : "";
  const source = new EventSource(`${base}api/v1/events${seen}`);
  const on = (name, act) => source.addEventListener(name, (event) => {
    heard_at = Date.now();
    if (event.lastEventId) body.dataset.seen = event.lastEventId;
    show("live", "live");
    if (act) act(event.data ? JSON.parse(event.data) : {});
  });
  source.onopen = () => {
    heard_at = Date.now();
    show("live", "live");
  };
  source.onerror = () => {
    lost();
    // a browser gives up after an answer that is no event stream; a node that restarts comes back
    if (source.readyState === EventSource.CLOSED) {
      source.close();
      setTimeout(startEvents, 5000);
    }
  };
  on("hello");
  on("service", ({ service, card }) => {
    if (groups) take({ id: service.id, environment: service.environment, card });
    else if (own === undefined ? byId("nodes") : own === service.id) refetch();
  });
  on("incident", () => { if (own !== undefined) refetch(); });
  on("mesh", () => { if (byId("nodes")) refetch(); });
  for (const name of ["reset", "services", "network", "configuration", "store"]) on(name, refetch);
  return source;
}

/** A line may be dead without anybody having said so, as after a laptop's sleep. */
async function watchSilence() {
  if (Date.now() - heard_at < SILENCE_MS) return;
  if (await refetch()) heard_at = Date.now();
  else lost();
}

async function poll() {
  if (location.protocol === "file:") return location.reload();
  if (await refetch()) {
    heard_at = Date.now();
    show("live", `as of ${clock.format(Date.parse(body.dataset.now))}`);
  } else {
    lost();
  }
  return undefined;
}

/** A published page asks for itself again when the site's state says that there is a newer one. */
function heedState({ detail: { state, skew_ms: found_ms } }) {
  skew_ms = found_ms;
  const own = byId("head")?.dataset.service;
  const newest = own === undefined ? state.published : state.services[own]?.page;
  const shown = own === undefined ? body.dataset.now : body.dataset.version;
  if (newest !== undefined && newest !== shown) refetch();
}

// ---- tooltips ----------------------------------------------------------------------------------------

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
body.append(tip);

const OUTCOMES = { g: "up", r: "failed", k: "unauthorized", u: "mismatch", y: "maintenance", x: "did not vote", z: "no result", h: "up" };

function latencies(d, unit_us) {
  const found = new Map();
  let x = 0;
  let y = 0;
  for (const [, command, numbers] of d.matchAll(/([Ml])([^Ml]*)/g)) {
    const values = (numbers.match(/-?\d+/g) || []).map(Number);
    for (let i = 0; i + 1 < values.length; i += 2) {
      x = command === "M" ? values[i] : x + values[i];
      y = command === "M" ? values[i + 1] : y + values[i + 1];
      found.set(x, -y * unit_us);
    }
  }
  return found;
}

function words(us) {
  if (us < 10000) return `${(us / 1000).toFixed(1)} ms`;
  return us < 1e6 ? `${Math.round(us / 1000)} ms` : `${(us / 1e6).toFixed(2)} s`;
}

function cycleTip(svg, x) {
  const index = Math.min(29, Math.max(0, Math.floor(x * 30)));
  if (!svg.dataset.t) return "no results yet";
  const [first_ms, interval_ms, unit_us, missing] = svg.dataset.t.split(" ").map(Number);
  if (index < missing) return "before the first result";
  const middle = 3 + index * 6;
  const at = first_ms + (index - missing) * interval_ms;
  const looks = all("path", svg).filter((p) => p.getAttribute("d").split("M").some((m) => m.startsWith(`${middle} `)));
  const outcome = looks.map((p) => OUTCOMES[p.getAttribute("class")] || "partial").join(", ");
  const spark = svg.dataset.d ?? svg.previousElementSibling?.querySelector("path")?.getAttribute("d") ?? "";
  const latency = latencies(spark, unit_us).get(index);
  const vote = svg.dataset.v?.split(" ")[index - missing];
  const lines = [dayClock.format(at), outcome + (latency === undefined ? "" : `, ${words(latency)}`)];
  if (vote && !vote.endsWith("/0")) lines.push(`failed from ${vote.replace("/", " of ")}`);
  return lines.join("\n");
}

function chartTip(svg, x) {
  const rows = all("tr[data-x]", svg.parentElement);
  const near = rows.reduce((best, row) => (
    Math.abs(row.dataset.x - x * 1000) < Math.abs((best?.dataset.x ?? 1e9) - x * 1000) ? row : best), null);
  if (!near) return "";
  const cell = (i) => near.cells[i].textContent;
  return `${cell(0)}\nmedian ${cell(2)}\n95 % ${cell(3)}, 99 % ${cell(4)}\nuptime ${cell(6)}`;
}

function startTips() {
  document.addEventListener("pointermove", (event) => {
    const svg = event.target.closest?.(".b, .chart");
    if (!svg) {
      tip.hidden = true;
      return;
    }
    // the browser's own tooltip would stand over ours
    const title = svg.querySelector(":scope > title");
    if (title) {
      svg.setAttribute("aria-label", title.textContent);
      svg.removeAttribute("aria-labelledby");
      title.remove();
    }
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const text = svg.classList.contains("b") ? cycleTip(svg, x) : chartTip(svg, x);
    if (tip.textContent !== text) tip.textContent = text;
    tip.hidden = text === "";
    const left = Math.min(innerWidth - tip.offsetWidth - 8, Math.max(8, event.clientX - tip.offsetWidth / 2));
    const above = (svg.classList.contains("b") ? box.top : event.clientY) - tip.offsetHeight - 8;
    tip.style.transform = `translate(${left}px, ${above < 4 ? box.bottom + 8 : above}px)`;
  }, { passive: true });
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  // blocks lie over the card's link, so a click on them opens it too
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".c :is(.b, .v)")?.closest(".c").querySelector("h3 a");
    if (link) link.click();
  });
}

// ---- choices and forms -------------------------------------------------------------------------------

function keep(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // storage may be forbidden; the choice then lasts as long as the page
  }
}

function startChoices() {
  const root = document.documentElement;
  const theme = byId("theme");
  const next = { "": "light", light: "dark", dark: "" };
  const say = () => {
    const text = `Colours: ${root.dataset.theme || "as the system"}`;
    theme.title = text;
    theme.querySelector(".out").textContent = text;
  };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const chosen = next[root.dataset.theme || ""];
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    keep("p7-theme", chosen);
    say();
  });
  say();
  const density = byId("density");
  if (!density) return;
  density.setAttribute("aria-pressed", String(root.dataset.density === "compact"));
  density.addEventListener("click", () => {
    const compact = root.dataset.density !== "compact";
    if (compact) root.dataset.density = "compact";
    else delete root.dataset.density;
    density.setAttribute("aria-pressed", String(compact));
    keep("p7-density", compact ? "compact" : "");
  });
}

function startForms() {
  const form = byId("ack-form");
  if (!form || form.dataset.ready || body.dataset.writes === undefined) return;
  form.dataset.ready = "yes";
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector("[role=status]");
    said.textContent = "…";
    try {
      const answer = await fetch(form.dataset.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ by: form.elements.by.value, reason: form.elements.reason.value }),
      });
      const problem = answer.ok ? null : await answer.json().catch(() => ({}));
      said.textContent = answer.ok ? "Acknowledged." : problem.detail || problem.title || `The node answered ${answer.status}.`;
      if (answer.ok) {
        document.activeElement.blur();
        refetch();
      }
    } catch {
      said.textContent = "The node can't be reached; try again.";
    }
  });
}

/** Buttons that copy what they name; where the browser gives no clipboard (plain HTTP) the text is selected. */
function startCopies(root) {
  for (const button of all("button[data-copy]", root)) {
    if (button.dataset.ready) continue;
    button.dataset.ready = "yes";
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.previousElementSibling;
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.classList.add("done");
        button.querySelector(".out").textContent = "Copied";
      } catch {
        code.textContent = button.dataset.copy;
        getSelection().selectAllChildren(code);
      }
    });
  }
}

startChoices();
startTips();
startCopies(document);
localise(document);
if (groups) startFilter();
startForms();
tick();
setInterval(tick, 1000);
if (body.dataset.live === "events") {
  startEvents();
  setInterval(watchSilence, 15000);
} else if (body.dataset.live === "poll") {
  setInterval(poll, POLL_MS);
} else if (body.dataset.live === "state") {
  document.addEventListener("p7-state", heedState);
}
