"""Are the rules kept that no tool knows?"""

import ast
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PRODUCT = ("app", "lineage", "resources", "packaging")
# 400 is the aim; past this a module does more than one thing.
LONGEST = 450
EMPTY_WORDS = {
    "manager",
    "helper",
    "helpers",
    "util",
    "utils",
    "handler",
    "handlers",
    "misc",
    "data",
    "info",
    "common",
}
# Each of these runs code that lies in the file it reads.
UNSAFE_MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "jsonpickle",
    "joblib",
}
UNSAFE_YAML = {"unsafe_load", "unsafe_load_all", "full_load", "full_load_all", "UnsafeLoader", "FullLoader"}


@cache
def modules() -> list[tuple[str, str, ast.Module]]:
    """Every module of the product: its path in the checkout, its text, its tree."""
    found = []
    for folder in PRODUCT:
        for path in sorted((TOP / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            found.append((path.relative_to(TOP).as_posix(), text, ast.parse(text)))
    return found


def committed() -> list[Path]:
    """The files under version control; all tests of them are skipped where that is not known."""
    if not (TOP / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no checkout, or git is not here")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=True)
    return [path for path in (TOP / name for name in done.stdout.split("\0") if name) if path.is_file()]


def family(source: str) -> str:
    """The format that a module of `lineage.sources` reads: the first word of its name."""
    return source.lstrip("_").partition("_")[0]


def test_every_module_says_what_question_it_answers():
    """A module starts with a docstring whose first sentence stands alone."""
    silent = []
    for name, _text, tree in modules():
        first = (ast.get_docstring(tree) or "").partition("\n\n")[0]
        if not re.search(r"[.?!](\s|$)", first):
            silent.append(name)

    assert silent == []


def test_no_module_is_longer_than_one_thing_takes():
    """A long module does more than one thing: split it by what it does."""
    long = {name: text.count("\n") for name, text, _tree in modules() if text.count("\n") > LONGEST}

    assert long == {}


def test_no_module_has_a_name_that_says_nothing():
    """A module's name says what it holds."""
    empty = [
        name
        for name, _text, _tree in modules()
        if EMPTY_WORDS & set(re.split(r"[/_.]", name.removesuffix(".py")))
    ]

    assert empty == []


def test_no_reader_runs_what_it_reads():
    """Files from outside are data: nothing that can call code while loading is used."""
    unsafe = []
    for name, _text, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                used = {each.name.partition(".")[0] for each in node.names} & UNSAFE_MODULES
            elif isinstance(node, ast.ImportFrom):
                used = {(node.module or "").partition(".")[0]} & UNSAFE_MODULES
            elif isinstance(node, ast.Attribute):
                used = {node.attr} & UNSAFE_YAML
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                bare = ast.unparse(node.func) in {"yaml.load", "yaml.load_all"}
                used = {"yaml.load"} if bare and len(node.args) + len(node.keywords) < 2 else set()
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                used = {node.func.id} & {"eval", "exec"}
            else:
                continue
            unsafe += [f"{name}:{node.lineno} {word}" for word in used]

    assert unsafe == []


def test_no_source_knows_another():
    """A source is one file; where its format is large, `_mlflow_runs` belongs to `mlflow` and to nobody else.

    What two sources share lies in a file that bears the name of neither, such as `_csv_rows`.
    """
    folder = "lineage/sources/"
    trees = {
        name.removeprefix(folder).removesuffix(".py"): tree
        for name, _text, tree in modules()
        if name.startswith(folder)
    }
    families = {family(source) for source in trees if not source.startswith("_")}
    crossing = []
    for source, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lineage.sources"):
                module = (node.module or "").removeprefix("lineage.sources").removeprefix(".")
                named = [module] if module else [each.name for each in node.names]
                owned = {other for other in named if other in trees and family(other) in families}
                crossing += [f"{source}: {other}" for other in owned if family(other) != family(source)]

    assert crossing == []


def test_nothing_committed_names_a_machine_or_a_registry():
    """A checkout works anywhere: no path of the machine it was written on, no host of one package registry."""
    hosts = ["pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js"]
    folders = [f"/{name}/" for name in ("work", "farm", "root", "opt/dev")]
    wanted = re.compile("|".join(re.escape(word) for word in hosts + folders).encode())

    naming = []
    for path in committed():
        content = path.read_bytes()
        found = wanted.search(content)
        if found and b"\0" not in content[:8192]:
            line = content.count(b"\n", 0, found.start()) + 1
            naming.append(f"{path.relative_to(TOP).as_posix()}:{line} {found.group().decode()}")

    assert naming == []


def test_no_workspace_or_environment_is_committed():
    """What the commands make stays out of the history."""
    names = [path.relative_to(TOP).as_posix() for path in committed()]

    assert [name for name in names if re.search(r"\.trail$|\.trail-|^\.venv/|^build/|\.pyc$", name)] == []
