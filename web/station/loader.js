// Starts Python in the page, shows the progress, stops after a stall, and explains failures.

const startup = document.getElementById("startup");
const text = document.getElementById("startup-text");
const progress = document.getElementById("startup-progress");
const amount = document.getElementById("startup-amount");
const link = document.getElementById("link");

class Obstacle extends Error {}

function stage(percent, words) {
  if ("failed" in startup.dataset) return; // the start has failed: ignore further progress
  progress.value = percent;
  text.textContent = words;
}

const lastLine = (error) => String(error?.message ?? error).trim().split("\n").pop();

function fail(error) {
  startup.dataset.failed = "";
  progress.hidden = amount.hidden = true;
  document.getElementById("startup-title").textContent = "The station could not start";
  text.setAttribute("role", "alert");
  text.textContent = error instanceof Obstacle ? error.message : (
    `Start-up failed: ${lastLine(error)} (A file of the page may be missing or broken. The browser's console may show more.)`
  );
  link.textContent = "Not started";
  link.dataset.tone = "bad";
}

// Reports a page policy that forbids WebAssembly, with which loadPyodide would wait indefinitely.
function expectWebAssembly() {
  if (typeof WebAssembly !== "object") {
    throw new Obstacle("Python needs WebAssembly, which this browser lacks. Current browsers support it, unless it is turned off.");
  }
  try {
    new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  } catch {
    throw new Obstacle(
      "This page is served with a Content-Security-Policy that forbids WebAssembly, which Python needs. " +
      "The web server must allow: script-src 'self' 'wasm-unsafe-eval'.",
    );
  }
}

// Watches the start. `ended` rejects after the first failure, or after some seconds without progress.
class Watch {
  constructor(seconds) {
    this.seconds = seconds;
    this.ended = new Promise((_, reject) => { this.break = reject; });
    this.renew();
  }

  renew() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.break(new Obstacle(
      `Python did not start: nothing happened for ${this.seconds} seconds. A proxy may hold a file back, or a ` +
      "policy or extension may forbid WebAssembly. The browser's console may show more. Reload the page to try again.",
    )), this.seconds * 1000);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

const nameOf = (source) => new URL(source.url ?? source, document.baseURI).pathname.split("/").pop();

function expectFile(answer, name) {
  if (!answer.ok) {
    throw new Obstacle(`The file ${name} is not available (HTTP ${answer.status}): the folder is incomplete.`);
  }
  if ((answer.headers.get("content-type") ?? "").startsWith("text/html")) {
    throw new Obstacle(`The server sends a web page instead of the file ${name}: the folder is incomplete.`);
  }
}

// Pyodide waits for missing or broken files and does not report them, so this watches what it fetches.
function watchFiles(watch, heard) {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;

  async function guarded(name, work) {
    try {
      return await work();
    } catch (error) {
      watch.break(error instanceof Obstacle ? error : new Obstacle(
        `The file ${name} could not be read: ${lastLine(error)}. It is missing or changed, or the connection was lost.`,
      ));
      throw error;
    }
  }

  function counted(answer, name) {
    const reader = answer.body.getReader();
    const body = new ReadableStream({
      async pull(controller) {
        const { done, value } = await guarded(name, () => reader.read());
        if (done) {
          controller.close();
        } else {
          heard(value.byteLength);
          controller.enqueue(value);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
    return new Response(body, { status: answer.status, headers: answer.headers });
  }

  globalThis.fetch = (source, options) => guarded(nameOf(source), async () => {
    const answer = await fetch(source, options);
    expectFile(answer, nameOf(source));
    return counted(answer, nameOf(source));
  });
  WebAssembly.instantiateStreaming = (...given) => (
    guarded("pyodide.asm.wasm", () => instantiateStreaming.apply(WebAssembly, given))
  );
  return () => {
    globalThis.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  };
}

async function readSite() {
  const answer = await fetch("site.json");
  expectFile(answer, "site.json");
  return answer.json();
}

// Shows the received bytes, which are 80 % of the progress. Screen readers read the text out, so it has no counter.
function showArrivals(watch, total) {
  let arrived = 0;
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  return (bytes) => {
    arrived += bytes;
    watch.renew();
    if (!total) return; // a cached site.json may be older
    progress.value = Math.max(progress.value, Math.min(80, 80 * arrived / total));
    amount.textContent = `${megabytes(Math.min(arrived, total))} of ${megabytes(total)} MB`;
  };
}

async function load(site, watch) {
  stage(0, "Fetching and starting Python");
  const { loadPyodide } = await import("./pyodide/pyodide.mjs");
  const pyodide = await loadPyodide({ lockFileURL: new URL(site.lock, document.baseURI).href });
  watch.renew();
  stage(85, "Installing the station");
  const problems = [];
  await pyodide.loadPackage(site.packages, {
    messageCallback: () => {},
    errorCallback: (problem) => problems.push(problem),
  });
  if (problems.length) {
    throw new Obstacle(`The station could not be installed: a file of the page is missing or changed. ${problems.join(" ")}`);
  }
  return pyodide;
}

async function start() {
  expectWebAssembly();
  const site = await readSite();
  const watch = new Watch(site.patience);
  const release = watchFiles(watch, showArrivals(watch, site.bytes));
  let pyodide;
  try {
    pyodide = await Promise.race([load(site, watch), watch.ended]);
  } finally {
    release();
    watch.stop();
  }
  stage(95, "Starting the station");
  await new Promise((painted) => setTimeout(painted)); // the next step blocks the page
  pyodide.pyimport("station_page.app").start(site.csms ?? undefined);
  stage(100, "Ready");
  startup.hidden = true;
  document.getElementById("bar-buttons").hidden = false;
  document.getElementById("station").inert = false;
}

try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "";
} catch {
  // Storage may be forbidden. Then the page follows the system.
}
start().catch(fail);
