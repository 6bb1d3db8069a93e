// The pages work without this: it filters the list of calls, marks the present one, and copies examples.
"use strict";

const sidebar = document.querySelector(".sidebar");

if (sidebar) {
  const menu = document.getElementById("menu");
  sidebar.addEventListener("click", (event) => {
    if (event.target.closest("a")) menu.checked = false;
  });

  const filter = document.getElementById("filter");
  const nothing = sidebar.querySelector(".nothing");
  filter.parentElement.hidden = false;
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of sidebar.querySelectorAll("section")) {
      let here = 0;
      for (const call of group.querySelectorAll("li")) {
        const text = call.dataset.words.toLowerCase();
        call.hidden = !words.every((word) => text.includes(word));
        here += call.hidden ? 0 : 1;
      }
      group.hidden = here === 0;
      shown += here;
    }
    nothing.hidden = shown > 0;
  });

  const present = [...sidebar.querySelectorAll("li a")];
  const mark = () => {
    for (const link of present) {
      const here = link.pathname === location.pathname && link.hash === location.hash && location.hash !== "";
      link.toggleAttribute("aria-current", here);
      if (here) link.scrollIntoView({ block: "nearest" });
    }
  };
  window.addEventListener("hashchange", mark);
  mark();
}

for (const button of document.querySelectorAll(".copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.closest("figure").querySelector("code").textContent);
    const label = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
