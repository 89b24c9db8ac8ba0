"""How is work done away from the main thread, and how do its results come back?

Two words, after Anki's operations: `query` reads and may run beside others; `change` writes, one after the other.
Work gets a `Cancel` and gives back plain data. Results travel through ONE long-lived QObject of the main thread: a
runnable that owns its signals loses results (aesthetics-qt, finding 2).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal, Slot
from shiboken6 import isValid

Result = TypeVar("Result")


class Cancel:
    """Says whether the result is still wanted; work asks it between steps.

    >>> cancel = Cancel()
    >>> cancel()
    False
    >>> cancel.set()
    >>> cancel()
    True
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        """Say that the result is no longer wanted."""
        self._event.set()


@dataclass(slots=True, eq=False)
class Task:
    """One piece of background work.

    Attributes:
        owner: the QObject the result is for; when it is gone, the result is dropped.
        done, failed: called in the main thread, never after `cancel.set()`.
        key: a later task of the same owner and key makes this one's result unwanted.
        writes: it is a change: it runs and is told of, whatever happens.
    """

    owner: QObject
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    key: str
    writes: bool
    cancel: Cancel = field(default_factory=Cancel)
    future: Future[None] | None = None


class Tasks(QObject):
    """Runs background work and delivers its results in the main thread.

    Signals:
        busy: true when the first task starts, false when the last one has been delivered.
    """

    busy = Signal(bool)
    _arrived = Signal(object, object, object)

    def __init__(self, failed: Callable[[BaseException], None], parent: QObject | None = None) -> None:
        """`failed` is told of every failure that a task has no own answer to."""
        super().__init__(parent)
        self._failed = failed
        self._readers = ThreadPoolExecutor(3, thread_name_prefix="query")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="change")
        self._running: set[Task] = set()
        self._closed = False
        self._gone = False
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def query(
        self,
        owner: QObject,
        work: Callable[[Cancel], Result],
        done: Callable[[Result], None],
        *,
        failed: Callable[[BaseException], None] | None = None,
        key: str = "",
    ) -> Task:
        """Read in the background; `done` gets the result in the main thread.

        With a `key`, an earlier query of the same owner and key that has not been delivered is cancelled.
        """
        return self._start(self._readers, Task(owner, done, failed or self._failed, key, writes=False), work)

    def change(
        self,
        owner: QObject,
        work: Callable[[Cancel], Result],
        done: Callable[[Result], None],
        *,
        failed: Callable[[BaseException], None] | None = None,
    ) -> Task:
        """Write in the background, after every change asked for before; `done` gets the result."""
        return self._start(self._writer, Task(owner, done, failed or self._failed, "", writes=True), work)

    def fail(self, error: BaseException) -> None:
        """Tell of a failure for which there is no own answer."""
        self._failed(error)

    @property
    def busy_now(self) -> bool:
        """True while a result is still to come."""
        return bool(self._running)

    def pending(self) -> list[Future[None]]:
        """Return the work that has not ended yet."""
        return [task.future for task in self._running if task.future is not None and not task.future.done()]

    def cancel_queries(self) -> None:
        """Let the result of every query still under way be dropped."""
        for task in self._running:
            if not task.writes:
                task.cancel.set()

    def close(self, seconds: float = 5.0) -> bool:
        """Drop the queries, end the changes, wait for the threads; false = one did not end in time."""
        if self._closed:
            return True
        self._closed = True
        self.cancel_queries()
        futures = self.pending()
        # Not cancelled by the executor: a change may wait for them, and a future cancelled so is never said to be done.
        self._readers.shutdown(wait=False)
        self._writer.shutdown(wait=False)
        _, late = wait(futures, timeout=seconds)
        if not late:
            self._readers.shutdown(wait=True)
            self._writer.shutdown(wait=True)
        QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)
        self._gone = True
        self._running.clear()
        return not late

    def _start(self, executor: ThreadPoolExecutor, task: Task, work: Callable[[Cancel], Result]) -> Task:
        if self._closed:
            task.cancel.set()
            return task
        if task.key:
            for other in self._running:
                if other.key == task.key and other.owner is task.owner:
                    other.cancel.set()
        if not self._running:
            self.busy.emit(True)
        self._running.add(task)
        task.future = executor.submit(self._run, task, work)
        return task

    def _run(self, task: Task, work: Callable[[Cancel], Any]) -> None:
        result: Any = None
        error: BaseException | None = None
        if not task.cancel():
            try:
                result = work(task.cancel)
            except BaseException as caught:  # noqa: BLE001 - whatever it is, it is told in the main thread
                error = caught
        if not self._gone:
            self._arrived.emit(task, result, error)

    @Slot(object, object, object)
    def _deliver(self, task: Task, result: object, error: BaseException | None) -> None:
        self._running.discard(task)
        if not self._running:
            self.busy.emit(False)
        if task.cancel() or not isValid(task.owner):
            return
        if error is not None:
            task.failed(error)
        else:
            task.done(result)
