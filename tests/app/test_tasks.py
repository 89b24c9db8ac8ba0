"""Does every result of background work arrive, in the main thread, and only when it is wanted?"""

import gc
import threading

from PySide6.QtCore import QObject
from shiboken6 import delete


def test_no_result_is_lost_while_garbage_is_collected(qtbot, tasks, qapp):
    """A thousand short queries deliver a thousand results."""
    owner, got = QObject(), []

    for number in range(1000):
        tasks.query(owner, lambda _, number=number: number, got.append)
        if number % 100 == 0:
            gc.collect()

    qtbot.waitUntil(lambda: len(got) == 1000, timeout=20_000)
    assert sorted(got) == list(range(1000))


def test_work_runs_elsewhere_and_its_result_comes_home(qtbot, tasks):
    """Work never blocks the main thread, and what is done with its result is done there."""
    owner, threads = QObject(), []

    tasks.query(
        owner,
        lambda _: threading.current_thread(),
        lambda ran: threads.append((ran, threading.current_thread())),
    )

    qtbot.waitUntil(lambda: len(threads) == 1)
    assert threads[0][0] is not threading.main_thread()
    assert threads[0][1] is threading.main_thread()


def test_a_later_question_replaces_an_earlier_one(qtbot, tasks):
    """While a person types, only the answer to the last letters is shown."""
    owner, got, gate = QObject(), [], threading.Event()
    tasks.query(owner, lambda _: gate.wait(10), lambda _: got.append("first"), key="search")
    tasks.query(owner, lambda _: None, lambda _: got.append("second"), key="search")

    gate.set()

    qtbot.waitUntil(lambda: not tasks.busy_now)
    assert got == ["second"]


def test_changes_run_one_after_the_other(qtbot, tasks):
    """Two changes never write at the same time."""
    owner, running, most = QObject(), [], []

    def work(_):
        running.append(1)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.pop()

    for _ in range(5):
        tasks.change(owner, work, lambda _: None)

    qtbot.waitUntil(lambda: not tasks.busy_now)
    assert most == [1] * 5


def test_a_result_for_what_is_gone_is_dropped(qtbot, tasks):
    """A dock that was deleted while its question ran is not called."""
    owner, got, gate = QObject(), [], threading.Event()
    tasks.query(owner, lambda _: gate.wait(10), got.append)

    delete(owner)
    gate.set()

    qtbot.waitUntil(lambda: not tasks.busy_now)
    assert got == []


def test_a_failure_is_told_once_to_whom_it_concerns(qtbot, tasks, failures):
    """An own answer to a failure comes before the common one."""
    owner, own = QObject(), []

    def fail(_):
        raise ValueError("no")

    tasks.query(owner, fail, lambda _: None, failed=own.append)
    tasks.query(owner, fail, lambda _: None)

    qtbot.waitUntil(lambda: not tasks.busy_now)
    assert [str(error) for error in own] == ["no"]
    assert [str(error) for error in failures] == ["no"]
    failures.clear()


def test_closing_drops_questions_and_finishes_changes(qapp, failures):
    """What writes is never cut off; what reads is not waited for longer than it takes."""
    from app.tasks import Tasks

    tasks, owner, done = Tasks(failures.append), QObject(), []
    tasks.change(owner, lambda _: threading.Event().wait(0.05), lambda _: done.append("change"))
    tasks.query(owner, lambda _: None, lambda _: done.append("query"))

    assert tasks.close()

    assert done == ["change"]
    assert tasks.query(owner, lambda _: None, lambda _: done.append("late")).cancel()


def test_closing_does_not_wait_for_what_was_never_begun(qapp, failures):
    """A workspace is closed after its questions; those still in the queue count as ended."""
    from concurrent.futures import wait

    from app.tasks import Tasks

    tasks, owner, gate, done = Tasks(failures.append), QObject(), threading.Event(), []
    for _ in range(8):
        tasks.query(owner, lambda _: gate.wait(10), lambda _: None)
    waiting = tasks.pending()
    tasks.change(owner, lambda _: wait(waiting), lambda _: done.append("closed"))
    gate.set()

    assert tasks.close()

    assert done == ["closed"]
