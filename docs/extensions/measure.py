"""Measures what pages say of each model: python docs/extensions/measure.py [NAME ...]; what is up to date stays.

It takes some seconds a model, a build of the site does not: pages show what is stored in docs/data/checks.json, as long
as the model's file is the one that was measured.
"""

import json
import os
import sys
from hashlib import sha256
from pathlib import Path

from autapse_sim.experiments.checking.check import check
from autapse_sim.machine.quiet import quiet
from autapse_sim.spec.model import library

STORED = Path(__file__).parents[1] / "data" / "checks.json"


def main(names):
    """Check the models of these names, or all, and keep what they were held against."""
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    models = library("rules") | library("neurons")
    for name in names or models:
        text = models[name].read_text()
        digest = sha256(text.encode()).hexdigest()
        if stored.get(name, {}).get("sha256") == digest and not names:
            continue
        with quiet():
            sections = dict(check(name))
        told = [line.replace(f"{models[name].parent}{os.sep}", "") for line in sections["held against"]]
        stored[name] = {"sha256": digest, "held against": told}
        print(name, *told, sep="\n  ", flush=True)
        STORED.write_text(json.dumps(dict(sorted(stored.items())), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
