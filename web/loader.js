// Starts Python in the page: says what it does meanwhile, gives up after a time, and explains what went wrong.

const startup = document.getElementById("startup");
const text = document.getElementById("startup-text");
const progress = document.getElementById("startup-progress");
const link = document.getElementById("link");

class Obstacle extends Error {}

function stage(number, words) {
  progress.value = number;
  text.textContent = words;
}

const lastLine = (error) => String(error?.message ?? error).trim().split("\n").pop();

function fail(error) {
  startup.dataset.failed = "";
  progress.hidden = true;
  document.getElementById("startup-title").textContent = "The station could not start";
  text.setAttribute("role", "alert");
  text.textContent = error instanceof Obstacle ? error.message : (
    `Start-up failed: ${lastLine(error)} (A file of the page may be missing or broken; the browser's console may tell.)`
  );
  link.textContent = "Not started";
  link.dataset.tone = "bad";
}

// A page policy that forbids WebAssembly is told here at once; loadPyodide would wait for ever.
function expectWebAssembly() {
  if (typeof WebAssembly !== "object") {
    throw new Obstacle("This browser has no WebAssembly, in which Python runs. Any current browser has it, unless it is turned off.");
  }
  try {
    new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  } catch {
    throw new Obstacle(
      "This page is served with a Content-Security-Policy that forbids WebAssembly, in which Python runs. " +
      "Whoever serves it has to allow: script-src 'self' 'wasm-unsafe-eval'.",
    );
  }
}

function within(seconds, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Obstacle(
      `Python did not start within ${seconds} seconds. The line may be slow, a file of the page may be held back, or a ` +
      "policy or extension may forbid WebAssembly; the browser's console may tell. Reload the page to try again.",
    )), seconds * 1000);
  });
  return Promise.race([promise, late]);
}

async function readSite() {
  const answer = await fetch("site.json");
  if (!answer.ok) {
    throw new Obstacle(`The file site.json of this page cannot be had (HTTP ${answer.status}): the folder is incomplete.`);
  }
  return answer.json();
}

async function start() {
  expectWebAssembly();
  const site = await readSite();
  stage(1, "Fetching Python, 6 MB the first time");
  const pyodide = await within(site.patience, (async () => {
    const { loadPyodide } = await import("./pyodide/pyodide.mjs");
    return loadPyodide({ lockFileURL: new URL(site.lock, document.baseURI).href });
  })());
  stage(2, "Installing the station");
  const problems = [];
  await within(site.patience, pyodide.loadPackage(site.packages, {
    messageCallback: () => {},
    errorCallback: (problem) => problems.push(problem),
  }));
  if (problems.length) {
    throw new Obstacle(`The station could not be installed; a file of the page is missing or was changed. ${problems.join(" ")}`);
  }
  stage(3, "Starting the station");
  pyodide.pyimport("station_page.app").start(site.csms ?? undefined);
  stage(4, "Ready");
  startup.hidden = true;
  document.getElementById("bar-buttons").hidden = false;
  document.getElementById("station").inert = false;
}

try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "";
} catch {
  // Storage may be forbidden; then the page follows the system.
}
start().catch(fail);
