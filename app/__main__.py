"""`python -m app [WORKSPACE]` opens the window; `--picture PNG WORKSPACE` writes the lineage without one."""

from __future__ import annotations

from app.main import main

if __name__ == "__main__":
    raise SystemExit(main())
