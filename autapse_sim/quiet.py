"""What libraries say of their own, which means nothing to who runs an experiment."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let warnings and logs of libraries (NumPy, Brian2, Matplotlib) go nowhere for a while.

    What has to be said of a run stands in its result, or is an error.
    """
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)
