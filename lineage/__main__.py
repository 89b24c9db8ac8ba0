"""How does `python -m lineage` start? As the command line, behind everybody else where the window asks for that.

`MODELTRAIL_NICE` is by how much the process steps back; the window sets it for imports, so that it stays smooth itself.
"""

from __future__ import annotations

import os
import sys

from lineage.cli import main

if __name__ == "__main__":
    if os.environ.get("MODELTRAIL_NICE", "").isdigit() and hasattr(os, "nice"):
        os.nice(int(os.environ["MODELTRAIL_NICE"]))
    sys.exit(main())
