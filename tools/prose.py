"""Check the spelling and the wording of all text: ``python tools/prose.py [FILE ...]``.

codespell finds common misspellings and the words and phrases of ``tools/prose/words.txt``, which are not plain
scientific English.  Exceptions are in ``tools/prose/exceptions.txt``, each with its reason.

In Python files, the names of functions and classes and the ids of parametrised tests are checked, too: the words of
``ReadOut`` and ``read_out`` are "read out".  ``tools/prose/names.txt`` has the names that stay, each with its reason.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS, EXCEPTIONS, NAMES = (ROOT / "tools" / "prose" / f"{name}.txt" for name in ("words", "exceptions", "names"))
SUFFIXES = {".py", ".md", ".ipynb", ".toml", ".cfg", ".cff", ".yaml", ".yml", ".cu", ".cuh", ".js", ".css", ".html"}
FOLDERS = (".github", "areas", "brainsim", "docs", "experiments", "kernels", "notebooks", "tests", "tools")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_FOUND = re.compile(r"(?P<path>.+?):(?P<line>\d+): (?P<word>.+?) ==> (?P<instead>.+)")


def texts() -> list[Path]:
    """Return all text files of the project."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    found = [path for path in (*ROOT.iterdir(), *inside) if path.suffix in SUFFIXES and path.is_file()]
    return sorted(path for path in found if "_build" not in path.parts)


def exceptions() -> set[tuple[str, str]]:
    """Return the pattern of files and the word of each exception."""
    found = _entries(EXCEPTIONS, r"(\S+): (.+?)", "file: word")
    return {(match[1], match[2].lower()) for match in found}


def names_that_stay() -> set[str]:
    """Return the names that may have any words."""
    return {match[1] for match in _entries(NAMES, r"(\w+)", "name")}


def _entries(path: Path, form: str, shown: str) -> list[re.Match[str]]:
    """Return what the lines of a list have before their reasons."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    found = [match for line in lines if (match := re.fullmatch(rf"{form}  # \S.*", line))]
    if len(found) < len(lines):
        raise SystemExit(f"{path}: each line must be '{shown}  # reason'")
    return found


def definitions(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each function, class and parametrised case that a Python file defines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.keyword) and node.arg in ("id", "ids"):
            for each in ast.walk(node.value):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield each.lineno, each.value


def words_of(name: str) -> str:
    """Return the words of a name, between blanks: those between underscores, and of camel case."""
    return " ".join(part.lower() for part in _PART.findall(name))


def findings_in_names(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Yield the name and the whole line of each finding in a name, names that stay included."""
    defined = [(path, *each) for path in files if path.suffix == ".py" for each in definitions(path)]
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "names.txt"
        text.write_text("".join(f"{words_of(name)}\n" for _, _, name in defined), encoding="utf-8")
        for _, at, word, instead in _found([text]):
            path, line, name = defined[at - 1]
            yield name, f"{_shown(path)}:{line}: {word} in the name {name!r}: write {instead}"


def findings(files: Iterable[Path]) -> Iterator[tuple[str, str, str]]:
    """Yield the file, the word and the whole line of each finding in text, exceptions included."""
    for path, at, word, instead in _found(files):
        shown = _shown(path)
        yield shown, word.lower(), f"{shown}:{at}: {word}: write {instead}"


def _shown(path: Path) -> str:
    return os.path.relpath((ROOT / path).resolve(), ROOT).replace(os.sep, "/")


def _found(files: Iterable[Path]) -> Iterator[tuple[Path, int, str, str]]:
    """Yield the file, the line, the word and the replacement of each finding of codespell."""
    phrases = [line.split("->")[0] for line in WORDS.read_text(encoding="utf-8").splitlines()]
    longest_first = sorted((phrase for phrase in phrases if " " in phrase), key=len, reverse=True)
    pattern = "|".join([*(rf"(?i:\b{phrase}\b)" for phrase in longest_first), r"[\w\-'’]+"])
    picture = r'"image/png": "[^"]*"'  # of a notebook, as base64
    options = [f"--dictionary=-,{WORDS}", f"--regex={pattern}", f"--ignore-regex={picture}"]
    no_settings = ["--config=/dev/null", "--toml=/dev/null"]
    command = [sys.executable, "-m", "codespell_lib", *options, *no_settings, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT)
    if done.returncode not in (0, 65):  # 65: codespell found something
        raise SystemExit(done.stderr)
    for line in done.stdout.splitlines():
        found = _FOUND.fullmatch(line)
        if found is None:
            raise SystemExit(f"codespell: {line}")
        yield Path(found["path"]), int(found["line"]), found["word"], found["instead"]


def main(files: list[str]) -> int:
    """Print the findings, and return an exit code."""
    checked = [Path(name) for name in files] or texts()
    allowed, stay, seen, kept = exceptions(), names_that_stay(), set(), set()
    wrong = []
    for path, word, line in findings(checked):
        seen.add((path, word))
        if not any(word == excepted and fnmatch(path, pattern) for pattern, excepted in allowed):
            wrong.append(line)
    for name, line in findings_in_names(checked):
        kept.add(name)
        if name not in stay:
            wrong.append(line)
    if not files:
        unused = sorted(each for each in allowed if not any(each[1] == w and fnmatch(p, each[0]) for p, w in seen))
        wrong += [f"tools/prose/exceptions.txt: {path}: {word}: not needed; delete it" for path, word in unused]
        wrong += [f"tools/prose/names.txt: {name}: not needed; delete it" for name in sorted(stay - kept)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
