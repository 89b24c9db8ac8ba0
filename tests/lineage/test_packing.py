"""An evidence pack is checked without us: any changed byte is found by the program, by verify.py and by the page."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.cli import main
from lineage.evidence import packcheck
from lineage.packing import sealed, verify_pack

HERE = Path(packcheck.__file__)


@pytest.fixture(scope="module")
def packed(trail: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of the sample company's register."""
    path = tmp_path_factory.mktemp("pack") / "pack.zip"
    with lineage.open(trail) as workspace:
        (item,) = workspace.pack(path).items
    assert item["failed"] == []
    return path


def members(path: Path) -> dict[str, bytes]:
    """The files in a pack."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resealed(changed: dict[str, bytes]) -> bytes:
    """A pack whose manifest was made anew after a change, as a forger with our code would."""
    told = json.loads(changed.pop("manifest.json"))
    del changed["manifest.sha256"], told["files"]
    return sealed(changed, told)


def test_a_pack_is_whole_and_has_the_same_bytes_each_time(packed: Path, trail: Path, tmp_path: Path) -> None:
    """Report, data, every record that the report cites, proofs, note, both verifiers; made twice, it is equal."""
    held = members(packed)
    assert {
        "report/deployments.html",
        "report/deployments.csv",
        "report/deployments.xlsx",
        "verify.py",
    } <= set(held)
    cited = set(re.findall(rb'"record": ?(\d+)', held["report/deployments.json"]))
    assert cited
    assert {f"evidence/{int(number)}.raw" for number in cited} <= set(held)
    with lineage.open(trail) as workspace:
        workspace.pack(tmp_path / "again.zip")
        assert json.loads(held["manifest.json"])["root"] == workspace.verify().items[0]["root"]
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_a_bare_python_checks_it(packed: Path, tmp_path: Path) -> None:
    """verify.py from the pack, in isolated mode without any installed package, says 0; for a changed pack 1."""
    script = tmp_path / "verify.py"
    script.write_bytes(members(packed)["verify.py"])
    run = [sys.executable, "-I", "-S", str(script)]
    done = subprocess.run([*run, str(packed)], capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["checked"]["records"] > 10
    body = bytearray(packed.read_bytes())
    body[len(body) // 3] ^= 1
    (tmp_path / "bad.zip").write_bytes(body)
    assert subprocess.run([*run, str(tmp_path / "bad.zip")], capture_output=True, check=False).returncode == 1


def test_any_changed_byte_is_found(packed: Path) -> None:
    """Places drawn over the whole file: content, names, headers, directory."""
    whole = packed.read_bytes()
    draw = random.Random(7)
    for place in [0, 10, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(40))]:
        body = bytearray(whole)
        body[place] ^= 1 << draw.randrange(8)
        assert packcheck.check(bytes(body))["failed"], place
    assert packcheck.check(whole + b"x")["failed"]
    assert packcheck.check(whole[:-1])["failed"]


def forged(held: dict[str, bytes]) -> list[tuple[str, str, dict[str, bytes]]]:
    """What a forger could change, what is expected to be found, and where it is to be named."""
    raw = next(name for name in held if name.startswith("evidence/") and name.endswith(".raw"))
    number = raw.split("/")[1].removesuffix(".raw")
    index = [json.loads(line) for line in held["evidence/index.ndjson"].splitlines()]
    moved = [{**item, "line": item["line"] + 1} if str(item["record"]) == number else item for item in index]
    proofs = held["proofs/inclusion.ndjson"].splitlines()
    earlier = json.loads(held["proofs/consistency.json"])
    earlier.append({"tree_size": 3, "root": "00" * 32, "hashes": ["11" * 32]})
    return [
        ("evidence", f"record {number}", {raw: held[raw] + b" "}),
        (
            "proof",
            f"record {number}",
            {"evidence/index.ndjson": b"\n".join(json.dumps(one).encode() for one in moved)},
        ),
        ("proof", "record", {"proofs/inclusion.ndjson": b"\n".join(proofs[1:])}),
        ("proof", "checkpoint at 3", {"proofs/consistency.json": json.dumps(earlier).encode()}),
    ]


@pytest.mark.parametrize("case", range(4))
def test_a_forger_who_makes_the_manifest_anew_is_found_by_the_proofs(packed: Path, case: int) -> None:
    """Evidence, places, proofs and earlier checkpoints hold by themselves, and the record is named."""
    held = members(packed)
    what, where, change = forged(held)[case]
    failed = packcheck.check(resealed({**held, **change}))["failed"]
    assert {item["what"] for item in failed} == {what}
    assert any(item["where"].startswith(where) for item in failed)


@pytest.mark.parametrize("name", ["report/deployments.csv", "checkpoint.note", "manifest.json", "verify.py"])
def test_a_changed_file_is_named(packed: Path, name: str) -> None:
    """Report, note and manifest are held by the manifest and its hash."""
    held = members(packed)
    held[name] = held[name].replace(b"e", b"f", 1)
    failed = packcheck.check(packcheck.zip_bytes(held))["failed"]
    assert name in {item["where"] for item in failed}


def page_says(packs: list[bytes], tmp_path: Path) -> list[dict[str, Any]]:
    """What the page's own script says of packs, run without a browser."""
    page = (Path(lineage.__file__).parents[1] / "resources" / "templates" / "verify.html").read_text("utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    names = []
    for number, body in enumerate(packs):
        (tmp_path / f"{number}.zip").write_bytes(body)
        names.append(str(tmp_path / f"{number}.zip"))
    ask = (
        "(async()=>{const fs=require('fs');globalThis.crypto??=require('crypto').webcrypto;"
        f"for(const n of {json.dumps(names)})"
        "console.log(JSON.stringify(await check(new Uint8Array(fs.readFileSync(n)))))"
        "})()"
    )
    (tmp_path / "page.cjs").write_text(script + ask, "utf-8")
    done = subprocess.run(["node", str(tmp_path / "page.cjs")], capture_output=True, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("node") is None, reason="the page's script runs in a browser or in node")
def test_the_page_says_the_same(packed: Path, tmp_path: Path) -> None:
    """The sound pack, every forgery, and bytes changed in the content: found and named as by verify.py."""
    whole = packed.read_bytes()
    held = members(packed)
    packs = [whole, *(resealed({**held, **change}) for _, _, change in forged(held))]
    sound, *others = page_says(packs, tmp_path)
    ours = packcheck.check(whole)
    assert (sound["failed"], sound["checked"], sound["root"]) == ([], ours["checked"], ours["root"])
    for said, body in zip(others, packs[1:], strict=True):
        assert said["failed"] == packcheck.check(body)["failed"]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        starts = [
            entry.header_offset + 30 + len(entry.filename) for entry in archive.infolist() if entry.file_size
        ]
    changed = []
    for start in starts[:: max(1, len(starts) // 15)]:
        body = bytearray(whole)
        body[start] ^= 1
        changed.append(bytes(body))
    assert all(said["failed"] for said in page_says(changed, tmp_path))


def test_the_page_reaches_for_nothing_outside(packed: Path) -> None:
    """No address, no request; the policy forbids both."""
    page = members(packed)["verify.html"].decode()
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page


def test_the_command_line_packs_and_checks(
    trail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], packed: Path
) -> None:
    """No workspace is needed to check; 0 for a sound pack, 1 for a changed one, 2 for none."""
    path = tmp_path / "p.zip"
    assert main(["-w", str(trail), "pack", "-o", str(path), "--from", "2026-05-01"]) == 0
    assert main(["verify", str(path)]) == 0
    path.write_bytes(path.read_bytes().replace(b"eta-parcel", b"eta-parcem", 1))
    assert main(["verify", str(path)]) == 1
    assert main(["verify", str(tmp_path / "none.zip")]) == 2
    capsys.readouterr()
    assert verify_pack(packed).items[0]["failed"] == []
    assert HERE.name == "packcheck.py"
