"""What a git repository's history says; the samples were made with git itself (see their commits' messages)."""

import hashlib
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of, walk
from lineage.model.facts import Coverage, Entity, Happened, Key, Objective
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.opening import FolderInput
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import git
from lineage.sources._commit import dated, signature, tickets, trailers
from lineage.sources._git_pack import applied

SAMPLES = Path(__file__).parents[2] / "sources" / "git"
FIRST = "020ff06175781d7b5a812ce0942d6b698885e9ae"
SECOND = "20deaafed4230672fe8dcecd39b845bf60b8cfb9"
THIRD = "a0d655a5daf1b218988b0e2360979f0dabe293bc"
"""The hashes that `git rev-list` gave."""

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="makes repositories with git")


def cut(path, **labels):
    """The records of a file or folder, and the problems beside them."""
    given = FolderInput(path, path.name) if path.is_dir() else file_input(path)
    origin = Origin(path.as_posix(), labels, path.parent.name)
    return list(git.records(given, origin)), origin


def said(path, **labels):
    """Everything that a file or folder says."""
    items, origin = cut(path, **labels)
    found = []
    for item in items:
        found += git.read(item, origin) if isinstance(item, Record) else [item]
    return found


def commits(facts):
    """The commits by their hash."""
    return {fact.id: fact for fact in facts if isinstance(fact, Happened) and fact.type == "commit"}


def problems(facts):
    """The codes of what was wrong."""
    return [fact.code for fact in facts if isinstance(fact, Problem)]


def made(folder, *arguments, **environment):
    """Run git, untouched by the settings of whoever runs the tests."""
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in
           (("NAME", "Ines"), ("EMAIL", "ines@example.com"), ("DATE", "2026-01-12T09:30:00+0100"))}  # fmt: skip
    settings = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": str(folder)}
    return subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments], cwd=folder, check=True, capture_output=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **who, **settings, **environment}, text=True,
    ).stdout  # fmt: skip


def test_a_bundle_gives_every_commit_with_author_committer_and_trailers():
    """As `git log --format=fuller` prints them; the time is the committer's, with the clock of his zone kept."""
    found = commits(said(SAMPLES / "scorer.bundle"))

    assert found.keys() == {FIRST, SECOND, THIRD}
    second = found[SECOND]
    assert (to_iso(second.at.lo), second.at.text) == ("2026-02-03T18:05:11Z", "2026-02-03T19:05:11+01:00")
    assert second.actor.name == "41898282+deploy-bot[bot]@users.noreply.github.com"
    assert second.change == {"commit": SECOND, "ticket": "OPS-412"}
    assert second.detail["author_name"] == "deploy-bot[bot]"
    assert second.detail["committer_email"] == "noreply@github.com"
    assert second.detail["trailers"] == [
        ["Change-Id", "I8473b95934b5732ac55d26311a706c9c2bde9940"],
        ["Approved-by", "Tomas Lind <tomas.lind@example.com>"],
        ["Signed-off-by", "Ines Duarte <ines.duarte@example.com>"],
        ["Co-authored-by", "deploy-bot[bot] <bot@users.noreply.github.com>"],
    ]
    assert second.detail["parents"] == [FIRST]
    assert found[THIRD].change["ticket"] == "CHG-77"


def test_the_record_of_a_commit_is_what_git_names_it_by():
    """Anybody can check it: the SHA-1 of the record's bytes is the hash of the commit."""
    items, _ = cut(SAMPLES / "scorer.bundle")
    raw = [item.raw for item in items if item.raw.startswith(b"commit ")]

    assert {hashlib.sha1(one, usedforsecurity=False).hexdigest() for one in raw} == {FIRST, SECOND, THIRD}


def test_an_annotated_tag_has_its_tagger_and_time():
    """A lightweight tag names nobody and is no happening."""
    tags = [
        fact for fact in said(SAMPLES / "scorer.bundle") if isinstance(fact, Happened) and fact.type == "tag"
    ]

    (tag,) = tags
    assert (tag.detail["tag"], tag.detail["message"]) == ("scorer-2.0", "Released to production")
    assert (tag.actor.name, tag.at.text) == ("tomas.lind@example.com", "2026-03-02T10:00:00+01:00")
    assert tag.change == {"commit": THIRD}


def test_an_agreement_holds_from_the_commit_that_put_it_there():
    """The objective was 0.99 from the first commit on and 0.995 from the third; the ground is git."""
    objectives = [fact for fact in said(SAMPLES / "scorer.bundle") if isinstance(fact, Objective)]

    assert [(one.target, to_iso(one.since.lo), one.ground, one.subjects) for one in objectives] == [
        (0.99, "2026-01-12T08:30:00Z", "git", ("scorer",)),
        (0.995, "2026-03-02T04:59:59Z", "git", ("scorer",)),
    ]


def test_a_repository_is_known_as_far_as_it_was_seen():
    """The branches, the number of commits and the span of their times."""
    facts = said(SAMPLES / "scorer.bundle")
    (repository,) = [fact for fact in facts if isinstance(fact, Entity) and fact.key.kind == Kind.JOB]
    (coverage,) = [fact for fact in facts if isinstance(fact, Coverage)]

    assert repository.key == Key(Kind.JOB, "git", "scorer")
    assert repository.attributes["branches"] == {"main": THIRD}
    assert (to_iso(coverage.since.lo), to_iso(coverage.until.lo)) == (
        "2026-01-12T08:30:00Z",
        "2026-03-02T04:59:59Z",
    )
    assert coverage.complete


@pytest.mark.parametrize("name", ["fuller.log", "table.tsv"])
def test_a_saved_log_names_the_same_commits(name):
    """The text of `git log` and a table of it name author and time; only what they hold can be said."""
    facts = said(SAMPLES / name)
    found = commits(facts)

    assert found.keys() == {FIRST, SECOND, THIRD}
    assert problems(facts) == []
    assert found[FIRST].actor == Key(Kind.ACTOR, "git", "ines.duarte@example.com")
    assert to_iso(found[FIRST].at.lo) == "2026-01-12T08:30:00Z"
    assert found[SECOND].change["ticket"] == "OPS-412"
    if name == "fuller.log":
        assert [value[0] for value in found[SECOND].detail["trailers"]][:2] == ["Change-Id", "Approved-by"]
        assert to_iso(found[SECOND].at.lo) == "2026-02-03T18:05:11Z"
        assert "tag: scorer-2.0" in found[THIRD].detail["refs"]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Mon Apr 13 09:00:01 2026 +0200", "2026-04-13T07:00:01Z"),
        ("Mon, 13 Apr 2026 09:00:01 +0200", "2026-04-13T07:00:01Z"),
        ("2026-04-13 09:00:01 +0200", "2026-04-13T07:00:01Z"),
        ("2026-04-13T09:00:01+02:00", "2026-04-13T07:00:01Z"),
        ("1776063601 +0200", "2026-04-13T07:00:01Z"),
        ("1776063601", "2026-04-13T07:00:01Z"),
        ("2 weeks ago", None),
        ("Mon Foo 13 09:00:01 2026 +0200", None),
        ("99999999999999999999", None),
    ],
)
def test_every_form_of_date_that_git_prints(text, iso):
    """`--date=default|rfc|iso|iso-strict|raw|unix`; a relative date cannot be placed."""
    at = dated(text)
    assert (at and to_iso(at.lo)) == iso


def test_a_local_date_is_read_in_the_zone_that_the_person_named():
    """`git log --date=local` prints no zone: the label says which, and the moment is marked."""
    at = dated("Mon Apr 13 09:00:01 2026", "Europe/Berlin")
    assert (to_iso(at.lo), at.assumed) == ("2026-04-13T07:00:01Z", True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A <a@x.example> 1776063601 +0200", ("A", "a@x.example", "2026-04-13T09:00:01+02:00")),
        ("A <> 1776063601 +0000", ("A", "", "2026-04-13T07:00:01+00:00")),
        (" <a@x.example> 0 -0330", ("", "a@x.example", "1969-12-31T20:30:00-03:30")),
        ("A <a@x.example> -5 +0000", ("A", "a@x.example", None)),
        ("A <a@x.example> 9999999999999999999 +0000", ("A", "a@x.example", None)),
        ("A <a@x.example> 1776063601 +9999", ("A", "a@x.example", "")),
        ("nobody", ("nobody", "", None)),
    ],
)
def test_a_signature_of_any_kind(line, expected):
    """Empty names and e-mails happen; a time outside the years 1970 to 9999 is none."""
    found = signature(line)
    assert (found.name, found.email, found.at.text if found.at else None) == expected


def test_trailers_and_tickets_are_not_guessed():
    """A colon in a message is no trailer, and `UTF-8` is no ticket."""
    assert trailers("Fix: it\n\nNote: this is prose\nthat goes on: and on") == ()
    assert trailers("Fix\n\nSigned-off-by: A <a@x.example>\nsome words") == (
        ("Signed-off-by", "A <a@x.example>"),
    )
    assert tickets("Read UTF-8 and SHA-256 as ISO-8601", ()) == ()
    assert tickets("[ABC-7] and DEF-8", ()) == ("ABC-7", "DEF-8")


def test_inputs_are_recognised_by_their_content():
    """A bundle, a log, a table of commits, a repository's folder; nothing else."""
    for name in ("scorer.bundle", "fuller.log", "table.tsv"):
        assert recognise(sample_of(file_input(SAMPLES / name)))[0].NAME == "git"
    assert git.recognises(Sample(".git", listing=("HEAD", "config", "description", "hooks/x"))) > 0.9
    assert git.recognises(Sample("x", listing=("HEAD", "packed-refs", "objects/pack/pack-1.idx"))) > 0.9
    assert git.recognises(Sample("x", listing=("HEAD", "README.md"))) == 0
    assert git.recognises(Sample("x", b"commit to something\n")) == 0
    assert git.recognises(Sample("x", b"a\tb\tc\t2026\n")) == 0


@needs_git
def test_loose_packed_and_shallow_repositories_say_the_same(tmp_path):
    """One history as loose objects, packed with differences, and as far as a shallow clone holds it."""
    made(tmp_path, "clone", "-q", str(SAMPLES / "scorer.bundle"), "work")
    work = tmp_path / "work"
    whole = commits(said(work / ".git"))
    made(tmp_path, "clone", "-q", "--bare", str(work), "bare.git")
    made(tmp_path / "bare.git", "gc", "-q", "--aggressive")
    bare = commits(said(tmp_path / "bare.git"))
    made(tmp_path, "clone", "-q", "--depth", "1", f"file://{work}", "shallow")
    facts = said(tmp_path / "shallow" / ".git")
    shallow = commits(facts)

    assert whole.keys() == bare.keys() == {FIRST, SECOND, THIRD}
    assert {sha: fact.detail for sha, fact in whole.items()} == {
        sha: fact.detail for sha, fact in bare.items()
    }
    assert shallow.keys() == {THIRD}
    assert [fact.complete for fact in facts if isinstance(fact, Coverage)] == [False]
    for found in (whole, bare):
        assert found[SECOND].detail["proven"] is True


@needs_git
def test_the_folder_of_a_repository_is_one_input_beside_the_files_of_its_work_tree(tmp_path):
    """`.git` is found below a folder without being named, and nothing in it is read file by file."""
    made(tmp_path, "clone", "-q", str(SAMPLES / "scorer.bundle"), "tree")
    found = [one.path for one in walk([tmp_path / "tree"], lambda sample: git.recognises(sample) > 0)]

    assert [path.removeprefix(str(tmp_path)) for path in found] == [
        "/tree/.git", "/tree/deploy/scorer.yaml", "/tree/deploy/table.txt", "/tree/slo/scorer.yaml",
    ]  # fmt: skip


@needs_git
def test_a_remote_names_the_repository_and_its_password_is_not_kept(tmp_path):
    """A clone on another disk is the same repository; credentials in a URL never become facts."""
    made(tmp_path, "init", "-q", "-b", "main", "x")
    made(tmp_path / "x", "remote", "add", "origin", "https://bot:hunter2@code.example/ml/churn.git")
    made(tmp_path / "x", "commit", "-q", "--allow-empty", "-m", "Begin")
    facts = said(tmp_path / "x" / ".git")

    (repository,) = [fact for fact in facts if isinstance(fact, Entity) and fact.key.kind == Kind.JOB]
    assert repository.key.name == "ml/churn"
    assert "hunter2" not in repr(facts)
    items, _ = cut(tmp_path / "x" / ".git")
    assert all(b"hunter2" not in item.raw for item in items)


@needs_git
def test_sha256_repositories_and_signed_and_latin_commits(tmp_path):
    """The newer hash, and a message that says it is in Latin-1."""
    made(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256", "x")
    made(
        tmp_path / "x",
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "caf\u00e9",
    )
    name = made(tmp_path / "x", "rev-parse", "HEAD").strip()
    made(tmp_path / "x", "bundle", "create", "-q", "../x.bundle", "--all")

    for path in (tmp_path / "x" / ".git", tmp_path / "x.bundle"):
        assert list(commits(said(path))) == [name]
        assert len(name) == 64


def bundle(*objects, head=THIRD):
    """A bundle made by hand: (kind, stated size or None, content or packed bytes)."""
    body = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, size, content in objects:
        stated = len(content) if size is None else size
        first, stated = kind << 4 | stated & 15, stated >> 4
        head_bytes = bytearray()
        while stated:
            head_bytes.append(first | 0x80)
            first, stated = stated & 0x7F, stated >> 7
        head_bytes.append(first)
        body += bytes(head_bytes) + (content if isinstance(content, bytearray) else zlib.compress(content))
    return b"# v2 git bundle\n" + f"{head} refs/heads/main\n\n".encode() + body


COMMIT = (
    b"tree "
    + b"0" * 40
    + b"\nauthor A <a@x.example> 1776063601 +0200\ncommitter A <a@x.example> 1776063601 +0200\n\nHi\n"
)
NAMED = hashlib.sha1(b"commit %d\0" % len(COMMIT) + COMMIT, usedforsecurity=False).hexdigest()


def hostile():
    """Damage of every kind, and the code of the problem that names it."""
    sound = (1, None, COMMIT)
    bomb = zlib.compress(b"\0" * (20 << 20), 9)
    to_itself = bytearray(bytes.fromhex(NAMED) + zlib.compress(b"\1\1\1a"))
    yield "cut list", b"# v2 git bundle\n" + b"a" * 40 + b" refs/heads/main", "cut-file"
    yield "no pack", b"# v2 git bundle\n\nnothing", "malformed-pack"
    yield "cut pack", bundle(sound, head=NAMED)[:-30], "cut-file"
    yield "bomb", bundle(sound, (3, 10, bytearray(bomb)), head=NAMED), "too-large"
    yield "bomb that is stated", bundle(sound, (3, 100 << 30, bytearray(bomb)), head=NAMED), "too-large"
    yield "too many", b"# v2 git bundle\n\nPACK" + struct.pack(">II", 2, 1 << 31), "too-large"
    yield "kind 5", bundle(sound, (5, None, b"x"), head=NAMED), "malformed-pack"
    yield "not packed", bundle(sound, (3, 4, bytearray(b"\xff\xff\xff\xff")), head=NAMED), "malformed-pack"
    yield "back before the pack", bundle(sound, (6, 4, bytearray(b"\xff\xff\x7f" + zlib.compress(b"abcd"))), head=NAMED), "malformed-pack"  # fmt: skip  # noqa: E501
    yield "base missing", bundle(sound, (7, 4, bytearray(b"\1" * 20 + zlib.compress(b"abcd"))), head=NAMED), "missing-base"  # fmt: skip  # noqa: E501
    yield "odd difference", bundle(sound, (7, 4, to_itself), head=NAMED), "malformed-object"
    yield (
        "odd ref",
        bundle(sound, head=NAMED).replace(b"\n\nPACK", b"\nzz refs/heads/odd\n\nPACK"),
        "malformed-ref",
    )


@pytest.mark.parametrize(("body", "code"), [pytest.param(*rest, id=name) for name, *rest in hostile()])
def test_damage_is_named_and_costs_no_other(tmp_path, body, code):
    """What can be read is read; what cannot is a problem; nothing raises and nothing is unpacked without bounds."""
    path = tmp_path / "odd.bundle"
    path.write_bytes(body)
    facts = said(path)

    assert code in problems(facts)
    if NAMED.encode() in body and code != "cut-file":
        assert list(commits(facts)) == [NAMED]


def test_a_pack_with_any_byte_changed_never_fails(tmp_path):
    """Each byte of the sample turned over: facts or problems, never an exception."""
    raw = bytearray((SAMPLES / "scorer.bundle").read_bytes())
    path = tmp_path / "x.bundle"
    for place in range(0, len(raw), 5):
        raw[place] ^= 0x55
        path.write_bytes(raw)
        found = said(path)
        assert all(isinstance(item, (Problem, Filtered)) or item for item in found)
        assert problems(found) or commits(found)
        raw[place] ^= 0x55


@pytest.mark.parametrize(
    "raw",
    [
        b"commit " + b"a" * 40,
        b"commit " + b"a" * 40 + b"\nAuthor: \nDate: yesterday\n",
        b"commit 5\0x",
        b"tag 3\0\xff\xfe\0",
        b"commit 3\0\0\0\0",
        b'{"git": "refs"}',
        b'{"git": "agreement", "path": [], "text": 7}',
        b'{"git": 7, "refs": 3}',
        b'{"git": "refs", "refs": {}, "first": "P1M"}',
        b'{"git": "gto", "at": 7, "said": {"said": 3}}',
        b'{"git": "dvc", "commit": {"at": 7}, "pipelines": {"": {"yaml": "stages: 3"}}}',
        b'{"x": 1, "x": 2}',
        b"\t\t\t\t",
        b"",
    ],
)
def test_odd_records_are_problems(raw):
    """A record that is not what its place promises gives no facts that nobody stated."""
    found = list(git.read(Record(raw, row="x"), Origin("x.log")))
    assert not [fact for fact in found if isinstance(fact, Happened)]


@pytest.mark.parametrize(
    "delta", [b"", b"\x05", b"\x05\x07\x90", b"\x05\x02\x00", b"\x05\x05\x91\x04\x05", b"\x80" * 12]
)
def test_a_difference_that_does_not_fit_is_refused(delta):
    """Beyond its base, broken off, or of no length."""
    with pytest.raises(ValueError, match="difference"):
        applied(b"hello", delta)


def test_the_commit_behind_a_bots_deployment_names_the_person(tmp_path, audit_event):
    """A service account deployed what commit 20deaaf made: it was signed off by Ines, and Tomas approved it.

    The author and one co-author are bots; without the history nobody is evidenced.
    """
    bot = "system:serviceaccount:ci:deployer"
    event = audit_event("2026-02-04T10:00:00Z", bot, annotations={"example.com/git-commit": SECOND[:12]})
    log = tmp_path / "audit.log"
    log.write_text(json.dumps(event) + "\n", encoding="utf-8")
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([log])
        (item,) = workspace.deployments().items
        assert (item["actor"], item["deployed_by"]) == (bot, None)
        workspace.import_([SAMPLES / "scorer.bundle"])
        (item,) = workspace.deployments().items
        assert (item["actor"], item["deployed_by"]) == (bot, "ines.duarte@example.com")
        assert item["approved_by"] == ["Tomas Lind <tomas.lind@example.com>"]
        assert ("ines.duarte@example.com", "commit-trailer") in {
            (hop["principal"], hop["rule"]) for hop in item["identity_chain"]
        }


def test_a_text_cannot_outdo_the_commit_itself(tmp_path, audit_event):
    """A saved log that names another author for the same hash changes nothing once the commit itself is known."""
    event = audit_event(
        "2026-03-04T10:00:00Z", "system:serviceaccount:ci:deployer", annotations={"x/git-commit": THIRD}
    )
    (tmp_path / "audit.log").write_text(json.dumps(event) + "\n", encoding="utf-8")
    told = f"commit {THIRD}\nAuthor: Mallory <mallory@example.com>\nDate:   Wed Mar 4 09:00:00 2026 +0000\n\n    Hi\n"
    (tmp_path / "odd.log").write_text(told, encoding="utf-8")
    files = [tmp_path / "audit.log", tmp_path / "odd.log", SAMPLES / "scorer.bundle"]
    for number, order in enumerate((files, files[::-1])):
        with lineage.open(tmp_path / f"{number}.trail") as workspace:
            for path in order:
                workspace.import_([path])
            assert [item["deployed_by"] for item in workspace.deployments().items] == [
                "tomas.lind@example.com"
            ]


def test_an_import_twice_and_from_two_sides_changes_nothing(tmp_path):
    """The commits of a bundle come once, and the file is as it was."""
    before = hashlib.sha256((SAMPLES / "scorer.bundle").read_bytes()).hexdigest()
    with lineage.open(tmp_path / "a.trail") as workspace:
        first = workspace.import_([SAMPLES / "scorer.bundle"])
        digest = workspace.digest().items[0]["digest"]
        again = workspace.import_([SAMPLES / "scorer.bundle"])
        assert (first.items[0]["accepted"], again.items[0]["accepted"]) == (7, 0)
        assert workspace.digest().items[0]["digest"] == digest
        assert [item["type"] for item in workspace.events().items].count("commit") == 3
        assert [(sla["target"], sla["basis"]) for sla in workspace.sla().items] == [
            (0.99, "git"),
            (0.995, "git"),
        ]
    assert hashlib.sha256((SAMPLES / "scorer.bundle").read_bytes()).hexdigest() == before


def test_the_corpus_bundle_is_the_history_that_was_exported_beside_it(corpus):
    """`git-log.tsv` was written by git from the same repository: each commit with author and time is found in both."""
    found = commits(said(corpus / "ml" / "dvc" / "repo.bundle"))
    told = commits(said(corpus / "ml" / "dvc" / "git-log.tsv"))

    assert len(found) == 6
    assert found.keys() == told.keys()
    for sha, fact in told.items():
        assert found[sha].actor == fact.actor
        assert dated(found[sha].detail["author_at"]).lo == fact.at.lo
    wei = found["f3488529675d4e605521574193621e56b043f937"]
    assert (wei.actor.name, wei.at.text) == ("li.wei@halden.example", "2026-04-12T21:05:00+08:00")
