"""A process that reads damaged files one by one; it may crash or hang without harm to its parent.

Each line of its input is a JSON list of kind, path and backend, each line of its output a JSON mapping.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

from brainsim.errors import BrainsimError, SilentWarning, UnusedWarning
from brainsim.simulate.hdf5 import apart
from specimens import KINDS, ChangedError, UntidyError, raw

COMPARED = ("state", "dump")  # kinds that are written again and compared, which finds content that was skipped


def attempt(kind: str, path: Path, backend: str) -> dict[str, Any]:
    """Read a file and return the outcome."""
    try:
        content = KINDS[kind](path, backend)
        return {"is": "loaded", "content": content, "raw": raw(path) if kind in COMPARED else None}
    except ChangedError:
        return {"is": "SILENT", "text": "refused, but the simulator has changed"}
    except UntidyError as error:
        return {"is": "TRACEBACK", "text": str(error)}
    except BrainsimError as error:
        text = str(error)
        # A refusal is one line that names the file, or the folder.
        tidy = "\n" not in text and (path.name in text or "out" in text)
        return {"is": "refused" if tidy else "TRACEBACK", "text": text}
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return {
            "is": "TRACEBACK",
            "text": f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})",
        }


def main() -> None:
    """Serve until the input ends."""
    replies = os.fdopen(os.dup(1), "w")
    sys.stdout = sys.stderr
    apart.SECONDS = 5.0  # HDF5 tries repeatedly to read damaged parts of a file that may be growing
    warnings.simplefilter("error")
    for category in (SilentWarning, UnusedWarning):
        warnings.simplefilter("ignore", category)
    for line in sys.stdin:
        kind, path, backend = json.loads(line)
        replies.write(json.dumps(attempt(kind, Path(path), backend)) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
