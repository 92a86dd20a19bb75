// Runs a program in Pyodide: node in_pyodide.mjs FOLDER MOUNTS PROGRAM
// FOLDER holds node_modules/pyodide; MOUNTS is JSON, a place in Pyodide and the folder or file that it shows.
import { readFileSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, mounts, program] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/node_modules/pyodide/pyodide.mjs`));
const python = await loadPyodide();
for (const [place, source] of Object.entries(JSON.parse(mounts))) {
  if (statSync(source).isDirectory()) python.mountNodeFS(place, source);
  else python.FS.writeFile(place, readFileSync(source));
}
try {
  await python.runPythonAsync(readFileSync(program, "utf8"));
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
}
