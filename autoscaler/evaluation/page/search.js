/* Shows of the rows of the searched table those that hold the text that is searched for, cell after cell, and the chosen
   workload and reason. */
(() => {
  const form = document.getElementById("search");
  if (form === null) {
    return;
  }
  const plain = (text) => text.replace(/\s+/g, " ").trim().toLowerCase();
  const { words, workload, reason, found } = form.elements;
  const rows = Array.from(document.querySelectorAll("#searched tbody tr"), (row) => ({
    row,
    text: plain(Array.from(row.cells, (cell) => cell.textContent).join(" ")),
    workload: row.querySelector(".workload").textContent,
    reasons: row.querySelector(".reasons").textContent.split(" + "),
  }));
  const show = () => {
    const wanted = plain(words.value);
    const kept = rows.filter((one) => {
      const here = (workload.value === "" || workload.value === one.workload)
        && (reason.value === "" || one.reasons.includes(reason.value))
        && one.text.includes(wanted);
      one.row.hidden = !here;
      return here;
    });
    found.value = `${kept.length} of ${rows.length} rows`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
