"""Measures what pages show and a build of the site has no time for: python docs/extensions/measure.py [NAME ...]

NAME is a model, `claims`, `verdict` or `scoreboard`; without any, what is not up to date is measured. What was
measured is stored in docs/data/ with the text of the file that it was measured of, and shown as long as that file is
the same.
"""

import json
import os
import sys
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from autapse_sim.experiments import claims as package
from autapse_sim.experiments.checking.check import check
from autapse_sim.experiments.paper.table import claims
from autapse_sim.machine.quiet import quiet
from autapse_sim.names import modules_in
from autapse_sim.spec.model import library

DATA = Path(__file__).parents[1] / "data"
CHECKS, CLAIMS = DATA / "checks.json", DATA / "claims.json"
RUNS_STORED = ("verdict", "scoreboard")
"""Small runs that the gallery draws, which take a minute."""
TIMED = "h"
"""The claim on times, of which the answer is stored alone: numbers are those of a machine."""


def stored(path):
    """What is stored, by name."""
    return json.loads(path.read_text()) if path.exists() else {}


def fresh(path, name, text):
    """What is stored of a thing with that text, or nothing."""
    found = stored(path).get(name, {})
    return found if found.get("sha256") == digest(text) else {}


def digest(text):
    return sha256(text.encode()).hexdigest()


def store(path, name, text, **found):
    """Keep what was measured of a thing with that text."""
    everything = stored(path) | {name: {"sha256": digest(text), **found}}
    path.write_text(json.dumps(dict(sorted(everything.items())), indent=1) + "\n")


def claim_texts():
    """The text of each claim's file, by its name."""
    return {name: Path(module.__file__).read_text() for name, module in modules_in(package).items()}


def measure_model(name, path):
    """What a model is held against."""
    sections = dict(check(name))
    told = [line.replace(f"{path.parent}{os.sep}", "") for line in sections["held against"]]
    store(CHECKS, name, path.read_text(), **{"held against": told})


def measure_claims():
    """What the paper says, claim by claim, with 200 networks a rule."""
    keys = {module.KEY: name for name, module in modules_in(package).items()}
    for claim in claims():
        told = asdict(claim) | ({"measured": ""} if claim.key == TIMED else {})
        store(CLAIMS, keys[claim.key], claim_texts()[keys[claim.key]], **told)


def stored_run(run):
    """Where the result of a small run is stored."""
    return DATA / f"{run}.nc"


def measure_run(run):
    """A small run that the gallery draws."""
    import pictures

    pictures.made(pictures.RUNS[run]).save(stored_run(run))


def main(names):
    """Measure what is named, or all that is not up to date."""
    models = library("rules") | library("neurons")
    for name, path in models.items():
        if name in names or not (names or fresh(CHECKS, name, path.read_text())):
            print(name, flush=True)
            measure_model(name, path)
    texts = claim_texts()
    if "claims" in names or not (names or all(fresh(CLAIMS, name, text) for name, text in texts.items())):
        print("claims", flush=True)
        measure_claims()
    for run in RUNS_STORED:
        if run in names or not (names or stored_run(run).exists()):
            print(run, flush=True)
            measure_run(run)


if __name__ == "__main__":
    with quiet():
        main(sys.argv[1:])
