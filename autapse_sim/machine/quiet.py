"""What libraries say of their own, which means nothing to who runs an experiment."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

LIBRARIES = ("brian2", "matplotlib")
"""Who writes to logs of their own."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let warnings of all libraries, and logs of `LIBRARIES`, go nowhere for a while.

    What has to be said of a run stands in its result, or is an error.
    """
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)
