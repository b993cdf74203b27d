"use strict";
(() => {
  const svgNamespace = "http://www.w3.org/2000/svg";
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // --- links to steps and exhibits open what they point at ---
  const reveal = (hash) => {
    const target = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView({ block: "start" });
    const summary = target.querySelector(":scope > summary");
    if (summary) summary.focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    history.replaceState(null, "", link.hash);
    reveal(link.hash);
  });
  window.addEventListener("hashchange", () => reveal(location.hash));

  // --- on a phone, groups in which nothing differs start folded ---
  if (matchMedia("(max-width: 46rem)").matches) for (const group of document.querySelectorAll(".group.v-equal")) group.open = false;

  // --- paper shows what is folded on screen: every failing step with its pictures ---
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details.v-different, details.v-different details")) fold.open = true;
  });

  // --- pictures: one zoom, one position and one wipe for all panes of a viewer ---
  class Viewer {
    constructor(root) {
      this.root = root;
      this.zoom = 1;
      this.center = [0.5, 0.5];
      this.wipe = 0;
      this.plates = [...root.querySelectorAll(".plate")];
      this.sizes = new Map(this.plates.map((plate) => [plate, [plate.viewBox.baseVal.width, plate.viewBox.baseVal.height]]));
      this.zoomInput = root.querySelector(".zoom");
      this.wipeInput = root.querySelector(".wipe");
      this.zoomInput.addEventListener("input", () => this.setZoom(Number(this.zoomInput.value)));
      if (this.wipeInput) this.wipeInput.addEventListener("input", () => this.setWipe(Number(this.wipeInput.value)));
      for (const button of root.querySelectorAll("[data-view]")) button.addEventListener("click", () => this.show(button));
      for (const plate of this.plates) this.listen(plate);
    }
    listen(plate) {
      plate.addEventListener("keydown", (event) => {
        const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        if (event.key === "+" || event.key === "=") this.setZoom(this.zoom * 1.5);
        else if (event.key === "-") this.setZoom(this.zoom / 1.5);
        else if (moves[event.key] && this.zoom > 1) this.move(moves[event.key].map((step) => (step * 0.1) / this.zoom));
        else return;
        event.preventDefault();
      });
      plate.addEventListener("pointerdown", (event) => {
        if (this.zoom === 1) return;
        plate.setPointerCapture(event.pointerId);
        this.held = [event.clientX, event.clientY];
      });
      plate.addEventListener("pointermove", (event) => {
        if (!this.held) return;
        const frame = plate.getBoundingClientRect();
        const [x, y] = this.held;
        this.move([(x - event.clientX) / frame.width / this.zoom, (y - event.clientY) / frame.height / this.zoom]);
        this.held = [event.clientX, event.clientY];
      });
      for (const name of ["pointerup", "pointercancel"]) plate.addEventListener(name, () => { this.held = null; });
      plate.addEventListener("wheel", (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        this.setZoom(this.zoom * (event.deltaY < 0 ? 1.25 : 0.8));
      }, { passive: false });
    }
    setZoom(value) {
      this.zoom = Math.min(16, Math.max(1, value));
      this.zoomInput.value = this.zoom;
      this.root.querySelector("output").textContent = `${Number(this.zoom.toFixed(1))}×`;
      this.move([0, 0]);
    }
    move([right, down]) {
      const half = 0.5 / this.zoom;
      const inside = (place) => Math.min(1 - half, Math.max(half, place));
      this.center = [inside(this.center[0] + right), inside(this.center[1] + down)];
      for (const plate of this.plates) {
        const [width, height] = this.sizes.get(plate);
        const [x, y] = [(this.center[0] - half) * width, (this.center[1] - half) * height];
        plate.setAttribute("viewBox", `${x} ${y} ${width / this.zoom} ${height / this.zoom}`);
        plate.classList.toggle("zoomed", this.zoom > 1);
        const ring = plate.querySelector(".worst");
        if (ring) ring.setAttribute("r", Number(ring.dataset.radius) / Math.sqrt(this.zoom));
      }
    }
    setWipe(share) {
      this.wipe = share;
      for (const panes of this.root.querySelectorAll(".panes")) {
        const plate = panes.querySelector(".pane-actual .plate");
        const other = panes.querySelector(".pane-expected .pixels");
        const [width, height] = this.sizes.get(plate);
        const part = (width * share) / 100;
        let cover = plate.querySelector(".cover");
        if (!cover) {
          cover = document.createElementNS(svgNamespace, "svg");
          cover.setAttribute("class", "cover");
          cover.append(other.cloneNode());
          plate.querySelector(".pixels").after(cover);
        }
        cover.setAttribute("width", part);
        cover.setAttribute("height", height);
        cover.setAttribute("viewBox", `0 0 ${Math.max(part, 1e-6)} ${height}`);
        panes.querySelector(".pane-actual .pane-name").textContent = share === 0 ? "actual" : share === 100 ? "expected" : `expected up to ${share} %, then actual`;
      }
    }
    show(button) {
      const chosen = Number(button.dataset.view);
      for (const other of this.root.querySelectorAll("[data-view]")) other.setAttribute("aria-pressed", String(other === button));
      this.root.querySelectorAll(".panes").forEach((panes, place) => { panes.hidden = place !== chosen; });
    }
  }
  for (const root of document.querySelectorAll(".viewer")) new Viewer(root);

  // --- the list of cases ---
  const source = document.getElementById("case-data");
  if (source) {
    const data = JSON.parse(source.textContent);
    const chunk = 50;
    const [NAME, STRIP, VERDICT, STEPS, ISOLATED, CHAINED, NOTE, EXHIBIT] = [0, 1, 2, 3, 4, 5, 6, 7];
    const haystacks = data.cases.map((row) => `${row[NAME]}\n${row[NOTE]}`.toLowerCase());

    const glyph = (shape) => {
      const picture = document.createElementNS(svgNamespace, "svg");
      picture.setAttribute("class", `glyph v-${shape}`);
      picture.setAttribute("viewBox", "0 0 16 16");
      picture.setAttribute("aria-hidden", "true");
      const use = document.createElementNS(svgNamespace, "use");
      use.setAttribute("href", `#shape-${shape}`);
      picture.append(use);
      return picture;
    };
    const mini = (row) => {
      const box = make("div", "mini");
      const told = [];
      row[STEPS].forEach((step, place) => {
        for (const [side, codes] of [["isolated", row[ISOLATED]], ["chained", row[CHAINED]]]) {
          const [word, shape] = data.codes[codes[place]];
          const mark = make("i", `dot dot-${shape} v-${shape}`); // a thousand svg elements would be slow
          mark.title = `${data.steps[step]}, ${side}: ${word}`;
          box.append(mark);
          if (codes[place] !== "=") told.push(`${data.steps[step]} ${side} ${word}`);
        }
      });
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", told.join(", ") || "all equal");
      return box;
    };
    const long = 300;
    const fold = (text) => {
      if (text.length <= long) return document.createTextNode(text);
      const details = make("details", "long");
      details.append(make("summary", "", `${text.slice(0, long)} ... (${text.length - long} more characters)`), make("div", "clip", text));
      return details;
    };
    const line = (row) => {
      const item = make("div", "case");
      const shape = data.shapes[row[VERDICT]];
      const verdict = make("span", `verdict v-${shape}`);
      verdict.append(glyph(shape), make("span", "", data.words[row[VERDICT]]));
      const name = make("div", "case-name");
      if (row[EXHIBIT] >= 0) {
        const link = make("a", "", row[NAME].slice(0, long));
        link.href = `#exhibit-${row[EXHIBIT]}`;
        name.append(link);
      } else name.append(fold(row[NAME]));
      const note = make("div", "case-note");
      note.append(fold(row[NOTE]));
      item.append(verdict, name, mini(row), note);
      return item;
    };
    class List {
      constructor(box) { this.box = box; }
      fill(places) {
        this.places = places;
        this.shown = 0;
        this.box.replaceChildren();
        this.grow();
      }
      grow() {
        const next = this.places.slice(this.shown, this.shown + chunk);
        this.shown += next.length;
        const rows = next.map((place) => line(data.cases[place]));
        const rest = this.places.length - this.shown;
        if (rest > 0) {
          const more = make("button", "more", `Show ${Math.min(chunk, rest)} more of ${rest.toLocaleString("en")}`);
          more.type = "button";
          more.addEventListener("click", () => { more.remove(); this.grow(); });
          rows.push(more);
        }
        this.box.append(...rows);
      }
    }
    const failing = new List(document.getElementById("cases-failing"));
    const folded = document.getElementById("cases-rest");
    const rest = new List(folded.querySelector(".case-table"));
    const chosenStep = document.getElementById("filter-step");
    const chosenVerdict = document.getElementById("filter-verdict");
    const text = document.getElementById("filter-text");
    const count = document.getElementById("filter-count");
    const within = data.words.indexOf("within tolerance");

    const stepNames = new Map();
    data.cases.forEach((row) => row[STEPS].forEach((step) => stepNames.set(step, `${data.strips[row[STRIP]]} / ${data.steps[step]}`)));
    for (const [step, name] of [...stepNames].sort((one, other) => one[0] - other[0])) {
      const option = make("option", "", name.slice(0, 100));
      option.value = step;
      chosenStep.append(option);
    }
    // As the verdict of several together: different if any is, not compared only if all are.
    const verdictOf = (row, step) => {
      if (step < 0) return row[VERDICT];
      const at = row[STEPS].indexOf(step);
      if (at < 0) return -1;
      const ranks = [row[ISOLATED][at], row[CHAINED][at]].map((code) => data.words.indexOf(data.codes[code][0]));
      if (ranks.includes(0)) return 0;
      return Math.min(...ranks.filter((rank) => rank > 1), ranks.some((rank) => rank > 1) ? Infinity : 1);
    };
    const matches = (row, place, step, verdict, words) => {
      const found = verdictOf(row, step);
      if (found < 0 || (verdict >= 0 && found !== verdict)) return false;
      return words.every((word) => haystacks[place].includes(word));
    };
    const apply = () => {
      const step = chosenStep.value === "" ? -1 : Number(chosenStep.value);
      const verdict = chosenVerdict.value === "" ? -1 : Number(chosenVerdict.value);
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = [[], []];
      data.cases.forEach((row, place) => {
        if (matches(row, place, step, verdict, words)) found[row[VERDICT] >= within ? 1 : 0].push(place);
      });
      failing.fill(found[0]);
      folded.hidden = found[1].length === 0;
      folded.querySelector(".quiet").textContent = found[1].length.toLocaleString("en");
      restPlaces = found[1];
      if (folded.open) rest.fill(restPlaces); else rest.box.replaceChildren();
      const total = found[0].length + found[1].length;
      count.textContent = `${total.toLocaleString("en")} of ${data.cases.length.toLocaleString("en")} cases, ${found[0].length.toLocaleString("en")} of them different or not compared`;
    };
    let restPlaces = [];
    let waiting = 0;
    folded.addEventListener("toggle", () => { if (folded.open) rest.fill(restPlaces); });
    for (const input of [chosenStep, chosenVerdict]) input.addEventListener("change", apply);
    text.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 60); });
    document.querySelector(".filters").addEventListener("submit", (event) => { event.preventDefault(); apply(); });
    apply();
  }
  reveal(location.hash);
})();
