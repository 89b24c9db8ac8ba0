"""How are the sample's files written? `python -m resources.sample DIR`."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path

from resources.sample import kubernetes, mlflow, openlineage, people, sla
from resources.sample.drawn import at

_COLLECTED = at("2026-11-20 06:30:00")


def write(folder: Path) -> list[str]:
    """Write every file below `folder`, replacing older ones; return their names.

    The files also get the time they were exported at, for readers that date a listing by it.
    """
    made = openlineage.contents() | kubernetes.contents() | sla.contents() | {people.NAME: people.content()}
    for name, content in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        _date(path, kubernetes.DUMPED if name in kubernetes.DUMPS.values() else _COLLECTED)
    for name, as_of in mlflow.FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        mlflow.write(path, as_of)
        _date(path, as_of)
    return sorted([*made, *mlflow.FILES])


def _date(path: Path, moment: datetime) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def main() -> int:
    """Write the sample into the folder that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m resources.sample",
        description="Write the files of an invented company, for trying the product.",
        epilog="example: python -m resources.sample build/sample",
    )
    parser.add_argument("folder", type=Path, help="where to write; made if it does not exist")
    folder = parser.parse_args().folder
    try:
        names = write(folder)
    except OSError as error:
        print(
            f"cannot write {error.filename or folder}: {error.strerror}; choose another folder",
            file=sys.stderr,
        )
        return 2
    size = sum((folder / name).stat().st_size for name in names)
    print(f"{len(names)} files, {size:,} bytes, in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
