// Sends the counter's form without leaving the page, so that the venue's key stays typed in and is stored nowhere.
"use strict";
(() => {
  const form = document.getElementById("counter");
  const result = document.getElementById("result");
  form.elements.code.addEventListener("input", () => { form.elements.hold_id.value = ""; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const buttons = form.querySelectorAll("button");
    buttons.forEach((button) => { button.disabled = true; });
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { "X-Part": "1" }, body });
      result.innerHTML = await answer.text();
      // The number of a hold is kept for redeeming or ending it, until the code changes.
      const held = result.querySelector("[data-hold]");
      if (held) form.elements.hold_id.value = held.dataset.hold;
      if (answer.ok && body.get("do") === "redeem") {
        // A new sale gets a new reference; the same one would only repeat this answer.
        form.elements.reference.value = "counter-" + crypto.getRandomValues(new Uint32Array(2)).join("").slice(0, 12);
      }
    } catch {
      result.textContent = form.dataset.offline;
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
      form.elements.code.focus();
      form.elements.code.select();
    }
  });
})();
