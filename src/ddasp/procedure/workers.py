"""Work by many processes: this process for one worker, else a pool of spawned ones.

Each result is handed over as soon as it is there, so that a ledger or a cache can keep it. A task
that raises has the exception as its result; a task that kills its process (a decoder's
segmentation fault, say) has a `Crash`, and the others lose nothing. What may hang or take all the
memory stands in a `limited` block, which ends the process; then that is a `Crash` too.

*Conventions*: a task is a picklable argument of a function on a module's top level. Each process
uses one thread for linear algebra, here as there, so that numbers do not depend on the number of
workers. Workers are spawned, not forked: nothing of this process but the task reaches them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ddasp._errors import InputError, RunError
from ddasp._progress import Progress, Silent

__all__ = ["Crash", "Workers", "default_workers", "limited", "map_tasks"]

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_IS_WORKER = threading.Event()  # set in a process that was started here to work
Note = Callable[[int, Any], None]


class Crash(RuntimeError):
    """The result of a task that ended its process without an answer."""


@contextlib.contextmanager
def limited(seconds: float, memory: int) -> Iterator[bool]:
    """Bound what stands inside in a worker process; any other, a person's own, is left alone.

    Parameters
    ----------
    seconds : float
        Time after which the worker process is ended by SIGALRM, whatever it does.
    memory : int
        How much memory it may ask for beyond what it has [bytes]; more is refused (`MemoryError`,
        or whatever the code inside makes of it).

    Yields
    ------
    bool
        Whether it is this bound that memory meets first; False where nothing is bounded, or where
        the whole process may have less.

    Notes
    -----
    The kernel's timer acts without Python, so a loop in C that never comes back is ended too.
    """
    if not _IS_WORKER.is_set():
        yield False
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _address_space() + memory
    binding = soft == resource.RLIM_INFINITY or soft > most
    if binding:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield binding
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    """Addresses that this process uses [bytes]; where the system doesn't tell, a number without effect."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**60


def default_workers() -> int:
    """The number of processors that this process may use, at least 1."""
    count = getattr(os, "process_cpu_count", None)  # Python 3.13 and later
    if count is not None:
        return count() or 1
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextlib.contextmanager
def _one_thread_in_children() -> Iterator[None]:
    """Children read these variables when they import NumPy, so they stand before they start."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin_child() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # of `limited`: the kernel ends the process
    _IS_WORKER.set()
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _call(function: Callable[[Any], Any], task: Any) -> Any:
    """A result, or the exception in its place."""
    try:
        return function(task)
    except Exception as error:
        error.__traceback__ = None  # frames hold arrays and don't travel
        return error


def _how_it_ended(exit_code: int | None) -> str:
    """Words for the end of a worker process without an answer."""
    if exit_code == -signal.SIGALRM:
        return "the process took too long and was ended"
    if exit_code == -signal.SIGKILL:
        return "the process was killed, perhaps for want of memory"
    if exit_code is not None and exit_code < 0:
        return f"the process crashed ({signal.Signals(-exit_code).name})"
    return "the process ended without an answer"


class Workers:
    """Processes that stay for many calls of `map`.

    Parameters
    ----------
    n_workers : int, optional
        1 works in this process, unless `map` is told otherwise; by default `default_workers`.

    Raises
    ------
    InputError
        When n_workers is less than 1.

    Examples
    --------
    >>> with Workers(1) as workers:
    ...     workers.map(abs, [-1, 2])
    [1, 2]
    """

    def __init__(self, n_workers: int | None = None) -> None:
        self.n_workers = default_workers() if n_workers is None else int(n_workers)
        if self.n_workers < 1:
            raise InputError("E-ARGUMENT", f"n_workers is {n_workers}; expected 1 or more")
        self._pool: ProcessPoolExecutor | None = None
        self._proven = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(
        self,
        function: Callable[[Any], Any],
        tasks: Sequence[Any],
        *,
        on_result: Note | None = None,
        progress: Progress | None = None,
        what: str = "tasks",
        apart: bool = False,
    ) -> list[Any]:
        """Results in the order of the tasks; an exception or a `Crash` stands for a failed one.

        Parameters
        ----------
        function : callable
            On the top level of a module, with one argument.
        tasks : sequence
            Its arguments.
        on_result : callable, optional
            ``on_result(position, result)``, called in this process in the order of completion.
        progress : Progress, optional
            The display.
        what : str
            What the display calls it.
        apart : bool
            Never in this process: one worker is then one process beside it. For tasks that may
            crash or hang.

        Raises
        ------
        RunError
            ``E-RUN`` when worker processes end as soon as they start.
        """
        results: list[Any] = [None] * len(tasks)
        here = self.n_workers == 1 and not apart
        done = self._here(function, tasks) if here else self._there(function, tasks)
        try:
            for position, result in (progress or Silent()).track(done, what, len(tasks)):
                results[position] = result
                if on_result is not None:
                    on_result(position, result)
        except BaseException:  # Ctrl-C too: what is pending is not worth waiting for
            self._kill()
            raise
        return results

    def close(self) -> None:
        """Let the processes go."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _here(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple]:
        from threadpoolctl import ThreadpoolController

        libraries = ThreadpoolController()  # looking for them takes as long as a small fit
        for position, task in enumerate(tasks):
            with libraries.limit(limits=1):
                result = _call(function, task)
            yield position, result

    def _there(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple]:
        """Results as they come; after a crash the suspects are tried one by one."""
        left = list(range(len(tasks)))
        while left:
            done: set[int] = set()
            with _one_thread_in_children():
                for position, result in self._batch(function, tasks, left):
                    done.add(position)
                    yield position, result
            left = [position for position in left if position not in done]
            if not left:
                return
            # The pool broke. It had taken at most this many of the remaining tasks, in order.
            self._kill()
            self._probe(function)
            suspects, left = left[: 2 * self.n_workers + 1], left[2 * self.n_workers + 1 :]
            for position in suspects:
                yield position, self._alone(function, tasks[position])
            self._kill()

    def _batch(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], positions: list[int]
    ) -> Iterator[tuple[int, Any]]:
        """Results until all are there or the pool breaks."""
        futures: dict[Future, int] = {}
        with contextlib.suppress(BrokenProcessPool):
            pool = self._running_pool(self.n_workers)
            for position in positions:
                futures[pool.submit(_call, function, tasks[position])] = position
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                continue
            except Exception as error:  # the task or its result could not be pickled
                result = error
            self._proven = True
            yield futures[future], result

    def _alone(self, function: Callable[[Any], Any], task: Any) -> Any:
        """One task in a pool of one, which tells for certain whether it is the one that crashes."""
        with _one_thread_in_children():
            pool = self._running_pool(1)
            try:
                future = pool.submit(_call, function, task)
                (process,) = (getattr(pool, "_processes", None) or {}).values()
                return future.result()
            except BrokenProcessPool:
                pool.shutdown(wait=True)  # the process is waited for, so its exit code is known
                self._kill()
                return Crash(_how_it_ended(process.exitcode))

    def _probe(self, function: Callable[[Any], Any]) -> None:
        """Tell a task that crashes from workers that can't even start or load the function."""
        if self._proven:
            return
        with _one_thread_in_children():
            try:
                self._running_pool(1).submit(callable, function).result()
                self._proven = True
            except BrokenProcessPool as error:
                self._kill()
                raise RunError(
                    "E-RUN",
                    "worker processes end as soon as they start; expected a function of a module "
                    "that can be imported, and a script whose code stands under "
                    "`if __name__ == '__main__':`",
                ) from error

    def _running_pool(self, n_workers: int) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                n_workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin_child,
            )
        return self._pool

    def _kill(self) -> None:
        """End the processes now; what they write is written atomically."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with contextlib.suppress(OSError, ValueError):
                process.kill()


def map_tasks(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    *,
    n_workers: int | None = None,
    progress: Progress | None = None,
    what: str = "tasks",
    on_result: Note | None = None,
) -> list[Any]:
    """`Workers.map` with workers of its own, no more than there are tasks.

    Examples
    --------
    >>> map_tasks(abs, [-3, 4], n_workers=1)
    [3, 4]
    """
    count = default_workers() if n_workers is None else n_workers
    with Workers(min(count, max(len(tasks), 1))) as workers:
        return workers.map(function, tasks, on_result=on_result, progress=progress, what=what)
