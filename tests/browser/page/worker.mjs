// Python in a dedicated worker: loads it, runs the text it is sent, and posts its value.
import { loadPyodide } from "/pyodide/pyodide.mjs";

addEventListener("message", async ({ data }) => {
  try {
    const pyodide = await loadPyodide({
      indexURL: "/pyodide/",
      lockFileURL: new URL("/pyodide-lock.json", location).href,
      packages: ["ocpp-ws-io"],
    });
    postMessage(await pyodide.runPythonAsync(data));
  } catch (error) {
    postMessage(`${error}`);
  }
});
