"""Many cases on several processes: python tests/grammar/campaign.py --runtime 5000 --compiled 1000 --seed 1

What was judged is a line of `judged.jsonl` in the folder of the campaign, so that a campaign may be stopped and goes on
where it was; each case that fails is a folder there: its model files, case.json, what was said, and a script.
    python tests/grammar/campaign.py --shrink FOLDER        makes the case in a folder smaller, in FOLDER/smaller
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import queue
import tempfile
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as Late
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from agreement import BAD, COMPILED, QUICK, Judgement, judge
from builder import NOISE
from grammar import FEATURES, Case, case_of, without
from shrinking import shrunk, signature

PATIENCE = 300
"""Seconds after which a case is one that hangs."""
CHEAP = "-O1"
SANITIZED = "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
SCRIPT = """import sys
from pathlib import Path

sys.path.insert(0, {folder!r})
from agreement import judge
from grammar import Case

if __name__ == "__main__":
    found = judge(Case.load(Path(__file__).parent), {engines!r})
    print(found.kind, found.said, sep="\\n")
"""


@contextmanager
def cheap_programs(flags: str = CHEAP) -> Iterator[None]:
    """Programs that compile fast, in a cache of their own that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="grammar_cache_") as folder:
        # what Brian2 allocates lives until the end of a program, and is no leak of ours
        new = {"AUTAPSE_CXXFLAGS": flags, "AUTAPSE_CACHE": folder, "ASAN_OPTIONS": "detect_leaks=0"}
        before = {name: os.environ.get(name) for name in new}
        os.environ.update(new)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def judge_all(
    seeds: Sequence[int], engines: Sequence[str], features: Collection[str] = FEATURES, processes: int = 2
) -> Iterator[tuple[int, Judgement]]:
    """Judge the cases of seeds side by side; one that ends or holds its process is a crash, and the others go on."""
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    done: queue.SimpleQueue = queue.SimpleQueue()
    for seed in seeds:
        waiting.put(seed)
    stop = threading.Event()
    lanes = [threading.Thread(target=_lane, args=(waiting, done, engines, features, stop)) for _ in range(processes)]
    for lane in lanes:
        lane.start()
    try:
        for _ in seeds:
            yield done.get()
    finally:
        stop.set()
        for lane in lanes:
            lane.join()


def _lane(
    waiting: queue.SimpleQueue,
    done: queue.SimpleQueue,
    engines: Sequence[str],
    features: Collection[str],
    stop: threading.Event,
) -> None:
    pool = _process()
    while not stop.is_set():
        try:
            seed = waiting.get_nowait()
        except queue.Empty:
            break
        try:
            found = pool.submit(judge_seed, seed, engines, features).result(PATIENCE)
        except (BrokenProcessPool, Late) as error:
            found = Judgement("crash", f"the process ends or hangs: {type(error).__name__}")
            for process in list(pool._processes.values()):
                process.kill()
            pool.shutdown()
            pool = _process()
        done.put((seed, found))
    pool.shutdown()


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=200)


def judge_seed(seed: int, engines: Sequence[str], features: Collection[str] = FEATURES) -> Judgement:
    """Judge the case of a seed."""
    gc.collect()
    gc.freeze()  # Brian2 collects garbage at each run, which then need not look at earlier cases
    return judge(case_of(seed, features), engines)


class Campaign:
    """A folder of judgements."""

    def __init__(self, folder: Path, features: Collection[str]):
        self.folder, self.features = folder, features
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "judged.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.lines = [json.loads(line) for line in lines]

    def run(self, name: str, seeds: Sequence[int], engines: Sequence[str], processes: int) -> None:
        """Judge the seeds that are not judged yet."""
        known = {line["seed"] for line in self.lines if line["name"] == name}
        left = [seed for seed in seeds if seed not in known]
        with self.path.open("a") as file:
            for count, (seed, found) in enumerate(judge_all(left, engines, self.features, processes), 1):
                line = {"name": name, "seed": seed, "kind": found.kind, "alive": found.alive}
                if found.kind in BAD:
                    line["how"] = signature(found)
                    self.keep(name, seed, found, engines)
                if found.kind != "agree":
                    line["said"] = found.said[-400:]
                self.lines.append(line)
                print(json.dumps(line), file=file, flush=True)
                if count % 50 == 0:
                    print(f"{name}: {count} of {len(left)}", dict(self.kinds(name)), flush=True)

    def keep(self, name: str, seed: int, found: Judgement, engines: Sequence[str]) -> None:
        """Write a case that fails, and how."""
        keep(self.folder / f"{name}_{seed}", case_of(seed, self.features), found, engines)

    def kinds(self, name: str) -> Counter:
        """How often each kind of judgement came."""
        return Counter(line["kind"] for line in self.lines if line["name"] == name)

    def report(self) -> str:
        """Counts by kind, what was alive, and the ways of failing."""
        text = []
        for name in dict.fromkeys(line["name"] for line in self.lines):
            lines = [line for line in self.lines if line["name"] == name]
            text.append(f"{name}: {len(lines)} cases")
            text += [f"  {count:6} {kind}" for kind, count in self.kinds(name).most_common()]
            text.append(
                "  alive: " + ", ".join(f"{what} {moved} of {of}" for what, (moved, of) in liveness(lines).items())
            )
            ways: dict[str, list[int]] = {}
            for line in lines:
                if "how" in line:
                    ways.setdefault(line["how"], []).append(line["seed"])
            for how, seeds in sorted(ways.items(), key=lambda item: -len(item[1])):
                text.append(f"  {len(seeds):6} {how[:160]}  e.g. {name}_{seeds[0]}")
        return "\n".join(text)


def keep(folder: Path, case: Case, found: Judgement, engines: Sequence[str]) -> None:
    """Write a case, what was said of it, and a script that runs it."""
    case.save(folder)
    (folder / "said.txt").write_text(f"{found.kind}\n{found.said}\n")
    (folder / "repro.py").write_text(SCRIPT.format(folder=str(Path(__file__).parent), engines=tuple(engines)))


def liveness(lines: Sequence[dict]) -> dict[str, tuple[int, int]]:
    """In how many of the cases that ran activity, weights and feedback moved; how many of the spiking ones spiked."""
    ran = [line["alive"] for line in lines if line["kind"] == "agree"]
    spiking = [each for each in ran if "spiking" in each]
    found = {what: (sum(what in each for each in ran), len(ran)) for what in ("activity", "weights", "feedback")}
    return found | {"spikes": (sum("spikes" in each for each in spiking), len(spiking))}


def shrink(folder: Path, engines: Sequence[str]) -> None:
    """Make the case in a folder smaller, and show it."""

    def better(case: Case, found: Judgement) -> None:
        keep(folder / "smaller", case, found, engines)

    case, found = shrunk(Case.load(folder), lambda case: judge(case, engines), better)
    for name, text in case.files.items():
        print(f"--- {name}\n{text}")
    print(case.circuit, case.protocol, case.task, case.parameters, f"{found.kind}: {found.said}", sep="\n")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", type=int, default=0, help="cases for the reference and Brian2's runtime mode")
    parser.add_argument("--compiled", type=int, default=0, help="cases for the reference and compiled programs")
    parser.add_argument("--seed", type=int, default=1, help="the seeds of cases begin at a million times this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/grammar"), help="the folder of the campaign")
    parser.add_argument("--without", default="", help="features that are left out, joined by commas")
    parser.add_argument("--noise", action="store_true", help="draw random numbers, too; name the engines then")
    parser.add_argument("--engines", default="", help="engines, joined by commas, in place of the usual ones")
    parser.add_argument("--sanitize", action="store_true", help="compile with sanitizers of addresses and arithmetic")
    parser.add_argument("--shrink", type=Path, help="make the case in this folder smaller")
    given = parser.parse_args()
    asked = tuple(filter(None, given.engines.split(",")))
    features = without(*(word.strip() for word in given.without.split(",") if word.strip()))
    features |= {NOISE} if given.noise else set()
    with cheap_programs(SANITIZED if given.sanitize else CHEAP):
        if given.shrink:
            shrink(given.shrink, asked or QUICK)
            return
        campaign, first = Campaign(given.out, features), given.seed * 1_000_000
        for name, count, engines in (("runtime", given.runtime, QUICK), ("compiled", given.compiled, COMPILED)):
            if count:
                campaign.run(name, range(first, first + count), asked or engines, given.processes)
        print(campaign.report())


if __name__ == "__main__":
    main()
