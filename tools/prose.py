"""Check the spelling and the wording of all text: ``python tools/prose.py [FILE ...]``.

codespell finds common misspellings and the words and phrases of ``tools/prose/words.txt``, which are not plain
scientific English.  Exceptions are in ``tools/prose/exceptions.txt``, each with its reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS, EXCEPTIONS = ROOT / "tools" / "prose" / "words.txt", ROOT / "tools" / "prose" / "exceptions.txt"
SUFFIXES = {".py", ".md", ".ipynb", ".toml", ".cfg", ".cff", ".yaml", ".yml", ".cu", ".cuh", ".js", ".css", ".html"}
FOLDERS = (".github", "areas", "brainsim", "docs", "experiments", "kernels", "notebooks", "tests", "tools")
_FOUND = re.compile(r"(?P<path>.+?):(?P<line>\d+): (?P<word>.+?) ==> (?P<instead>.+)")


def texts() -> list[Path]:
    """Return all text files of the project."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    found = [path for path in (*ROOT.iterdir(), *inside) if path.suffix in SUFFIXES and path.is_file()]
    return sorted(path for path in found if "_build" not in path.parts)


def exceptions() -> set[tuple[str, str]]:
    """Return the pattern of files and the word of each exception."""
    lines = [line for line in EXCEPTIONS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = [re.fullmatch(r"(\S+): (.+?)  # \S.*", line) for line in lines if line]
    if not all(found):
        raise SystemExit(f"{EXCEPTIONS}: each line must be 'file: word  # reason'")
    return {(match[1], match[2].lower()) for match in found if match}


def findings(files: Iterable[Path]) -> Iterator[tuple[str, str, str]]:
    """Yield the file, the word and the whole line of each finding of codespell, exceptions included."""
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
        path = os.path.relpath((ROOT / found["path"]).resolve(), ROOT).replace(os.sep, "/")
        yield path, found["word"].lower(), f"{path}:{found['line']}: {found['word']}: write {found['instead']}"


def main(files: list[str]) -> int:
    """Print the findings, and return an exit code."""
    allowed, seen = exceptions(), set()
    wrong = []
    for path, word, line in findings(map(Path, files) if files else texts()):
        seen.add((path, word))
        if not any(word == excepted and fnmatch(path, pattern) for pattern, excepted in allowed):
            wrong.append(line)
    if not files:
        unused = sorted(each for each in allowed if not any(each[1] == w and fnmatch(p, each[0]) for p, w in seen))
        wrong += [f"tools/prose/exceptions.txt: {path}: {word}: not needed; delete it" for path, word in unused]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
