// Before the first paint: the colours and density chosen last time, and that there is a script at all.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("p7-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (localStorage.getItem("p7-density") === "compact") root.dataset.density = "compact";
  } catch {
    // storage may be forbidden; the page is then as the system wants it
  }
})();
