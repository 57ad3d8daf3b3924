// Renews the progress of long work every few seconds. Without a script there is a link that does the same.
"use strict";
(() => {
  const look = async () => {
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("progress");
      if (!found) return;
      document.getElementById("progress").replaceWith(found);
      if (found.dataset.status !== "running") { location.reload(); return; }
    } catch { /* no connection: try again */ }
    setTimeout(look, 3000);
  };
  setTimeout(look, 3000);
})();
