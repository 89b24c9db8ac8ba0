"""How does `python -m lineage` start? As the command line."""

from __future__ import annotations

import sys

from lineage.cli import main

if __name__ == "__main__":
    sys.exit(main())
