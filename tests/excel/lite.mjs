// main.py in Pyodide: `node lite.mjs PYODIDE MAIN` says "ready", then answers a request a line, [function, arguments].
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, main] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
const python = await loadPyodide({ indexURL: `${folder}/` });
await python.loadPackage("numpy", { messageCallback() {} });
// xlwings Lite itself is not here: its two decorators, as far as main.py goes, note what is told them.
python.runPython(`
import json, sys, types
def func(function):
    function.registered = True
    return function
def arg(name, **options):
    def noted(function):
        function.__dict__.setdefault("arguments", {})[name] = options
        return function
    return noted
sys.modules["xlwings"] = types.ModuleType("xlwings")
sys.modules["xlwings"].func, sys.modules["xlwings"].arg = func, arg
`);
python.runPython(readFileSync(main, "utf-8"));
python.runPython(`
def answer(line):
    name, arguments = json.loads(line)
    function = globals()[name]
    assert function.registered and all(options["ndim"] == 2 for options in vars(function).get("arguments", {}).values())
    return json.dumps(function(*arguments))
`);
console.log('"ready"');
for await (const line of createInterface({ input: process.stdin })) console.log(python.globals.get("answer")(line));
