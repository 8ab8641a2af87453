// Loads Python, installs our wheel, runs every case of the plan in this one page, and posts what happened.
import { loadPyodide } from "/pyodide/pyodide.mjs";

const complaints = [];
globalThis.takeComplaints = () => complaints.splice(0);

// Some browsers repeat the message in the stack, others do not.
const described = (what) => (what?.stack ? `${what}\n${what.stack}` : `${what}`);
const complain = (kind, what) => complaints.push(`${kind}: ${described(what)}`);
const consoleError = console.error;
console.error = (...what) => {
  complain("console.error", what.map(described).join(" "));
  consoleError.apply(console, what);
};
addEventListener("error", (event) => complain("error event", event.error ?? event.message));
addEventListener("unhandledrejection", (event) => complain("unhandled rejection", event.reason));

const post = (path, facts) => fetch(path, { method: "POST", body: JSON.stringify(facts) });

try {
  const plan = await (await fetch("/plan.json")).text();
  const pyodide = await loadPyodide({
    indexURL: "/pyodide/",
    lockFileURL: new URL("/pyodide-lock.json", location).href,
    packages: ["ocpp-ws-io"],
    stderr: (line) => complain("stderr", line),
  });
  pyodide.FS.mkdirTree("/page");
  pyodide.FS.writeFile("/page/plan.json", plan);
  for (const [name, text] of Object.entries(JSON.parse(plan).files)) {
    pyodide.FS.writeFile(`/page/${name}`, text);
  }
  await pyodide.runPythonAsync(`
import sys
sys.path.insert(0, "/page")
from runner import run_all
await run_all()
`);
  await post("/over", { failure: null, complaints: complaints.splice(0) });
} catch (error) {
  await post("/over", { failure: `${error?.stack ?? error}`, complaints: complaints.splice(0) });
}
console.log("all cases have ended");
