"""A process that makes calls for another one (see crew.py), and ends with it."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import threading
import traceback
from typing import IO, Any

from autapse_sim.errors import InputError
from autapse_sim.machine.processes import stop_all

PACKAGE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("autapse_sim", sys.argv[1])
sys.modules["autapse_sim"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
"""
"""What another interpreter is told first: to take the package from the place that it is given, and from no other."""
START = f"{PACKAGE}\nfrom autapse_sim.machine.worker import work\nwork()\n"
"""What the interpreter of a worker is told."""


def work() -> None:
    """Make the calls that come in, one after the other, until the one who makes them is gone.

    A call is (function, items, named): the function, and what it is given. The answer is ("result", value) or ("error",
    error).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is stopped ends its workers
    with open(os.dup(0), "rb") as calls, open(os.dup(1), "wb") as answers:
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)  # what others print is no answer
        waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(calls, waiting), daemon=True).start()
        while True:
            _send(answers, *_answer(waiting.get()))


def _listen(calls: IO[bytes], waiting: queue.SimpleQueue[bytes]) -> None:
    with contextlib.suppress(OSError, EOFError, ValueError):
        while True:
            waiting.put(receive(calls))
    _leave()


def _leave() -> None:
    stop_all()
    os._exit(0)


def _answer(call: bytes) -> tuple[str, Any]:
    try:
        function, items, named = pickle.loads(call)
        return "result", function(*items, **named)
    except InputError as error:
        return "error", error
    except Exception as error:
        error.add_note(f"in a worker process:\n{traceback.format_exc()}")
        return "error", error
    except BaseException as error:  # a model file that ends the interpreter
        return "error", RuntimeError(f"a worker process was ended by {error!r}")


def _send(answers: IO[bytes], kind: str, value: Any) -> None:
    try:
        content = pickle.dumps((kind, value))
    except Exception:  # an error of a kind that only this process knows
        content = pickle.dumps((kind, RuntimeError(str(value))))
    try:
        send(answers, content)
    except OSError:  # nobody listens any more
        _leave()


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message: its length, and what it says."""
    stream.write(len(content).to_bytes(8, "big"))
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read a message that was sent; EOFError at the end."""
    length = int.from_bytes(_exactly(stream, 8), "big")
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content
