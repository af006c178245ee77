// Drives a real Chromium through the pages: `node run.mjs PLAN.json`. Says what is wrong, one line each, and exits 1; what was looked at
// goes to standard output as JSON.
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const plan = JSON.parse(await readFile(process.argv[2], "utf8"));
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
const fault = (where, what) => wrong.push(`${where}: ${what}`);
const counts = { pages: 0, layouts: 0, axe: 0, shots: 0 };
const WIDTHS = [360, 1024, 1920];
const mark = (url, lang) => url + (url.includes("?") ? "&" : "?") + `lang=${lang}`;

const browser = await puppeteer.launch({
  executablePath: plan.chromium,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"],
  protocolTimeout: 60_000,
});

/** A tab that remembers what no page of ours may do. */
async function tab(scripts) {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(scripts);
  page.where = "";
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!plan.origins.includes(url.origin) && url.protocol !== "data:") fault(page.where, `asks ${request.url()}`);
  });
  page.on("console", (said) => {
    if (["error", "warn"].includes(said.type()) && !said.text().includes("status of 4")) fault(page.where, `console: ${said.text()}`);
  });
  page.on("pageerror", (error) => fault(page.where, `script: ${error.message}`));
  page.on("dialog", async (dialog) => {
    fault(page.where, `dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.evaluateOnNewDocument(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return page;
}

/** What sticks out of the window sideways. */
const sticking = () => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const inside = (element) => element.closest(".scroll, pre, .hidden, .skip");
  return [...document.querySelectorAll("body *")]
    .filter((element) => !inside(element) && element.getBoundingClientRect().right > wide + 1)
    .slice(0, 3)
    .map((element) => `<${element.localName} class="${element.className}"> ${element.textContent.trim().slice(0, 40)}`);
};

async function accessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, {
      resultTypes: ["violations"],
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    }),
  );
  counts.axe += 1;
  for (const one of found.violations) {
    const places = one.nodes.slice(0, 2).map((node) => `${node.target.join(" ")} (${node.any[0]?.message ?? node.html.slice(0, 80)})`);
    if (["serious", "critical"].includes(one.impact)) fault(where, `axe ${one.impact} ${one.id}: ${places.join("; ")}`);
    else plan.lesser.push(`${where}: ${one.impact} ${one.id}: ${places[0]}`);
  }
}

async function shot(page, name) {
  if (!plan.shots) return;
  await mkdir(plan.shots, { recursive: true });
  await page.screenshot({ path: `${plan.shots}/${name}.png`, fullPage: true });
  counts.shots += 1;
}

async function look(page, width, dark) {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  await page.setViewport({ width, height: 900 });
}

plan.lesser = [];
/** Every page, both languages, with and without scripts: three widths, light and dark. */
async function matrix(scripts) {
  const page = await tab(scripts);
  for (const { name, url, status } of plan.pages) {
    for (const lang of ["en", "fr"]) {
      await look(page, 1024, false);
      page.where = `${name} ${lang}${scripts ? "" : " without scripts"}`;
      const answer = await page.goto(mark(url, lang), { waitUntil: "load" });
      counts.pages += 1;
      if (answer.status() !== (status ?? 200)) fault(page.where, `status ${answer.status()}`);
      // Full counts judge everything; otherwise each page is judged wide and dark in one language, narrow and light in the other.
      const full = plan.long ? WIDTHS.flatMap((width) => [[width, false], [width, true]]) : [];
      const few = scripts ? [lang === "en" ? [1024, true] : [360, false]] : [];
      const looked = plan.long ? full : few;
      for (const width of WIDTHS) {
        await look(page, width, false);
        counts.layouts += 1;
        for (const what of await page.evaluate(sticking)) fault(`${page.where} at ${width}`, `sticks out: ${what}`);
        if (scripts) await shot(page, `${name}-${lang}-${width}`);
      }
      for (const [width, dark] of looked) {
        await look(page, width, dark);
        const where = `${page.where} at ${width}${dark ? " dark" : ""}`;
        for (const what of dark ? await page.evaluate(sticking) : []) fault(where, `sticks out: ${what}`);
        // axe waits by timers, which do not run where scripts are off: there it is the markup's turn alone.
        if (scripts) await accessible(page, where);
        if (dark && scripts && lang === "en") await shot(page, `${name}-${lang}-${width}-dark`);
      }
      const seen = await page.evaluate(() => ({
        lang: document.documentElement.lang,
        headings: document.querySelectorAll("h1").length,
        override: /[\u202a-\u202e]/.test(document.body.textContent),
        ran: Boolean(globalThis.ran) || document.title === "ran",
        pictures: [...document.images].map((image) => image.getAttribute("src")).filter((src) => !src.startsWith("/assets/")),
        handlers: document.querySelectorAll("[onload],[onerror],[onclick],[style]").length,
        scripts: [...document.scripts].filter((one) => !one.src.includes("/assets/vigie-") || one.textContent).length,
      }));
      if (!seen.lang.startsWith(lang)) fault(page.where, `says it is ${seen.lang}`);
      if (seen.headings !== 1) fault(page.where, `${seen.headings} first headings`);
      if (seen.override) fault(page.where, "a character that turns the writing direction is in the page");
      if (seen.ran || seen.pictures.length || seen.handlers || seen.scripts) fault(page.where, `runs or fetches: ${JSON.stringify(seen)}`);
    }
  }
  await page.close();
}

/** Tab keys until `found` says so; what was passed. */
async function tabbed(page, found, most = 120) {
  const passed = [];
  for (let step = 0; step < most; step++) {
    await page.keyboard.press("Tab");
    const here = await page.evaluate(() => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      return {
        name: at.localName,
        id: at.id,
        href: at.getAttribute("href") ?? "",
        group: at.closest("[data-moves], .hits, .facets, .timeline, .short, .downloads, .filters, .chain")?.className ?? "",
        text: at.textContent.trim().slice(0, 40),
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.height > 0,
      };
    });
    passed.push(here);
    if (here.name !== "body" && (!here.ring || !here.seen)) fault(page.where, `no focus ring on <${here.name}> ${here.text}`);
    if (found(here)) return passed;
  }
  fault(page.where, `the tab key does not reach ${found}`);
  return passed;
}

async function keyboard(scripts) {
  const page = await tab(scripts);
  await look(page, 1024, false);
  page.where = `keyboard${scripts ? "" : " without scripts"}`;
  await page.goto(mark(plan.walk.search, "en"), { waitUntil: "load" });
  const passed = await tabbed(page, (here) => here.group.includes("facets"));
  if (passed[0].href !== "#main") fault(page.where, `the first stop is ${passed[0].text}, not the way to the content`);
  for (const place of ["q", "hits"]) {
    if (!passed.some((here) => here.id === place || here.group.includes(place))) fault(page.where, `${place} was not passed`);
  }
  await page.goto(mark(plan.walk.record, "en"), { waitUntil: "load" });
  const proof = await tabbed(page, (here) => here.group.includes("downloads") && here.href.includes("part=answer"));
  if (!proof.some((here) => here.href.endsWith("/bundle"))) fault(page.where, "the proof was not passed");
  await page.goto(mark(plan.walk.calendar, "en"), { waitUntil: "load" });
  const cell = (here) => here.href.includes("day=");
  const before = await tabbed(page, cell);
  if (scripts) {
    const first = before.at(-1).href;
    await page.keyboard.press("ArrowLeft");
    const moved = await page.evaluate(() => document.activeElement.getAttribute("href"));
    if (moved === first || !moved.includes("day=")) fault(page.where, `the arrow key leads to ${moved}`);
    const told = await page.evaluate(() => document.querySelector("[data-readout]").textContent);
    if (told.length < 10) fault(page.where, "the cell in focus is not told");
    const after = await tabbed(page, (here) => !cell(here), 6);
    if (after.some((here) => here.href.includes("day="))) fault(page.where, "the calendar is more than one stop");
  }
  await page.close();
}

/** Text of right-to-left scripts runs so, and stands isolated. */
async function bidi() {
  const page = await tab(true);
  await look(page, 1024, false);
  for (const url of plan.rtl) {
    page.where = `right to left ${url.replace(/.*\/\/[^/]*/, "")}`;
    await page.goto(mark(url, "en"), { waitUntil: "load" });
    const seen = await page.evaluate(() => {
      const strong = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
      const all = [...document.querySelectorAll("main *")].filter((element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && strong.test(node.data)),
      );
      const loose = all.filter((element) => {
        const holder = element.closest("[dir=auto], bdi, [dir=ltr]");
        return !holder || !["isolate", "isolate-override", "plaintext"].includes(getComputedStyle(holder).unicodeBidi);
      });
      const heading = document.querySelector("h1[dir=auto], h3[dir=auto]");
      return {
        all: all.length,
        loose: loose.map((element) => `<${element.localName} class="${element.className}"> ${element.textContent.slice(0, 30)}`),
        direction: heading && strong.test(heading.textContent[0]) ? getComputedStyle(heading).direction : "rtl",
        marks: [...document.querySelectorAll("mark")].map((mark) => mark.textContent),
      };
    });
    if (seen.all === 0) fault(page.where, "there is no such text");
    if (seen.loose.length) fault(page.where, `stands loose: ${seen.loose.join("; ")}`);
    if (seen.direction !== "rtl") fault(page.where, `the heading runs ${seen.direction}`);
    if (url.includes("q=%") && !seen.marks.some((text) => /[\u0590-\u08ff]/.test(text))) fault(page.where, `nothing is marked: ${seen.marks}`);
  }
  await page.close();
}

/** On paper: addresses of links, no navigation, nothing cut. And in colours that a reader has forced. */
async function paper() {
  const page = await tab(true);
  page.where = "print";
  await page.goto(mark(plan.walk.record, "fr"), { waitUntil: "load" });
  await page.emulateMediaType("print");
  const seen = await page.evaluate(() => {
    const gone = (selector) => [...document.querySelectorAll(selector)].every((element) => element.getClientRects().length === 0);
    const link = document.querySelector(".revisions h3 a");
    return {
      navigation: gone(".sections, .aside, .skip, .crumbs"),
      address: getComputedStyle(link, "::after").content,
      answers: document.querySelectorAll(".chain > li").length,
    };
  });
  if (!seen.navigation) fault(page.where, "navigation is printed");
  if (!/\/record\/|attr\(href\)/.test(seen.address)) fault(page.where, `links do not say where they lead: ${seen.address}`);
  if (seen.answers !== 5) fault(page.where, `${seen.answers} answers`);
  const pdf = await page.pdf({ format: "Letter" });
  if (pdf.length < 20_000) fault(page.where, `a document of ${pdf.length} bytes`);
  if (plan.shots) await writeFile(`${plan.shots}/record-fr.pdf`, pdf);
  await page.emulateMediaType("screen");
  page.where = "forced colours";
  const session = await page.createCDPSession();
  await session.send("Emulation.setEmulatedMedia", { features: [{ name: "forced-colors", value: "active" }] });
  await page.goto(mark(plan.walk.calendar, "en"), { waitUntil: "load" });
  const forced = await page.evaluate(() => ({
    on: matchMedia("(forced-colors: active)").matches,
    grounds: new Set([...document.querySelectorAll(".legend .slot")].map((slot) => getComputedStyle(slot).backgroundColor + slot.textContent)).size,
    all: document.querySelectorAll(".legend .slot").length,
  }));
  if (!forced.on || forced.grounds < forced.all - 1) fault(page.where, JSON.stringify(forced));
  await shot(page, "forced-colours");
  await page.close();
}

/** From the search to the five answers and the bytes, as a reviewer goes. */
async function questions(scripts) {
  const page = await tab(scripts);
  const { start, words, answers, body, robots } = plan.questions;
  await look(page, 1024, false);
  page.where = `five questions${scripts ? "" : " without scripts"}`;
  await page.goto(mark(start, "en"), { waitUntil: "load" });
  await page.type("#q", words);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await Promise.all([page.waitForNavigation(), page.click(".hit h3 a")]);
  const seen = await page.evaluate(() =>
    [...document.querySelectorAll(".chain > li")].map((section) => ({
      id: section.id,
      text: section.innerText.replace(/[\u2068\u2069]/g, "").replace(/\s+/g, " "),
      downloads: [...section.querySelectorAll(".downloads a")].map((link) => link.href),
    })),
  );
  for (const [id, wanted] of Object.entries(answers)) {
    const section = seen.find((one) => one.id === id);
    for (const text of wanted) {
      if (!section?.text.includes(text)) fault(page.where, `the answer \`${id}\` does not say \`${text}\`: ${section?.text.slice(0, 400)}`);
    }
  }
  const links = Object.fromEntries(seen.flatMap((one) => one.downloads).map((href) => [new URL(href).searchParams.get("part"), href]));
  const fetched = async (href) => {
    const answer = await fetch(href);
    if (!answer.headers.get("content-disposition")?.startsWith("attachment")) fault(page.where, `${href} opens in the browser`);
    return Buffer.from(await answer.arrayBuffer());
  };
  for (const [part, wanted] of [["body", body], ["robots", robots]]) {
    const bytes = await fetched(links[part]);
    const digest = createHash("sha256").update(bytes).digest("hex");
    if (digest !== wanted) fault(page.where, `${part}: ${bytes.length} bytes with the digest ${digest}, not ${wanted}`);
    if (!seen.some((one) => one.text.includes(digest))) fault(page.where, `the digest of ${part} is not on the page`);
  }
  const bundle = await page.$eval(".proveit a.button", (link) => link.href);
  await writeFile(plan.questions.bundle, await fetched(bundle));
  await page.close();
}

const times = {};
for (const [name, walk] of [
  ["matrix", () => matrix(true)],
  ["matrix without scripts", () => matrix(false)],
  ["keyboard", () => keyboard(true)],
  ["keyboard without scripts", () => keyboard(false)],
  ["questions", () => questions(true)],
  ["questions without scripts", () => questions(false)],
  ["bidi", bidi],
  ["paper", paper],
]) {
  const begun = Date.now();
  try {
    await walk();
  } catch (why) {
    fault(name, why.stack);
  }
  times[name] = Date.now() - begun;
}
await browser.close();
console.log(JSON.stringify({ ...counts, times, lesser: [...new Set(plan.lesser)] }));
for (const line of new Set(wrong)) console.error(line);
process.exit(wrong.length ? 1 : 0);
