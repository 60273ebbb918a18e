"""What authors are told of their mistakes: each message as it was read by eye, word for word.

`python tests/test_messages.py` writes them anew, to be read again.
"""

import os
import tempfile
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from mistakes import MISTAKES

from autapse_sim.errors import InputError
from autapse_sim.experiments.checking.check import check

SEEN = Path(__file__).parent / "data" / "messages.txt"


def said(text):
    """The message of a file in the current folder, whose neuron stands beside it."""
    own, neuron = text if isinstance(text, tuple) else (text, None)
    Path("mine.py").write_text(own)
    if neuron:
        Path("neuron.py").write_text(neuron)
    with pytest.raises(InputError) as caught:
        [*check("mine.py", neuron and "neuron.py")]
    return str(caught.value)


def seen():
    """The messages that were read, by the mistake."""
    blocks = SEEN.read_text(encoding="utf-8").strip().split("\n\n")
    return dict(block.split("\n", 1) for block in blocks)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_message_is_as_it_was_read(mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = said(MISTAKES[mistake])
    assert message == seen()[mistake]
    assert message.startswith(("mine.py, line ", "neuron.py, line ")) or mistake in WHOLE
    assert "autapse_" not in message or "autapse_v" in message


WHOLE = {
    "no rule",
    "a rule that is none",
    "a task that is none",
    "a class in place of a task",
    "a benchmark that is none",
}
"""Mistakes of a file that no line is to blame for."""


def test_there_are_enough_and_no_two_are_the_same():
    messages = seen()
    assert messages.keys() == MISTAKES.keys()
    assert len(set(messages.values())) == len(messages) >= 40
    suggest = [each for each in messages.values() if "did you mean" in each or "write " in each]
    assert len(suggest) > len(messages) / 3


def test_another_mistake_is_another_message(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, other = (said(MISTAKES[each]) for each in ("10 for 10 ms", "mV for ms"))
    assert 0.5 < SequenceMatcher(None, one, other).ratio() < 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        SEEN.write_text("\n\n".join(f"{mistake}\n{said(text)}" for mistake, text in MISTAKES.items()) + "\n")
