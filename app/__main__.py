"""`python -m app [WORKSPACE]` opens the window; `--picture PNG WORKSPACE` writes the lineage without one."""

from __future__ import annotations

import os

# The matrices of a layout are small: more threads only cost more (set before numpy is first imported).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from app.main import main

if __name__ == "__main__":
    raise SystemExit(main())
